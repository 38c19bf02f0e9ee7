"""The stability index: what it says of mixes, and what chance makes of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.divergence import ALARM, psi, psi_by_chance

CELLS = ("a", "b", "c", "d")
MIXES = st.fixed_dictionaries({cell: st.integers(0, 1_000) for cell in CELLS})


@given(now=MIXES, before=MIXES)
def test_it_is_symmetric_and_never_below_nothing(
    now: dict[str, int], before: dict[str, int]
) -> None:
    there, back = psi(now, before, CELLS), psi(before, now, CELLS)
    assert there == pytest.approx(back)
    assert there >= 0


def test_equal_mixes_do_not_differ_whatever_their_size() -> None:
    small, large = {"a": 40, "b": 60}, {"a": 40_000, "b": 60_000}
    assert psi(small, small, ("a", "b")) == 0
    assert psi(small, large, ("a", "b")) < 0.001


def test_a_known_value() -> None:
    """.5/.5 against .2/.8: .3 ln 2.5 + -.3 ln .625."""
    known = 0.3 * np.log(2.5) - 0.3 * np.log(0.625)
    assert psi({"a": 5e6, "b": 5e6}, {"a": 2e6, "b": 8e6}, ("a", "b")) == pytest.approx(
        known, abs=1e-5
    )
    assert known > ALARM


def test_a_cell_that_was_never_seen_is_rare_and_not_impossible() -> None:
    assert psi({"a": 100}, {"a": 100, "b": 1}, ("a", "b")) < 0.02


@pytest.mark.parametrize(("cells", "quantile"), [(2, 10.828), (4, 16.266), (10, 27.877)])
def test_chance_is_chi_square_s_quantile_over_the_numbers_of_both_sides(
    cells: int, quantile: float
) -> None:
    """Quantiles at .999 from tables."""
    assert psi_by_chance(cells, 100, 400) == pytest.approx(quantile * 0.0125, rel=0.04)


def test_samples_of_one_mix_stay_below_it() -> None:
    draw = np.random.default_rng(1)
    shares = [0.45, 0.25, 0.13, 0.17]
    limit = psi_by_chance(4, 300, 900)
    exceeded = 0
    for _ in range(2_000):
        now, before = (dict(zip(CELLS, draw.multinomial(n, shares).tolist(), strict=True))
                       for n in (300, 900))  # fmt: skip
        exceeded += psi(now, before, CELLS) > limit
    assert exceeded <= 8


def test_where_nothing_can_move_chance_has_no_bound() -> None:
    assert psi_by_chance(1, 10, 10) == float("inf")
    assert psi_by_chance(4, 0, 10) == float("inf")
