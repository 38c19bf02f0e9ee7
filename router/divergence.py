"""How far two mixes lie apart, and how far chance alone would take them. Pure.

The measure is the population stability index: the sum over the cells of (p - q) ln(p / q), which
is Kullback and Leibler's divergence both ways. Its rule of thumb comes from credit scoring
(Siddiqi 2006): below 0.1 nothing moved, above 0.25 the mix is another.
"""

from collections.abc import Hashable, Mapping, Sequence
from math import log, sqrt
from typing import Final, TypeVar

ALARM: Final = 0.25
NOTICE: Final = 0.10
_NORMAL_999: Final = 3.0902
"""The standard normal's quantile at .999."""
_HALF: Final = 0.5
"""Added to every cell (Jeffreys' prior), so that one that was never seen is not infinitely rare."""

T = TypeVar("T", bound=Hashable)


def psi(now: Mapping[T, float], before: Mapping[T, float], cells: Sequence[T]) -> float:
    """The index between the counts `now` and `before`, over `cells`; symmetric, 0 or more."""
    q_counts = [before.get(cell, 0.0) + _HALF for cell in cells]
    p_counts = [now.get(cell, 0.0) + _HALF for cell in cells]
    p_total, q_total = sum(p_counts), sum(q_counts)
    pairs = [(p / p_total, q / q_total) for p, q in zip(p_counts, q_counts, strict=True)]
    return sum((p - q) * log(p / q) for p, q in pairs)


def psi_by_chance(cells: int, now: float, before: float) -> float:
    """What the index of two samples of the same mix exceeds once in a thousand times.

    It is (1/now + 1/before) times chi-square with `cells` - 1 degrees of freedom (Yurdakul 2018),
    whose quantile is that of Wilson and Hilferty: within 4 % for one degree, 1 % for three.
    """
    if not now or not before or cells < 2:  # noqa: PLR2004  one cell holds everything
        return float("inf")
    free = cells - 1
    spread = 2 / (9 * free)
    quantile = free * (1 - spread + _NORMAL_999 * sqrt(spread)) ** 3
    return quantile * (1 / now + 1 / before)
