"""What a cap on output leaves of an expected length: more than nothing, and less than the cap.

Lengths are taken for log-normal. Of 1,200 tokens give or take 900, a cap of 2,000 leaves about
1,080 on average: to take the lower of both would say 1,200, and claim a saving that is none.
"""

from math import erf, log, log1p, sqrt
from typing import Final

import numpy as np

from router.prices.features import Floats

_FAR: Final = 25.0
"""A cap of so many means is not felt."""
_LEAST: Final = 1e-6


def under_cap(mean: float, own: float, cap: int) -> tuple[float, float]:
    """Mean and standard deviation of a length under `cap`; 0 is none.

    `mean` is without the cap, `own` its standard deviation as a share of it.
    """
    if not cap or mean <= 0.0 or cap >= _FAR * mean:
        return mean, mean * own
    if own < _LEAST:
        return min(mean, cap), 0.0
    variance = log1p(own * own)
    spread = sqrt(variance)
    at = log(cap / mean) / spread
    above = 1.0 - _below(at + 0.5 * spread)
    first = mean * _below(at - 0.5 * spread) + cap * above
    second = mean * mean * (1.0 + own * own) * _below(at - 1.5 * spread) + cap * cap * above
    return first, sqrt(max(0.0, second - first * first))


def under_caps(mean: Floats, own: Floats, cap: Floats) -> tuple[Floats, Floats]:
    """`under_cap` of arrays of one shape; NaN stays NaN, and a cap that is 0 or NaN is none."""
    means, deviations = mean.copy(), mean * own
    with np.errstate(invalid="ignore"):
        felt = (cap > 0) & (cap < _FAR * mean)
    for at in zip(*np.nonzero(felt), strict=True):
        means[at], deviations[at] = under_cap(float(mean[at]), float(own[at]), int(cap[at]))
    return means, deviations


def _below(z: float) -> float:
    """Standard normal distribution function."""
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))
