"""One decision told: complete, exact, and never more certain than the ledger is."""

import json
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from msgspec.structs import replace

from router.domain import (
    REASONS,
    Attempt,
    Candidate,
    Cost,
    Decision,
    Doubt,
    Entry,
    Facts,
    Fault,
    Kept,
    ModelId,
    Obstacle,
    Outcome,
    PicoUsd,
    Reason,
    Timings,
    Usage,
    Warm,
)
from router.report.explain import document, explain
from router.report.reasons import FAULTS, OBSTACLES, why
from tests.ledgers import cost, entries, entry
from tests.verdicts import verdict

SMALL, BIG, SPARE = ModelId("small"), ModelId("big"), ModelId("spare")
TIERS = (
    Candidate(tier="easy", model=SMALL),
    Candidate(tier="medium", model=SPARE, obstacle="context"),
    Candidate(tier="hard", model=BIG),
)


def decided(reason: Reason = "label", **more: object) -> Decision:
    fields: dict[str, object] = {"tier": "easy", "model": SMALL, "verdict": verdict()}
    fields |= {"candidates": TIERS, **more}
    return Decision(reason=reason, **fields)  # type: ignore[arg-type]  # tests name what they mean


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_words(reason: Reason) -> None:
    told = explain(entry(1, decision=decided(reason))).summary
    assert told.startswith("Sent to small (easy): ")
    assert told.endswith(".")
    assert len(told) > 45


def test_every_fault_and_obstacle_has_words() -> None:
    assert set(FAULTS) == set(get_args(Fault))
    assert set(OBSTACLES) == set(get_args(Obstacle))


@pytest.mark.parametrize(
    ("decision", "figure"),
    [
        (decided("label"), "easy with 70%"),
        (decided("success"), "(80%)"),
        (decided("success", tier="hard", model=BIG), "(80% and 90%)"),
        (decided("needs_info"), "(5%)"),
    ],
)
def test_the_figures_that_a_reason_rests_on_are_said(decision: Decision, figure: str) -> None:
    assert figure in why(decision)


def test_tiers_are_told_with_what_stood_in_their_way_and_what_they_cost() -> None:
    told = explain(entry(1, decision=decided(), cost=cost(1, easy=1, hard=4)))
    assert [(one.tier, one.model, one.taken) for one in told.choices] == [
        ("easy", SMALL, True),
        ("medium", SPARE, False),
        ("hard", BIG, False),
    ]
    assert [one.words for one in told.choices] == [
        "chosen",
        OBSTACLES["context"],
        "could have served",
    ]
    assert [one.cost_usd for one in told.choices] == [
        Decimal("0.000001"),
        None,
        Decimal("0.000004"),
    ]


def test_an_estimate_has_its_interval_and_what_was_paid_has_none() -> None:
    doubts = {"hard": Doubt(shared=3_000_000, own=4_000_000)}
    told = explain(
        entry(1, decision=decided(), cost=replace(cost(1, easy=1, hard=40), doubts=doubts))
    )
    easy, medium, hard = told.choices
    # The two kinds of doubt of one request are independent: 3, 4 and so 5 micro-USD.
    assert hard.cost_usd_high is not None
    assert hard.cost_usd_low is not None
    assert float(hard.cost_usd_high) == pytest.approx(49.8e-6, abs=1e-8)
    assert float(hard.cost_usd_low) == pytest.approx(30.2e-6, abs=1e-8)
    assert (easy.cost_usd_low, easy.cost_usd_high) == (None, None)
    assert (medium.cost_usd_low, medium.cost_usd_high) == (None, None)


def test_no_cost_is_below_nothing() -> None:
    unsure = Cost(actual=PicoUsd(1), hard=PicoUsd(10), doubts={"hard": Doubt(own=100)})
    assert explain(entry(1, decision=decided(), cost=unsure)).choices[2].cost_usd_low == 0


def test_a_model_that_was_named_stands_for_its_tier() -> None:
    told = explain(entry(1, decision=decided("passthrough", model=ModelId("other"))))
    assert (told.choices[0].model, told.choices[0].taken) == ("other", True)
    assert "the caller named this model" in told.summary


