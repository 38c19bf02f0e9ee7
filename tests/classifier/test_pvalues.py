"""A p-value is small by chance as seldom as it says, at any number of rows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from classifier.guarantee import Rows, TargetError, Terms, choose, parse_target, tiers
from classifier.pvalues import betting_tail, binomial_tail
from classifier.types import TIERS, Cutoffs, Tier

COUNTS = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.floats(0.001, 0.999)
GAINS = st.lists(st.floats(-1, 1), min_size=1, max_size=60).map(np.array)


@given(COUNTS, LEVELS)
def test_a_small_binomial_tail_is_scipys_and_no_other_is_smaller(
    counts: tuple[int, int], level: float
) -> None:
    misses, rows = counts
    exact = float(binom.cdf(misses, rows, level))
    found = binomial_tail(misses, rows, level)
    if misses < level * rows:
        assert found == pytest.approx(exact, rel=1e-6, abs=1e-300)
    else:
        assert found == 1 >= exact


@given(COUNTS, LEVELS, LEVELS)
def test_more_misses_and_a_stricter_level_are_less_surprising(
    counts: tuple[int, int], one: float, other: float
) -> None:
    misses, rows = counts
    strict, loose = sorted((one, other))
    exact = binomial_tail(misses, rows, strict)
    assert exact >= binomial_tail(misses, rows, loose) - 1e-9
    if misses:
        assert exact >= binomial_tail(misses - 1, rows, strict) - 1e-9


@given(GAINS, st.floats(0.001, 0.5))
def test_a_bet_is_a_p_value_in_any_unit(
    gain: "np.ndarray[tuple[int], np.dtype[np.float64]]", delta: float
) -> None:
    found = betting_tail(gain, (-1, 1), delta)
    assert 0 < found <= 1
    assert betting_tail(gain * 4, (-4, 4), delta) == pytest.approx(found)
    if (gain <= 0).all():
        assert found == 1, "who never gains has nothing to show"


def test_rows_that_come_later_cannot_take_back_what_was_proved() -> None:
    """The capital counts at its highest, and a bet knows nothing of the rows after it."""
    gain = np.concatenate([np.full(200, 0.3), np.full(200, -0.3)])
    assert betting_tail(gain, (-1, 1), 0.05) < 0.01
    assert betting_tail(gain[::-1], (-1, 1), 0.05) == 1


@pytest.mark.parametrize("chance", [0.02, 0.5, 0.9])
def test_a_bet_on_a_fair_game_wins_no_oftener_than_its_p_value_says(chance: float) -> None:
    """Gains of a mean of 0: of 2,000 games at most delta may end below delta, but for luck."""
    draw = np.random.default_rng(int(100 * chance))
    delta, games = 0.1, 2_000
    gains = np.where(draw.random((games, 100)) < chance, 1 - chance, -chance)
    won = sum(betting_tail(gain, (-chance, 1 - chance), delta) <= delta for gain in gains)
    assert won <= games * delta + 4 * math.sqrt(games * delta * (1 - delta))


SHARES = st.floats(0, 1)
TOLD = st.lists(
    st.tuples(SHARES, SHARES, st.booleans(), st.booleans(), st.sampled_from([0.0, 0.5, 1.0])),
    min_size=1,
    max_size=80,
)


def held(told: list[tuple[float, float, bool, bool, float]]) -> Rows:
    easy, medium, lacking, hard, right = (np.array(column) for column in zip(*told, strict=True))
    return Rows(
        easy=easy.astype(np.float64),
        medium=np.maximum(easy, medium).astype(np.float64),
        lacking=lacking,
        hard=hard,
        quality=np.stack([right, right, np.ones(right.size)], axis=1),
        group=np.arange(right.size),
    )


@settings(max_examples=20)
@given(TOLD, st.sampled_from(["hard-miss<=30%", "spend<=60%", "quality>=50%"]))
def test_cut_offs_keep_their_target_on_the_rows_or_there_are_none(
    told: list[tuple[float, float, bool, bool, float]], target: str
) -> None:
    rows = held(told)
    asked = Terms(target=parse_target(target), delta=0.2, costs=(0.1, 0.4, 1.0))
    try:
        found = choose(rows, asked)
    except TargetError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert refusal.startswith(f"{target} cannot be ")
        return
    level = asked.target.level
    if asked.target.kind == "quality":
        assert level <= found.bound <= found.value + 1e-9
    else:
        assert found.value - 1e-9 <= found.bound <= level
    assert sum(found.shares) == pytest.approx(1)
    assert found.cutoffs.medium <= found.cutoffs.easy


@given(TOLD, st.sampled_from(TIERS))
def test_a_row_that_lacks_something_goes_where_it_is_sent_at_any_bar(
    told: list[tuple[float, float, bool, bool, float]], tier: Tier
) -> None:
    rows = held(told)
    strict, loose = (
        tiers(rows, choose_cut, tier) for choose_cut in (_cut(0.9, 0.9), _cut(0.1, 0.1))
    )
    assert (strict[rows.lacking] == TIERS.index(tier)).all()
    assert (loose <= strict).all(), "a lower bar sends nothing to a dearer tier"


def _cut(easy: float, medium: float) -> Cutoffs:
    return Cutoffs(easy=easy, medium=medium)


def test_the_order_of_the_file_chooses_nothing_for_a_rate() -> None:
    draw = np.random.default_rng(8)
    rows = held([(float(e), 1.0, False, bool(e < 0.3), 1.0) for e in draw.random(400)])
    back = Rows(
        **{name: getattr(rows, name)[::-1] for name in Rows.__struct_fields__ if name != "group"},
        group=np.arange(400),
    )
    asked = Terms(target=parse_target("hard-miss<=10%"), delta=0.1)
    assert choose(rows, asked) == choose(back, asked)


@pytest.mark.parametrize("costs", [(0.0, 0.0, 0.0), (1.0, 1.0, -1.0)])
def test_costs_that_say_nothing_are_refused(costs: tuple[float, float, float]) -> None:
    asked = Terms(target=parse_target("spend<=40%"), delta=0.1, costs=costs)
    with pytest.raises(TargetError, match="what each tier costs"):
        choose(held([(0.5, 0.5, False, False, 1.0)]), asked)


def test_tiers_of_one_price_leave_nothing_to_save() -> None:
    asked = Terms(target=parse_target("spend<=40%"), delta=0.1, costs=(1.0, 1.0, 1.0))
    with pytest.raises(TargetError, match="best that any cut-off reaches is 100%"):
        choose(held([(0.5, 0.5, False, False, 1.0)] * 50), asked)


def test_one_unknown_share_leaves_a_row_out_of_a_promise_on_quality() -> None:
    rows = held([(0.9, 1.0, False, False, 1.0)] * 200)
    rows.quality[:50, 1] = math.nan
    found = choose(rows, Terms(target=parse_target("quality>=50%"), delta=0.1))
    assert found.rows == 150
    assert found.value == 1
