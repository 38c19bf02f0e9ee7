"""A policy beside one other way to serve the same requests."""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from classifier.types import TIERS
from router.columns import Routed
from router.report.simulation.arrays import Counts, Floats, Index, Mask, bucket_sums
from router.report.simulation.rows import Rows
from router.report.simulation.sums import Doubts, Versus


class Other(Struct, frozen=True, kw_only=True):
    """The other way, request by request."""

    cost: Counts
    quality: Counts
    time: Counts
    timed: Mask
    chance: Floats | None
    """(n, 3) Chance that it takes each tier; none where its cost is no estimate."""


def measure_versus(rows: Rows, routed: Routed | None, both: Mask, other: Other) -> Versus:
    """The sums over `both`; `routed` has the doubts of each tier, if the other way has any."""
    ones = both.astype(np.int64)
    scored = ones * rows.scored
    timed = ones * other.timed * rows.timed[np.arange(len(ones)), rows.tier]
    sums = {
        "requests": ones,
        "routed": rows.cost * ones,
        "other": other.cost * ones,
        "scored": scored,
        "routed_quality": rows.quality * scored,
        "other_quality": other.quality * scored,
        "timed": timed,
        "routed_time": rows.time * timed,
        "other_time": other.time * timed,
    }
    return Versus(
        **{name: bucket_sums(rows.bucket, values) for name, values in sums.items()},
        doubts=_doubts(rows, routed, both, other.chance),
    )


def _doubts(rows: Rows, routed: Routed | None, both: Mask, chance: Floats | None) -> Doubts:
    if routed is None or chance is None:
        nothing = np.zeros(len(TIERS))
        return Doubts(
            routed_shared=sum_by_tier(rows.tier, rows.shared, both),
            routed_own=sum_by_tier(rows.tier, rows.own, both),
            other_shared=nothing,
            other_own=nothing,
            common_own=nothing,
        )
    # What surely takes the same tier is the same answer; of the rest, each has errors of its own.
    alike = chance[np.arange(len(both)), rows.tier] == 1.0
    apart = (both & ~alike)[:, None]
    shared = np.nan_to_num(routed.tiers_shared) * chance * both[:, None]
    own = squares(routed.tiers_own) * chance**2 * apart
    return Doubts(
        routed_shared=sum_by_tier(rows.tier, rows.shared, both),
        routed_own=sum_by_tier(rows.tier, rows.own, both & ~alike),
        other_shared=shared.sum(axis=0),
        other_own=own.sum(axis=0),
        common_own=sum_by_tier(rows.tier, rows.own, both & alike),
    )


def measure_pair(one: Rows, other: Rows, same: Mask) -> Versus:
    """Two policies over the requests that both price; `same`: the same model serves in both."""
    both = one.priced & other.priced
    way = Other(
        cost=other.cost,
        quality=other.quality,
        time=other.time,
        timed=other.timed[np.arange(len(both)), other.tier],
        chance=None,
    )
    sums = measure_versus(only(one, scored=one.scored & other.scored), None, both, way)
    apart = both & ~same
    doubts = Doubts(
        routed_shared=sum_by_tier(one.tier, one.shared, both),
        routed_own=sum_by_tier(one.tier, one.own, apart),
        other_shared=sum_by_tier(other.tier, other.shared, both),
        other_own=sum_by_tier(other.tier, other.own, apart),
        common_own=sum_by_tier(one.tier, one.own, both & same),
    )
    return replace(sums, doubts=doubts)


def only(rows: Rows, *, scored: Mask | bool) -> Rows:
    """The same requests, of which fewer count as scored."""
    return replace(rows, scored=rows.scored & scored)


def sum_by_tier(tier: Index, values: Floats, mask: Mask) -> Floats:
    """Sums over `mask` by tier, shape (3,)."""
    return np.bincount(tier[mask], values[mask], len(TIERS)).astype(np.float64)


def squares(values: Floats) -> Floats:
    """Squares; of the unknown, 0."""
    return np.nan_to_num(values) ** 2
