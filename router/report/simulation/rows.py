"""A batch as one policy serves it: what is known of each request, ready to be added up."""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.columns import NOBODY, UNKNOWN, Columns, Money, Routed
from router.report.simulation.arrays import BUCKETS, Counts, Floats, Index, Mask
from router.report.simulation.sums import MILLION

_STEP: Final = 0x9E3779B97F4A7C15
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class Rows(Struct, frozen=True, kw_only=True):
    """n requests; unknown money and quality are 0 here, and the masks say where."""

    bucket: Index
    tier: Index
    """Position in TIERS; 0 also where none serves."""
    served: Mask
    priced: Mask
    known: Mask
    """(n, 3) Tiers whose cost is known."""
    scored: Mask
    timed: Mask
    """(n, 3)"""
    cost: Counts
    controls: Counts
    """(n, 3) By tier."""
    quality: Counts
    """Of the tier that serves, in millionths."""
    qualities: Counts
    time: Counts
    """Of the tier that serves, microseconds."""
    times: Counts
    shared: Floats
    """Doubts of the cost; of an unpriced request 0."""
    own: Floats
    """Squared."""

    @property
    def whole(self) -> Mask:
        """Requests whose cost is known on every tier and by the policy."""
        return self.priced & every(self.known)


def digests(conversation: NDArray[np.uint64], seed: int) -> Counts:
    """Whole numbers that look drawn by lot, one for each conversation (splitmix64), below 2**62."""
    mixed = conversation + np.uint64((2 * seed + 1) * _STEP % 2**64)
    for shift, factor in _MIX:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)


def read_rows(columns: Columns, routed: Routed, digest: Counts) -> Rows:
    """What `routed` does with a batch."""
    served = routed.tier != NOBODY
    tier = np.where(served, routed.tier, 0).astype(np.intp)
    at = np.arange(len(tier))
    priced = served & every(routed.cost > UNKNOWN)
    known = every(routed.tiers > UNKNOWN)
    scored = every(np.isfinite(columns.success))
    timed = np.isfinite(routed.latency_ms)
    qualities = _millionths(np.where(scored[:, None], columns.success, 0.0))
    times = np.rint(np.where(timed, routed.latency_ms, 0.0) * 1_000).astype(np.int64)
    return Rows(
        bucket=(digest % BUCKETS).astype(np.intp),
        tier=tier,
        served=served,
        priced=priced,
        known=known,
        scored=scored & served,
        timed=timed & served[:, None],
        cost=np.where(priced, _add(routed.cost), 0),
        controls=np.where(known, routed.tiers.sum(axis=2), 0),
        quality=qualities[at, tier],
        qualities=qualities,
        time=times[at, tier],
        times=times,
        shared=np.where(priced, np.nan_to_num(routed.cost_shared), 0.0),
        own=np.where(priced, np.nan_to_num(routed.cost_own), 0.0) ** 2,
    )


def every(true: Mask) -> Mask:
    """Whether all along the last axis are."""
    found: Mask = np.logical_and.reduce(true, axis=-1)
    return found


def _add(parts: Money) -> Counts:
    added: Counts = parts.sum(axis=1)
    return added


def _millionths(share: Floats) -> Counts:
    return np.rint(share * MILLION).astype(np.int64)
