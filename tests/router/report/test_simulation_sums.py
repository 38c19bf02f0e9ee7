"""The totals of a simulation are exact sums over its requests, however they come in."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from classifier.types import TIERS
from router.columns import Columns
from router.domain import PICO
from router.report.simulation.answer import Outcome, Simulation
from router.report.simulation.arrays import BUCKETS, bucket_sums, total
from router.report.simulation.conclude import conclude
from router.report.simulation.fold import State, add, begin, join
from router.report.simulation.plain import to_csv, to_json
from router.report.simulation.question import Option, Question
from router.report.simulation.reading import Reading
from tests.columns import drawn, rows_of, unserved

ASKED = Question(options=(Option(name="by success"),), rounds=60)


def simulated(*batches: Columns, question: Question = ASKED) -> Simulation:
    return conclude(folded(*batches, question=question))


def folded(*batches: Columns, question: Question = ASKED) -> State:
    state = begin(question)
    for batch in batches:
        state = add(state, batch)
    return state


def outcome(*batches: Columns) -> Outcome:
    return simulated(*batches).policies[0]


def pico(amount: Decimal) -> int:
    return int(amount * PICO)


def test_cost_baseline_and_saving_are_the_sums_over_the_requests() -> None:
    columns = drawn(500)
    routed, totals = columns.policies[0], outcome(columns).totals
    assert totals.cost_usd is not None
    assert totals.baseline_cost_usd is not None
    assert totals.saving_usd is not None
    cost, alone = int(routed.cost.sum()), int(routed.tiers[:, 2].sum())
    assert pico(totals.cost_usd.value) == cost
    assert pico(totals.baseline_cost_usd.value) == alone
    assert pico(totals.saving_usd.value) == alone - cost
    assert totals.saving_pct is not None
    assert float(totals.saving_pct.value) == pytest.approx(100 * (1 - cost / alone), abs=0.01)
    assert (totals.requests, totals.unpriced_requests, totals.compared_requests) == (500, 0, 500)


def test_order_and_batches_do_not_matter() -> None:
    columns = replace(drawn(900, shared=0.2, own=0.4), user=("ada",) * 900, key=("k",) * 900)
    order = np.random.default_rng(3).permutation(900)
    parts = [rows_of(columns, order[at : at + 217]) for at in range(0, 900, 217)]
    whole, pieces = simulated(columns), simulated(*parts)
    halves = conclude(join(folded(*parts[3:]), folded(*parts[:3])))
    said = Reading(rows=900)
    first = to_json(whole, said)
    assert sorted(to_json(pieces, said).splitlines()) == sorted(first.splitlines())
    assert to_csv(whole).splitlines()[:60] == to_csv(halves).splitlines()[:60]


@given(
    values=st.lists(st.integers(-(2**58), 2**58), min_size=1, max_size=16),
    data=st.data(),
)
@settings(max_examples=60)
def test_sums_by_bucket_lose_no_digit(values: list[int], data: st.DataObject) -> None:
    index = data.draw(
        st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values)), label="index"
    )
    sums = bucket_sums(np.array(index, np.intp), np.array(values, np.int64), 4)
    for bucket in range(4):
        inside = [value for at, value in zip(index, values, strict=True) if at == bucket]
        assert sums[bucket] == sum(inside)


def test_a_total_may_pass_what_a_bucket_holds() -> None:
    assert total(np.full(BUCKETS, 2**62, np.int64)) == BUCKETS * 2**62


def test_a_dear_request_is_told_to_the_last_digit() -> None:
    columns = drawn(50)
    routed = columns.policies[0]
    routed.cost[7, 2] = 3 * 10**15 + 1
    totals = outcome(columns).totals
    assert totals.cost_usd is not None
    assert pico(totals.cost_usd.value) == int(routed.cost.sum())


def test_what_cannot_be_priced_is_counted_by_its_reason_and_left_out() -> None:
    columns = unserved(drawn(200), 0)
    routed = columns.policies[0]
    routed.cost[1, 0] = -1
    routed.cost[2, 2] = -1
    routed.tiers[3, 2, 2] = -1
    found = outcome(columns)
    assert found.unpriced == {
        "no tier can serve the request": 1,
        "the input has no price": 1,
        "the output has no price, or nobody knows its length": 1,
    }
    totals = found.totals
    assert (totals.requests, totals.unpriced_requests, totals.compared_requests) == (200, 3, 196)
    assert totals.cost_usd is not None
    assert totals.baseline_cost_usd is not None
    assert pico(totals.cost_usd.value) == int(routed.cost[3:].sum())
    assert pico(totals.baseline_cost_usd.value) == int(routed.tiers[4:, 2].sum())
    assert sum(found.mix.values()) == 199


def test_the_baseline_is_the_tier_that_was_asked_for() -> None:
    columns = drawn(100)
    question = replace(ASKED, baseline="medium")
    totals = simulated(columns, question=question).policies[0].totals
    assert totals.baseline_cost_usd is not None
    assert pico(totals.baseline_cost_usd.value) == int(columns.policies[0].tiers[:, 1].sum())


def test_unknown_is_null_and_never_nothing() -> None:
    columns = drawn(60)
    routed = columns.policies[0]
    routed.cost[:] = -1
    routed.tiers[:] = -1
    routed.latency_ms[:] = np.nan
    columns.success[:] = np.nan
    columns.logged[:] = -1
    found = outcome(columns)
    assert found.totals.cost_usd is None
    assert found.totals.saving_usd is None
    assert found.totals.saving_pct is None
    assert found.totals.quality is None
    assert found.totals.latency_ms is None
    assert found.controls.oracle.cost_usd is None
    assert found.controls.random_mix.quality is None
    assert found.logged.cost_usd is None
    assert (found.frontier, found.sensitivity) == ((), ())
    assert (found.cost_doubt, found.saving_doubt) == (None, None)


def test_a_log_without_requests_is_an_answer_too() -> None:
    found = conclude(begin(ASKED))
    assert (found.requests, found.conversations, found.first_us) == (0, 0, None)
    assert found.policies[0].totals.cost_usd is None
    assert '"requests": 0,' in to_json(found, Reading(rows=0))


def test_a_prompt_list_without_times_and_verdicts_is_priced_and_not_judged() -> None:
    columns = drawn(80)
    columns.at_us[:] = -1
    columns.success[:] = np.nan
    found = simulated(columns)
    totals = found.policies[0].totals
    assert found.first_us is None
    assert totals.cost_usd is not None
    assert (totals.quality, totals.scored_requests) == (None, 0)
    assert found.policies[0].controls.always_easy.quality is None
    assert found.policies[0].controls.random_mix.cost_usd is not None


def test_quality_and_time_are_those_of_the_tiers_that_serve() -> None:
    columns = drawn(300)
    tier = columns.policies[0].tier.astype(np.intp)
    totals = outcome(columns).totals
    assert totals.quality is not None
    assert totals.latency_ms is not None
    expected = columns.success[np.arange(300), tier].mean()
    assert float(totals.quality.value) == pytest.approx(expected, abs=1e-4)
    waits = np.array([200.0, 500.0, 2_000.0])[tier].mean()
    assert float(totals.latency_ms.value) == pytest.approx(waits, abs=0.51)


def test_the_mix_and_the_reasons_are_counted() -> None:
    columns = drawn(300)
    found = outcome(columns)
    assert found.mix == {
        tier: int((columns.policies[0].tier == at).sum()) for at, tier in enumerate(TIERS)
    }
    assert found.reasons == {"success": 300}


@pytest.mark.parametrize("turns", [1.0, 4.0])
def test_conversations_are_counted(turns: float) -> None:
    columns = drawn(3_000, turns=turns)
    found = simulated(columns).conversations
    assert found == pytest.approx(len(np.unique(columns.conversation)), rel=0.01)


def test_a_batch_of_other_policies_is_refused() -> None:
    with pytest.raises(ValueError, match="2 policies in a batch, but 1 were asked for"):
        folded(drawn(10, bars=((0.7, 0.5), (0.9, 0.8))))
