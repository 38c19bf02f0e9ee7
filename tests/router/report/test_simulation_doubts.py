"""Intervals are as wide as what is not known, and no wider."""

from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace

from benchmarks.bench_coverage import coverage
from router.report.simulation.answer import Beside, Figure, Part
from router.report.simulation.question import Option, Question
from tests.columns import drawn, rows_of
from tests.router.report.test_simulation_sums import ASKED, outcome, simulated

MANY = replace(ASKED, rounds=1_000)


def half(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.low is not None
    assert figure.high is not None
    return float(figure.high - figure.low) / 2


def parts(part: Part | None) -> tuple[float, float, float, float]:
    assert part is not None
    assert part.resampling_usd is not None
    return (
        float(part.resampling_usd),
        float(part.shared_usd),
        float(part.own_usd),
        float(part.these_requests_usd),
    )


def test_the_truth_is_inside_as_often_as_is_said() -> None:
    hits = coverage(50, 400)
    shares = [inside / 50 for one in hits for inside in one.inside.values()]
    assert len(shares) == 5
    assert all(0.9 <= share <= 1 for share in shares), shares
    assert min(shares) < 1, "intervals that hold everything say nothing"


def test_the_truth_is_not_inside_where_the_law_of_lengths_is_another() -> None:
    for hits in coverage(12, 400, shift=3.0):
        assert max(hits.inside.values()) <= 6


def test_without_doubts_the_interval_is_that_of_a_mean_over_conversations() -> None:
    columns = drawn(3_000, turns=1.0)
    cost = columns.policies[0].cost.sum(axis=1) / 1e12
    found = simulated(columns, question=MANY).policies[0]
    expected = 1.96 * cost.std() * np.sqrt(3_000)
    assert half(found.totals.cost_usd) == pytest.approx(expected, rel=0.12)
    resampled, shared, own, these = parts(found.cost_doubt)
    assert resampled == pytest.approx(expected, rel=0.12)
    assert (shared, own, these) == (0, 0, 0)


def test_requests_of_one_conversation_are_drawn_together() -> None:
    alone = drawn(2_000, turns=1.0)
    repeated = rows_of(alone, np.repeat(np.arange(2_000), 5))
    one, five = (simulated(each, question=MANY).policies[0] for each in (alone, repeated))
    assert half(five.totals.cost_usd) == pytest.approx(5 * half(one.totals.cost_usd), rel=1e-4)


def test_shared_doubts_add_up_and_own_doubts_even_out() -> None:
    columns = drawn(2_000, shared=0.2, own=0.5)
    routed = columns.policies[0]
    found = simulated(columns, question=MANY).policies[0]
    resampled, shared, own, these = parts(found.cost_doubt)
    by_tier = [routed.cost_shared[routed.tier == tier].sum() / 1e12 for tier in range(3)]
    assert shared == pytest.approx(1.96 * np.sqrt(np.square(by_tier).sum()), rel=0.08)
    assert own == pytest.approx(1.96 * np.sqrt((routed.cost_own**2).sum()) / 1e12, rel=0.08)
    assert these == pytest.approx(np.hypot(shared, own), rel=0.08)
    whole = np.sqrt(resampled**2 + shared**2 + own**2)
    assert half(found.totals.cost_usd) == pytest.approx(whole, rel=0.1)


def test_what_both_sides_share_is_not_doubted_in_their_difference() -> None:
    """Everything goes to the tier that it is compared with, whose lengths nobody knows."""
    columns = drawn(500, shared=0.5, own=1.0, bars=((2.0, 0.0),))
    question = replace(MANY, baseline="medium")
    found = simulated(columns, question=question).policies[0]
    assert half(found.totals.cost_usd) > 0
    assert half(found.totals.saving_usd) == pytest.approx(0, abs=1e-9)
    assert parts(found.saving_doubt) == pytest.approx((0, 0, 0, 0), abs=1e-12)


def test_savings_are_paired_and_so_narrower_than_their_sides() -> None:
    found = simulated(drawn(2_000), question=MANY).policies[0].totals
    assert half(found.saving_usd) < half(found.baseline_cost_usd) * 0.8


def test_figures_lie_within_their_intervals() -> None:
    found = outcome(drawn(700, shared=0.1, own=0.3))
    every: list[Beside] = [
        getattr(found.controls, name) for name in found.controls.__struct_fields__
    ]
    for control in every:
        for figure in (control.cost_usd, control.saving_usd, control.quality):
            assert figure is not None
            assert figure.low is not None
            assert figure.high is not None
            assert figure.low <= figure.value <= figure.high


def test_too_few_conversations_give_no_interval() -> None:
    columns = drawn(40, turns=40.0, shared=0.2)
    found = outcome(columns)
    assert found.totals.cost_usd is not None
    assert (found.totals.cost_usd.low, found.totals.cost_usd.high) == (None, None)
    assert found.cost_doubt is not None
    assert found.cost_doubt.resampling_usd is None
    assert found.cost_doubt.shared_usd > 0


def test_where_nothing_varies_the_ends_are_the_value_to_six_digits() -> None:
    columns = replace(drawn(300), policies=rows_of(drawn(1), np.zeros(300, np.intp)).policies)
    cost = outcome(columns).totals.cost_usd
    assert cost is not None
    assert cost.low is not None
    assert cost.high is not None
    assert cost.low <= cost.value <= cost.high
    assert cost.high - cost.low <= cost.value * Decimal("0.00001")
    assert len(cost.low.as_tuple().digits) <= 6


def test_a_log_of_a_few_conversations_that_one_outweighs_is_told_as_unsure() -> None:
    columns = drawn(12, turns=1.0)
    routed = columns.policies[0]
    routed.cost[:] = routed.tiers[:, 0]
    routed.cost[0] *= 1_000
    cost = outcome(columns).totals.cost_usd
    assert cost is not None
    assert cost.low is not None
    assert cost.high is not None
    assert 0 <= cost.low < cost.value / 2
    assert cost.value * Decimal("1.5") < cost.high < 20 * cost.value


def test_two_policies_are_compared_request_by_request() -> None:
    columns = drawn(1_500, shared=0.2, own=0.5, bars=((0.75, 0.6), (0.8, 0.65)))
    options = (Option(name="loose"), Option(name="strict"))
    found = simulated(columns, question=Question(options=options, rounds=400))
    (pair,) = found.comparisons
    assert (pair.policy, pair.other) == ("loose", "strict")
    loose, strict = (one.totals.cost_usd for one in found.policies)
    assert loose is not None
    assert strict is not None
    assert pair.beside.saving_usd is not None
    assert pair.beside.saving_usd.value == strict.value - loose.value
    assert half(pair.beside.saving_usd) < 0.5 * half(strict)


def test_a_policy_beside_itself_differs_by_nothing() -> None:
    columns = drawn(400, shared=0.3, own=0.5, bars=((0.75, 0.6), (0.75, 0.6)))
    options = (Option(name="one"), Option(name="other"))
    (pair,) = simulated(columns, question=Question(options=options, rounds=50)).comparisons
    saving, gain = pair.beside.saving_usd, pair.beside.quality_gain
    assert saving is not None
    assert gain is not None
    assert saving.value == gain.value == 0
    assert half(saving) == half(gain) == 0


def test_policies_with_other_models_doubt_their_lengths_apart() -> None:
    columns = drawn(400, shared=0.3, bars=((2.0, 0.0), (2.0, 0.0)))
    same, apart = (
        simulated(columns, question=Question(options=(Option(name="a"), other), rounds=300))
        for other in (Option(name="b"), Option(name="b", models=("x", "y", "z")))
    )
    assert half(same.comparisons[0].beside.saving_usd) == 0
    assert half(apart.comparisons[0].beside.saving_usd) > 0
