"""What if something were otherwise; days, labels, models, users and keys."""

import numpy as np
import pytest
from msgspec.structs import replace

from classifier.types import LABELS
from router.columns import Columns, Floats
from router.domain import PICO
from router.report.simulation.answer import Change, Figure, GroupTotals
from router.report.simulation.groups import AXES, MOST, OTHER
from router.report.simulation.keep import save
from router.report.simulation.question import Option, Question, Ratios
from tests.columns import PRICES, drawn, rows_of
from tests.ledgers import DAY_US
from tests.router.report.test_simulation_sums import folded, outcome, simulated

RATIOS = (0.25, 0.25, 0.25)


def changes(columns: Columns, ratios: Ratios = RATIOS) -> dict[str, Change]:
    question = Question(options=(Option(name="a", cached_ratios=ratios),), rounds=2)
    found = simulated(columns, question=question).policies[0].sensitivity
    return {change.name: change for change in found}


def spent(columns: Columns, prices: Floats, outputs: float = 1.0) -> tuple[float, float]:
    """The policy's cost and the hard tier's, reckoned from tokens."""
    tier = columns.policies[0].tier.astype(np.intp)
    tokens_in, cached, output = columns.tokens.T
    parts = np.stack([tokens_in - cached, cached, output * outputs], axis=1)
    costs = (parts[:, None, :] * prices).sum(axis=2) * 1e6 / PICO
    return float(costs[np.arange(len(tier)), tier].sum()), float(costs[:, 2].sum())


def agree(change: Change, expected: tuple[float, float]) -> None:
    assert change.cost_usd is not None
    assert change.baseline_cost_usd is not None
    assert change.saving_pct is not None
    assert float(change.cost_usd) == pytest.approx(expected[0])
    assert float(change.baseline_cost_usd) == pytest.approx(expected[1])
    assert float(change.saving_pct) == pytest.approx(
        100 * (1 - expected[0] / expected[1]), abs=0.01
    )


def test_as_simulated_is_what_was_compared() -> None:
    columns = drawn(300)
    totals = outcome(columns).totals
    same = changes(columns)["as simulated"]
    assert totals.saving_usd is not None
    assert totals.saving_pct is not None
    assert (same.saving_usd, same.saving_pct) == (totals.saving_usd.value, totals.saving_pct.value)


def test_prices_lengths_and_caches_move_the_cost_as_if_it_were_simulated_anew() -> None:
    columns = drawn(300)
    found = changes(columns)
    dearer = PRICES * np.array([[1], [1], [1.2]])
    agree(found["prices of hard +20 %"], spent(columns, dearer))
    agree(found["prices of all tiers −20 %"], spent(columns, PRICES * 0.8))  # noqa: RUF001
    agree(found["answers of all tiers twice as long"], spent(columns, PRICES, 2.0))
    longer = PRICES * np.array([[1, 1, 2], [1, 1, 1], [1, 1, 1]])
    agree(found["answers of easy twice as long"], spent(columns, longer))
    cold, warm = PRICES.copy(), PRICES.copy()
    cold[:, 1], warm[:, 0] = PRICES[:, 0], PRICES[:, 1]
    agree(found["nothing cached"], spent(columns, cold))
    agree(found["all input cached"], spent(columns, warm))


def test_a_cached_price_that_nobody_knows_leaves_its_changes_open() -> None:
    found = changes(drawn(100), (None, 0.25, 0.25))
    assert found["nothing cached"].cost_usd is None
    assert found["all input cached"].saving_pct is None
    assert found["prices of easy +20 %"].cost_usd is not None


def of(found: tuple[GroupTotals, ...], axis: str) -> dict[str | None, GroupTotals]:
    return {group.name: group for group in found if group.axis == axis}


def test_every_axis_adds_up_to_the_total() -> None:
    found = outcome(drawn(600))
    assert found.totals.cost_usd is not None
    for axis in AXES:
        mine = of(found.groups, axis).values()
        assert sum(group.requests for group in mine) == 600
        assert sum(group.cost_usd or 0 for group in mine) == found.totals.cost_usd.value