def test_what_could_not_be_served_says_so() -> None:
    stuck = (Candidate(tier="easy", model=SMALL, obstacle="max_tokens"),)
    decision = decided("max_tokens", candidates=stuck)
    told = explain(entry(1, decision=decision, outcome=Outcome(status=400)))
    assert told.summary.startswith("Meant for small (easy): ")
    assert "No upstream was tried; the caller got status 400." in told.summary
    assert told.choices[0].words == OBSTACLES["max_tokens"]


def test_attempts_are_told_in_order() -> None:
    used = Usage(input=10, cached=4, output=5, source="billed")
    outcome = Outcome(
        status=200,
        attempts=(
            Attempt(model=SMALL, tier="easy", status=503, fault="overloaded", cost=None),
            Attempt(model=BIG, tier="hard", status=200, usage=used, cost=PicoUsd(7)),
        ),
    )
    told = explain(entry(1, decision=decided("fallback", tier="hard", model=BIG), outcome=outcome))
    assert [one.words for one in told.attempts] == ["was overloaded", "answered"]
    assert [one.cost_usd for one in told.attempts] == [None, Decimal("0.000000000007")]
    assert "It took 2 attempts." in told.summary


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("cut", "The answer failed, because the model broke off its answer"),
        ("client_left", "was not read to its end: the caller left"),
    ],
)
def test_a_broken_answer_is_told(fault: Fault, words: str) -> None:
    attempts = (Attempt(model=SMALL, tier="easy", fault=fault),)
    told = explain(entry(1, outcome=Outcome(status=200, fault=fault, attempts=attempts)))
    assert words in told.summary


def test_in_shadow_mode_both_ways_are_told() -> None:
    watched = entry(
        1,
        decision=decided("shadow", tier="hard", model=BIG, verdict=None),
        shadow=decided("label"),
    )
    told = explain(watched)
    assert "Sent to big (hard): the router only watched" in told.summary
    assert "Routing would have taken small (easy): the policy follows" in told.summary
    assert told.verdict == verdict()


def test_what_the_policy_saw_is_listed() -> None:
    facts = Facts(
        input_tokens=1_234,
        max_tokens=500,
        modalities=("image",),
        capabilities=("tools",),
        open_tool_loop=True,
        dial="cheap",
        rules=(0, 2),
        pin=BIG,
        unavailable=(SPARE,),
        warm=Warm(model=BIG, tokens=1_024),
        thrift=True,
    )
    told = explain(entry(1, facts=facts, cache="hit"))
    assert told.facts == (
        "about 1,234 input tokens",
        "at most 500 output tokens",
        "dial auto:cheap",
        "has image",
        "needs tools",
        "rules that matched: 0, 2",
        "known to be down: spare",
        "an open tool loop",
        "pinned to big",
        "about 1,024 tokens cached at big",
        "a soft limit of a budget is reached",
        "verdict cache: hit",
    )


def test_the_document_is_plain_json_with_every_digit() -> None:
    told = explain(
        entry(
            1,
            decision=decided(),
            cost=replace(cost(1), actual=PicoUsd(1_234_567_890_123)),
            timings=Timings(parse_ms=0.5, total_ms=12.0),
            prompt="hello",
            kept=Kept(length=5),
        )
    )
    said = json.loads(document(told), parse_float=Decimal)
    assert said["cost_usd"] == Decimal("1.234567890123")
    assert said["timings_ms"] == {"parse": Decimal("0.5"), "total": 12}
    assert said["prompt"] == "hello"
    assert said["verdict"]["label"] == "easy"
    assert [one["tier"] for one in said["choices"]] == ["easy", "medium", "hard"]
    assert said["choices"][1]["cost_usd"] is None


@given(entries())
def test_any_entry_can_be_told(kept: Entry) -> None:
    told = explain(kept)
    assert told.id == kept.id
    assert sum(one.taken for one in told.choices) == 1
    said = json.loads(document(told), parse_float=Decimal)
    assert set(said) == set(told.__struct_fields__)
    assert (said["cost_usd"] is None) == (kept.cost.actual is None)
