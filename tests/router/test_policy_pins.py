"""Conversations that have to stay with a model, and tool loops that must."""

import msgspec
import pytest

from router.domain import Facts, ModelId
from router.policy.decision import decide
from router.policy.obstruction import Obstruction
from tests.policies import (
    FLASH,
    INSTRUCT,
    THINKING,
    THINKING_SPARE,
    decided,
    summary,
    table,
    verdict,
)

LOOP = Facts(input_tokens=1_000, capabilities=("tools",), open_tool_loop=True)


def test_a_pinned_conversation_stays_with_its_model() -> None:
    facts = Facts(input_tokens=1_000, pin=THINKING_SPARE)
    assert summary(decided(verdict("easy"), facts)) == ("hard", THINKING_SPARE, "pinned")


def test_a_pin_that_changes_nothing_is_not_the_reason() -> None:
    facts = Facts(input_tokens=1_000, pin=THINKING)
    assert summary(decided(verdict("hard"), facts)) == ("hard", THINKING, "label")
    loop = msgspec.structs.replace(LOOP, pin=THINKING)
    assert summary(decided(verdict("hard"), loop)) == ("hard", THINKING, "label")
    assert summary(decided(verdict("easy"), loop)) == ("hard", THINKING, "pinned")


def test_a_pin_without_an_open_tool_loop_gives_way() -> None:
    facts = Facts(input_tokens=1_000, pin=THINKING, unavailable=(THINKING,))
    assert summary(decided(verdict("easy"), facts)) == ("easy", FLASH, "label")
    gone = Facts(input_tokens=1_000, pin=ModelId("retired"))
    assert summary(decided(verdict("easy"), gone)) == ("easy", FLASH, "label")


def test_a_forced_tier_outranks_a_pin_to_another_tier_but_keeps_one_to_its_own() -> None:
    other = Facts(input_tokens=1_000, forced="easy", pin=THINKING, open_tool_loop=True)
    assert summary(decided(None, other)) == ("easy", FLASH, "forced")
    own = Facts(input_tokens=1_000, forced="hard", pin=THINKING_SPARE, open_tool_loop=True)
    assert summary(decided(None, own)) == ("hard", THINKING_SPARE, "pinned")


def test_an_open_tool_loop_repeats_its_tier_without_a_pin() -> None:
    assert summary(decided(verdict("hard"), LOOP)) == ("hard", THINKING, "label")


def test_an_open_tool_loop_that_began_beyond_its_tier_for_size_repeats_that_too() -> None:
    facts = msgspec.structs.replace(LOOP, input_tokens=150_000)
    assert summary(decided(verdict("medium"), facts)) == ("hard", THINKING, "context")


@pytest.mark.parametrize("pin", [None, THINKING])
def test_an_open_tool_loop_is_not_moved_by_an_outage(pin: ModelId | None) -> None:
    facts = msgspec.structs.replace(LOOP, pin=pin, unavailable=(THINKING,))
    obstruction = decide(verdict("hard"), facts, table())
    assert isinstance(obstruction, Obstruction)
    assert obstruction.outage
    assert "tool loop" in obstruction.message
    assert "thinking" in obstruction.message


def test_a_pinned_tool_loop_that_outgrew_its_model_is_told_so() -> None:
    facts = msgspec.structs.replace(LOOP, pin=INSTRUCT, input_tokens=150_000)
    obstruction = decide(verdict("medium"), facts, table())
    assert isinstance(obstruction, Obstruction)
    assert not obstruction.outage
    assert "165,000" in obstruction.message
    assert "120,000" in obstruction.message


def test_a_tool_loop_whose_model_was_taken_from_the_configuration_is_not_moved() -> None:
    facts = msgspec.structs.replace(LOOP, pin=ModelId("retired"))
    obstruction = decide(verdict("easy"), facts, table())
    assert isinstance(obstruction, Obstruction)
    assert obstruction.outage
    assert "retired is not configured" in obstruction.message