def test_groups_have_the_figures_of_their_requests() -> None:
    columns = drawn(400)
    found = of(outcome(columns).groups, "user")
    mine = np.array([user == "user3" for user in columns.user])
    group, alone = found["user3"], outcome(rows_of(columns, np.flatnonzero(mine))).totals
    assert alone.cost_usd is not None
    assert alone.saving_usd is not None
    assert group.saving_usd is not None
    assert alone.quality is not None
    assert (group.requests, group.cost_usd) == (alone.requests, alone.cost_usd.value)
    assert group.saving_usd.value == alone.saving_usd.value
    assert group.quality == alone.quality.value


def test_days_are_utc_and_in_order_and_others_by_cost() -> None:
    columns = drawn(300)
    columns.at_us[:10] = -1
    columns.at_us[10] = 0
    columns.at_us[11] = DAY_US - 1
    columns.at_us[12] = DAY_US
    found = outcome(columns).groups
    days = list(of(found, "day"))
    assert days[:2] == ["1970-01-01", "1970-01-02"]
    assert days[-1] is None
    assert days[:-1] == sorted(filter(None, days))
    assert of(found, "day")["1970-01-01"].requests == 2
    costs = [group.cost_usd or 0 for group in of(found, "user").values()]
    assert costs == sorted(costs, reverse=True)


def test_what_a_request_does_not_say_is_a_group_of_its_own() -> None:
    columns = replace(drawn(60), key=("",) * 60)
    columns.label[:] = 255
    found = outcome(columns).groups
    assert of(found, "key").keys() == {None}
    assert of(found, "label").keys() == {None}
    assert of(outcome(drawn(60)).groups, "label").keys() <= set(LABELS)


def test_a_name_past_the_bound_is_added_to_the_rest() -> None:
    size = 6_000
    batches = [
        replace(drawn(size, seed=seed), user=tuple(f"{seed}-{at}" for at in range(size)))
        for seed in (1, 2)
    ]
    found = of(outcome(*batches).groups, "user")
    assert len(found) == MOST + 1
    assert found[OTHER].requests == 2 * size - MOST
    assert list(found)[-1] == OTHER


def test_a_group_of_many_conversations_has_an_interval_and_a_small_one_has_none() -> None:
    """Beside that of the whole log, which is told from more parts, it is as wide on average."""
    ratios = []
    for seed in range(6):
        columns = drawn(2_000, seed=seed, shared=0.1, own=0.2)
        found = outcome(replace(columns, user=("lone", *("many",) * 1_999)))
        users = of(found.groups, "user")
        lone = users["lone"].saving_usd
        assert lone is not None
        assert (lone.low, lone.high) == (None, None)
        ratios.append(
            [
                width(getattr(users["many"], name)) / width(getattr(found.totals, name))
                for name in ("saving_usd", "saving_pct")
            ]
        )
    assert np.mean(ratios, axis=0) == pytest.approx([1, 1], abs=0.15)


def test_nobody_saves_more_than_everything() -> None:
    """The cheap tier alone, whose baseline is in doubt: it saves nearly all, and no more."""
    columns = drawn(2_000, shared=0.4, own=1.0, bars=((0.0, 0.0),))
    columns.policies[0].tiers_shared[:, 2] = 0.5 * columns.policies[0].tiers[:, 2].sum(axis=1)
    (label, *_) = of(outcome(columns).groups, "label").values()
    assert label.saving_pct is not None
    assert label.saving_pct.low is not None
    assert label.saving_pct.high is not None
    assert 75 < label.saving_pct.low < label.saving_pct.value < label.saving_pct.high <= 100


def width(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.low is not None
    assert figure.high is not None
    return float(figure.high - figure.low)


def test_a_state_stays_small_however_long_the_log() -> None:
    columns = drawn(5_000)
    once, often = (len(save(folded(*[columns] * times))) for times in (1, 12))
    assert often < 1.3 * once
