"""What a policy is measured by, held against the same reckoned request by request."""

import numpy as np
import pytest

from classifier.guarantee import cutoffs_at
from classifier.types import LABELS
from router.columns import Columns
from router.domain import PICO, REASONS
from router.report.simulation.answer import Beside, Figure
from router.report.simulation.length_rule import bins, shares
from tests.columns import drawn
from tests.router.report.test_simulation_sums import outcome

COLUMNS = drawn(400)
ROUTED = COLUMNS.policies[0]
COSTS = ROUTED.tiers.sum(axis=2) / PICO
MIX = np.bincount(ROUTED.tier, minlength=3) / 400


def value(figure: Figure | None) -> float:
    assert figure is not None
    return float(figure.value)


def check(control: Beside, cost: float, quality: float) -> None:
    spent = ROUTED.cost.sum() / PICO
    mine = COLUMNS.success[np.arange(400), ROUTED.tier.astype(np.intp)].mean()
    assert value(control.cost_usd) == pytest.approx(cost, rel=1e-6)
    assert value(control.saving_usd) == pytest.approx(cost - spent, rel=1e-5)
    assert value(control.saving_pct) == pytest.approx(100 * (1 - spent / cost), abs=0.01)
    assert value(control.quality) == pytest.approx(quality, abs=1e-4)
    assert value(control.quality_gain) == pytest.approx(mine - quality, abs=2e-4)


def test_every_tier_alone() -> None:
    controls = outcome(COLUMNS).controls
    each = (controls.always_easy, controls.always_medium, controls.always_hard)
    for tier, control in enumerate(each):
        check(control, COSTS[:, tier].sum(), COLUMNS.success[:, tier].mean())
        assert value(control.latency_ms) == (200.0, 500.0, 2_000.0)[tier]


def test_a_lot_draws_as_many_requests_for_each_tier() -> None:
    expected = float((MIX * COSTS.sum(axis=0)).sum())
    check(
        outcome(COLUMNS).controls.random_mix, expected, float((MIX * COLUMNS.success.mean(0)).sum())
    )


def test_the_oracle_takes_the_cheapest_tier_that_solves() -> None:
    easy, medium, hard = COLUMNS.success.T
    chance = np.stack([easy, medium - easy, 1 - medium], axis=1)
    check(outcome(COLUMNS).controls.oracle, float((chance * COSTS).sum()), float(hard.mean()))


def test_the_length_rule_sends_short_turns_to_easy_and_long_ones_to_hard() -> None:
    part = shares(np.bincount(bins(COLUMNS.characters), minlength=84).astype(float), MIX * 400)
    taken = part[bins(COLUMNS.characters)]
    assert taken.sum(axis=0) == pytest.approx(MIX * 400)
    check(
        outcome(COLUMNS).controls.length_rule,
        float((taken * COSTS).sum()),
        float((taken * COLUMNS.success).sum() / 400),
    )
    short, long = taken[COLUMNS.characters.argmin()], taken[COLUMNS.characters.argmax()]
    assert (short[0], long[2]) == (1.0, 1.0)


def test_lengths_fall_into_four_classes_a_doubling() -> None:
    assert bins(np.array([0, 1, 3, 7, 2**21, 2**40])).tolist() == [0, 4, 8, 12, 83, 83]


def test_a_class_that_a_threshold_falls_into_is_divided() -> None:
    part = shares(np.array([4.0, 0.0, 4.0]), np.array([2.0, 1.0, 5.0]))
    assert part.tolist() == [[0.5, 0.25, 0.25], [0, 0, 0], [0, 0, 1]]


def test_a_control_goes_over_the_requests_that_it_can_serve() -> None:
    columns = drawn(400)
    columns.policies[0].tiers[:100, 0] = -1
    controls = outcome(columns).controls
    assert (controls.always_easy.compared_requests, controls.always_hard.compared_requests) == (
        300,
        400,
    )
    assert controls.random_mix.compared_requests == 300
    assert value(controls.always_easy.cost_usd) == pytest.approx(COSTS[100:, 0].sum())


def test_what_the_log_paid_stands_beside_without_a_quality() -> None:
    columns = drawn(400)
    columns.logged[:50] = -1
    logged = outcome(columns).logged
    assert logged.compared_requests == 350
    assert value(logged.cost_usd) == pytest.approx(columns.logged[50:].sum() / PICO)
    saving = (columns.logged[50:].sum() - columns.policies[0].cost[50:].sum()) / PICO
    assert value(logged.saving_usd) == pytest.approx(saving)
    assert (logged.quality, logged.quality_gain, logged.latency_ms) == (None, None, None)


def test_the_frontier_is_the_policy_by_success_at_every_position() -> None:
    spots = outcome(COLUMNS).frontier
    assert [float(spot.dial) for spot in spots[::10]] == [0, 0.25, 0.5, 0.75, 1]
    for spot in spots:
        bar = cutoffs_at(float(spot.dial))
        assert spot.cutoffs == bar
        easy, medium, _ = COLUMNS.success.round(6).T
        tier = np.where(easy >= bar.easy, 0, np.where(medium >= bar.medium, 1, 2))
        every = np.arange(400)
        assert value(spot.cost_usd) == pytest.approx(COSTS[every, tier].sum())
        assert value(spot.quality) == pytest.approx(COLUMNS.success[every, tier].mean(), abs=1e-4)
        served = np.bincount(tier, minlength=3) / 400
        assert list(spot.shares.values()) == pytest.approx(served.tolist(), abs=1e-4)
        saved = 100 * (1 - COSTS[every, tier].sum() / COSTS[:, 2].sum())
        assert value(spot.saving_pct) == pytest.approx(saved, abs=0.01)


def test_the_dial_moves_only_what_the_verdict_decided() -> None:
    columns = drawn(400)
    routed = columns.policies[0]
    routed.reason[:] = REASONS.index("forced")
    spots = outcome(columns).frontier
    assert {spot.cost_usd.value for spot in spots} == {spots[0].cost_usd.value}
    kept = COSTS[np.arange(400), routed.tier.astype(np.intp)].sum()
    assert value(spots[0].cost_usd) == pytest.approx(kept)


def test_a_lacking_prompt_stays_where_the_policy_sends_it() -> None:
    columns = _lacking()
    spots = outcome(columns).frontier
    assert {spot.shares["medium"] for spot in spots} >= {1.0}
    assert spots[0].shares == {"easy": 0.0, "medium": 1.0, "hard": 0.0}


def _lacking() -> Columns:
    columns = drawn(50)
    columns.label[:] = LABELS.index("needs_info")
    routed = columns.policies[0]
    routed.reason[:] = REASONS.index("needs_info")
    routed.tier[:] = 1
    routed.cost[:] = routed.tiers[:, 1]
    return columns
