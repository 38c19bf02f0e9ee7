"""A soft limit is reached: one tier less, and when not."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import LABELS, TIERS, Label
from router.domain import Decision, Facts
from router.policy.decision import decide
from tests.policies import (
    FLASH,
    INSTRUCT,
    PLAIN,
    SPARE,
    THINKING,
    THINKING_SPARE,
    decided,
    summary,
    table,
    verdict,
)

THRIFTY = msgspec.structs.replace(PLAIN, thrift=True)


def thrifty(**facts: object) -> Facts:
    return msgspec.structs.replace(THRIFTY, **facts)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("hard", ("medium", INSTRUCT, "budget")),
        ("medium", ("easy", FLASH, "budget")),
        ("needs_info", ("easy", FLASH, "budget")),
        ("easy", ("easy", FLASH, "label")),
    ],
)
def test_a_thrifty_request_goes_one_tier_lower(
    label: Label, expected: tuple[str, str, str]
) -> None:
    decision = decided(verdict(label), THRIFTY)
    assert summary(decision) == expected
    assert decision.verdict == verdict(label)
    assert len(decision.candidates) == 3


def test_without_a_verdict_too() -> None:
    assert summary(decided(None, THRIFTY)) == ("easy", FLASH, "budget")


def test_the_caller_s_word_is_not_moved() -> None:
    hard = verdict("hard")
    assert summary(decided(hard, thrifty(forced="hard"))) == ("hard", THINKING, "forced")
    through = thrifty(passthrough=THINKING)
    assert summary(decided(hard, through)) == ("hard", THINKING, "passthrough")


def test_an_open_tool_loop_is_not_moved_and_a_pin_holds() -> None:
    hard = verdict("hard")
    assert summary(decided(hard, thrifty(open_tool_loop=True))) == ("hard", THINKING, "label")
    pinned = thrifty(pin=THINKING_SPARE)
    assert summary(decided(hard, pinned)) == ("hard", THINKING_SPARE, "pinned")


def test_a_lower_tier_that_cannot_serve_is_left_alone() -> None:
    hard = verdict("hard")
    long = thrifty(input_tokens=150_000)  # too long for the medium tier alone
    assert summary(decided(hard, long)) == ("hard", THINKING, "label")
    down = thrifty(unavailable=(INSTRUCT,))
    assert summary(decided(hard, down)) == ("hard", THINKING, "label")
    spare = thrifty(unavailable=(FLASH,))
    assert summary(decided(verdict("medium"), spare)) == ("easy", SPARE, "budget")


def test_what_a_rule_demands_is_kept() -> None:
    rule = '\n[[policy.rule]]\nname = "r"\nkey = "default"\n'
    matched = thrifty(rules=(0,))
    floor = f'{rule}at_least = "medium"\n'
    assert summary(decided(verdict("hard"), matched, floor)) == ("medium", INSTRUCT, "budget")
    assert summary(decided(verdict("easy"), matched, floor)) == ("medium", INSTRUCT, "rule")
    exact = f'{rule}tier = "hard"\n'
    assert summary(decided(verdict("easy"), matched, exact)) == ("hard", THINKING, "rule")
    ceiling = f'{rule}at_most = "medium"\n'
    assert summary(decided(verdict("hard"), matched, ceiling)) == ("easy", FLASH, "budget")


def test_an_attempt_that_failed_below_is_made_above_again() -> None:
    first = decided(verdict("hard"), THRIFTY)
    again = decided(verdict("hard"), thrifty(unavailable=(first.model,)))
    assert summary(again) == ("hard", THINKING, "label")


@given(
    label=st.sampled_from(LABELS),
    facts=st.builds(
        Facts,
        input_tokens=st.sampled_from([10, 150_000, 300_000, 500_000]),
        open_tool_loop=st.booleans(),
        forced=st.none() | st.sampled_from(TIERS),
        unavailable=st.sets(st.sampled_from([FLASH, SPARE, INSTRUCT, THINKING])).map(tuple),
        pin=st.none() | st.sampled_from([FLASH, INSTRUCT]),
    ),
)
def test_thrift_never_refuses_and_never_goes_up(label: Label, facts: Facts) -> None:
    lavish = decide(verdict(label), facts, table())
    frugal = decide(verdict(label), msgspec.structs.replace(facts, thrift=True), table())
    if not isinstance(lavish, Decision) or not isinstance(frugal, Decision):
        assert frugal == lavish
        return
    fell = TIERS.index(lavish.tier) - TIERS.index(frugal.tier)
    assert fell == (frugal.reason == "budget")
    served = next(one for one in frugal.candidates if one.tier == frugal.tier)
    assert frugal.reason != "budget" or served.obstacle is None
