"""Canary prompts: a tier that none of them reaches is dead, and every request still says 200.

Written for this project. They say nothing about quality; they show that each tier can be reached
at all by this artifact under this policy.
"""

from typing import Final

from classifier.features import extract
from classifier.types import TIERS, Tier, Turn
from router.domain import Decision, Facts
from router.policy.decision import decide
from router.policy.table import PolicyTable
from router.scorer import Assessor

CANARIES: Final = (
    "hi there!",
    "What is the capital of Portugal?",
    "Translate 'good morning' into Spanish.",
    "Is water wet? Choose one: A) yes B) no",
    "Write a Python function that returns the sum of a list of numbers.",
    "Compute the derivative of x^3 * sin(x) and simplify it.",
    (
        "A train leaves at 9:40 and drives 210 km at 84 km/h. It stops twice for 6 minutes."
        " When does it arrive?"
    ),
    "Explain how a hash map handles collisions, with an example in C.",
    (
        "Which of these follows from Le Chatelier's principle when the pressure of N2 + 3 "
        "H2 = 2 NH3 rises? A) more N2 B) more NH3 C) no change D) less NH3"
    ),
    (
        "Fix the issue in this repository: the scheduler drops jobs whose cron expression "
        "spans the change to daylight saving time. Find the cause over the modules `tick`, "
        "`store` and `clock`, write a patch and tests for it, and keep the public "
        "interface."
    ),
    (
        "Let p be an odd prime. Prove that the number of solutions of x^2 + y^2 + z^2 = 1 "
        "over the field with p elements is p^2 + p * (-1/p), and find the count for p = "
        "2027."
    ),
    (
        "Let a, b, c be positive integers with a^2 + b^2 + c^2 = 2027 abc - 5. Find the "
        "number of ordered triples modulo 1000."
    ),
    (
        "Implement a lock-free multi-producer queue in Rust with hazard pointers, prove "
        "that it is linearizable, and show where the ABA problem would have bitten."
    ),
)


def unreached_tiers(assessor: Assessor, table: PolicyTable) -> tuple[Tier, ...]:
    """The tiers that no canary reaches, the easiest first; empty when all is well."""
    return tuple(tier for tier in TIERS if tier not in _reached(assessor, table))


def _reached(assessor: Assessor, table: PolicyTable) -> set[Tier]:
    reached: set[Tier] = set()
    for text in CANARIES:
        prompt = extract([Turn(role="user", text=text)])
        verdict = None if prompt is None else assessor.assess(prompt)
        decided = decide(verdict, Facts(input_tokens=len(text) // 4), table)
        if isinstance(decided, Decision):
            reached.add(decided.tier)
    return reached
