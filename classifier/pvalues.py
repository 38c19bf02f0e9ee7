"""How surprising rows are under a hypothesis: p-values that hold at any number of rows."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BOLDNESS: Final = 0.75
"""Largest share of the capital that one row can lose."""


def binomial_tail(misses: int, rows: int, level: float) -> float:
    """P(Binomial(rows, level) <= misses), exactly: the p-value of "the rate is above level"."""
    if misses >= level * rows:  # at least about one half: no small p-value, and a long sum
        return 1.0
    logs = (
        math.lgamma(rows + 1) - math.lgamma(k + 1) - math.lgamma(rows - k + 1)
        + k * math.log(level) + (rows - k) * math.log1p(-level)
        for k in range(misses + 1)
    )  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))


def betting_tail(gain: Floats, ends: tuple[float, float], delta: float) -> float:
    """The p-value of "the mean gain is below 0", for independent gains within `ends`.

    Whoever bets on gains has, under the hypothesis, no capital that can be expected to grow; so
    1 / its maximum is a p-value at any number of rows (Ville). Bets are those of Waudby-Smith and
    Ramdas (arXiv 2010.09686): the less the gains were seen to spread, the bolder. The bound of
    Hoeffding and Bentkus knows the range alone: a promise on quality, whose gains are mostly near
    0 in a range of 2, would take it more than ten times the rows.
    """
    low, high = ends
    if low >= 0 or high <= 0:  # no row can lose, or none can gain
        return float(low < 0)
    if gain.mean() < 0:  # a streak among the first rows proves nothing that all rows deny
        return 1.0
    share = (gain - low) / (high - low)
    null = -low / (high - low)
    count = np.arange(1, gain.size + 1)
    mean = (0.5 + np.cumsum(share)) / (count + 1)
    spread = (0.25 + np.cumsum((share - mean) ** 2)) / (count + 1)
    before = np.concatenate([[0.25], spread[:-1]])  # a bet knows only the rows before it
    bet = np.sqrt(2 * math.log(1 / delta) / (gain.size * before))
    growth = np.log1p(np.minimum(bet, BOLDNESS / null) * (share - null))
    return math.exp(-max(0.0, float(np.cumsum(growth).max(initial=0.0))))
