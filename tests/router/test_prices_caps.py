"""What a cap leaves of a length that nobody knows for sure."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.prices.caps import under_cap, under_caps


@pytest.mark.parametrize("cap", [200, 1_000, 2_000, 8_000])
@pytest.mark.parametrize("own", [0.3, 0.8, 2.0])
def test_it_is_what_drawing_and_cutting_gives(own: float, cap: int) -> None:
    spread = math.sqrt(math.log1p(own**2))
    drawn = np.random.default_rng(1).standard_normal(400_000)
    cut = np.minimum(1_200 * np.exp(spread * drawn - spread**2 / 2), cap)
    mean, deviation = under_cap(1_200, own, cap)
    assert mean == pytest.approx(cut.mean(), rel=0.01)
    assert deviation == pytest.approx(cut.std(), rel=0.03, abs=1.0)


def test_no_cap_and_a_far_one_change_nothing() -> None:
    assert under_cap(100.0, 0.5, 0) == under_cap(100.0, 0.5, 10**6) == (100.0, 50.0)


def test_a_length_without_spread_is_cut_flat() -> None:
    assert under_cap(500.0, 0.0, 300) == (300, 0.0)
    assert under_cap(0.0, 1.0, 300) == (0.0, 0.0)


@given(mean=st.floats(0.1, 1e6), own=st.floats(0.0, 5.0), cap=st.integers(1, 100_000))
def test_it_is_never_more_than_either(mean: float, own: float, cap: int) -> None:
    left, deviation = under_cap(mean, own, cap)
    assert 0.0 <= left <= min(mean, cap) * (1 + 1e-9)
    assert 0.0 <= deviation <= mean * own * (1 + 1e-6) + 1e-3


def test_many_are_as_one() -> None:
    mean = np.array([[100.0, np.nan], [5_000.0, 900.0]])
    own = np.array([[0.5, 0.5], [1.0, 0.0]])
    cap = np.array([[0.0, 50.0], [4_000.0, np.nan]])
    means, deviations = under_caps(mean, own, cap)
    assert np.isnan(means[0, 1])
    assert (means[0, 0], deviations[0, 0]) == (100.0, 50.0)
    assert (means[1, 0], deviations[1, 0]) == pytest.approx(under_cap(5_000.0, 1.0, 4_000))
    assert (means[1, 1], deviations[1, 1]) == (900.0, 0.0)


@given(
    rows=st.lists(
        st.tuples(st.floats(0.0, 1e6), st.floats(0.0, 5.0), st.integers(0, 100_000)),
        min_size=1,
        max_size=20,
    )
)
def test_any_many_are_as_one_each(rows: list[tuple[float, float, int]]) -> None:
    mean, own, cap = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    means, deviations = under_caps(mean, own, cap)
    for at, row in enumerate(rows):
        left, deviation = under_cap(*row)
        assert means[at] == pytest.approx(left, rel=1e-9)
        assert deviations[at] == pytest.approx(deviation, rel=1e-6, abs=1e-3 * row[0])
