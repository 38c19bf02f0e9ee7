"""What a cap on output leaves of an expected length: more than nothing, and less than the cap.

Lengths are taken for log-normal. Of 1,200 tokens give or take 900, a cap of 2,000 leaves about
1,070 on average: to take the lower of both would say 1,200, and claim a saving that is none.
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
        felt = (cap > 0) & (mean > 0) & (cap < _FAR * mean)
        sharp = felt & (own < _LEAST)
    means[sharp], deviations[sharp] = np.minimum(mean, cap)[sharp], 0.0
    felt &= ~sharp
    means[felt], deviations[felt] = _cut(mean[felt], own[felt], cap[felt])
    return means, deviations


def _cut(mean: Floats, own: Floats, cap: Floats) -> tuple[Floats, Floats]:
    """The moments of log-normal lengths under caps that are felt; all (n,)."""
    spread = np.sqrt(np.log1p(own * own))
    at = np.log(cap / mean) / spread
    above = 1.0 - _all_below(at + 0.5 * spread)
    first = mean * _all_below(at - 0.5 * spread) + cap * above
    raw = mean * mean * (1.0 + own * own) * _all_below(at - 1.5 * spread) + cap * cap * above
    return first, np.sqrt(np.maximum(0.0, raw - first * first))


def _below(z: float) -> float:
    """Standard normal distribution function."""
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))


def _all_below(z: Floats) -> Floats:
    return np.asarray(_each_below(z), dtype=np.float64)


_each_below: Final = np.frompyfunc(_below, 1, 1)
"""numpy has no error function; this gives what a single request gives."""
