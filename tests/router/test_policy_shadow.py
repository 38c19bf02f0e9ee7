"""What the caller chose is carried out; what routing would have done is decided beside it."""

import msgspec
import pytest

from classifier.types import Tier
from router.domain import Facts, ModelId
from router.policy.shadow import carried, routed, unforced
from tests.policies import FLASH, INSTRUCT, PLAIN, THINKING, decided, summary, table, verdict

STRANGER = ModelId("gpt-5")


@pytest.mark.parametrize(
    ("model", "asked", "tier"),
    [
        (FLASH, None, "easy"),
        (THINKING, None, "hard"),
        (ModelId("elsewhere"), None, "hard"),
        (STRANGER, None, "hard"),
        (FLASH, "medium", "medium"),
    ],
)
def test_the_caller_s_model_counts_as_its_own_tier(
    model: ModelId, asked: Tier | None, tier: Tier
) -> None:
    decision = carried(model, asked, table())
    assert summary(decision) == (tier, model, "shadow")


@pytest.mark.parametrize(
    "choice", [{"passthrough": THINKING}, {"passthrough": STRANGER}, {"forced": "hard"}, {}]
)
def test_routing_decides_as_if_the_caller_had_left_it_the_choice(choice: dict[str, object]) -> None:
    facts = msgspec.structs.replace(PLAIN, **choice)
    assert routed(verdict("easy"), facts, table()) == decided(verdict("easy"), PLAIN)
    assert unforced(facts) == PLAIN


def test_everything_else_that_routing_sees_has_a_say() -> None:
    facts = msgspec.structs.replace(PLAIN, passthrough=STRANGER, thrift=True, dial="best")
    assert summary(routed(verdict(easy=0.1), facts, table())) == ("medium", INSTRUCT, "budget")


def test_what_no_tier_could_take_is_noted_with_its_obstacle() -> None:
    facts = Facts(input_tokens=10**7, passthrough=STRANGER)
    decision = routed(verdict("easy"), facts, table())
    assert decision.reason == "context"
    assert {one.obstacle for one in decision.candidates} == {"context"}
    assert decision.verdict == verdict("easy")
