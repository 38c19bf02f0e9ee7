"""The operator's rules: which requests they match, and what they change."""

import msgspec
import pytest

from classifier.types import Tier
from router.config.schema import Rule
from router.policy.rules import CompiledRule, apply_rules, compile_rules, match_rules


def rules(text: str) -> tuple[CompiledRule, ...]:
    table = msgspec.toml.decode(text, type=dict[str, tuple[Rule, ...]])
    return compile_rules(table["rule"])


CONDITIONS = """
[[rule]]
name = "a key"
key = "team-a"
tier = "hard"

[[rule]]
name = "a header, whatever it says"
header = "x-batch"
tier = "easy"

[[rule]]
name = "a header with a value"
header = "x-plan"
value = "free"
tier = "easy"

[[rule]]
name = "a word"
pattern = "(?i)\\\\bproof\\\\b"
tier = "hard"

[[rule]]
name = "all of it"
key = "team-a"
header = "x-plan"
value = "free"
pattern = "proof"
tier = "medium"

[[rule]]
name = "always"
at_most = "medium"
"""


@pytest.mark.parametrize(
    ("key", "headers", "text", "matched"),
    [
        ("", {}, "", (5,)),
        ("team-a", {}, "hello", (0, 5)),
        ("team-b", {"x-batch": ""}, "hello", (1, 5)),
        ("", {"x-plan": "paid"}, "a Proof please", (3, 5)),
        ("", {"x-plan": "free"}, "bulletproof", (2, 5)),
        ("team-a", {"x-plan": "free"}, "a proof", (0, 2, 3, 4, 5)),
    ],
)
def test_a_rule_matches_when_all_of_its_conditions_hold(
    key: str, headers: dict[str, str], text: str, matched: tuple[int, ...]
) -> None:
    assert match_rules(rules(CONDITIONS), key, headers, text) == matched


@pytest.mark.parametrize(
    ("effects", "tier", "chosen", "order"),
    [
        (['tier = "hard"'], "easy", "hard", ("hard", "medium", "easy")),
        (['at_least = "medium"'], "easy", "medium", ("medium", "hard", "easy")),
        (['at_least = "medium"'], "hard", "hard", ("hard", "medium", "easy")),
        (['at_most = "medium"'], "hard", "medium", ("medium", "easy", "hard")),
        (['at_most = "medium"'], "easy", "easy", ("easy", "medium", "hard")),
        (['at_most = "easy"', 'tier = "hard"'], "medium", "hard", ("hard", "medium", "easy")),
        (['tier = "hard"', 'at_most = "medium"'], "easy", "medium", ("medium", "easy", "hard")),
        (
            ['at_least = "medium"', 'at_most = "medium"'],
            "easy",
            "medium",
            ("medium", "hard", "easy"),
        ),
        (
            ['at_least = "medium"\nat_most = "medium"'],
            "hard",
            "medium",
            ("medium", "hard", "easy"),
        ),
    ],
)
def test_rules_narrow_the_tiers_in_order_and_allowed_ones_come_first(
    effects: list[str], tier: Tier, chosen: Tier, order: tuple[Tier, ...]
) -> None:
    compiled = rules("".join(f'[[rule]]\nname = "{effect[:4]}"\n{effect}\n' for effect in effects))
    assert apply_rules(compiled, range(len(compiled)), tier) == (chosen, order)


def test_rules_of_another_configuration_are_passed_over() -> None:
    only = rules('[[rule]]\nname = "one"\ntier = "hard"')
    assert apply_rules(only, (7, -1), "easy")[0] == "easy"
    assert apply_rules((), (0,), "easy")[0] == "easy"
