"""The cost-quality frontier: the policy by success at every position of one dial.

At `t` easy serves what it solves with a chance of t or more, medium of t**2, hard the rest
(classifier.guarantee.cutoffs_at). As t rises a request goes up at two positions and never down, so
two changes say all of them. Only what the verdict decided moves: forced requests, pins, rules and
those that a tier cannot take stay where the policy has them.
"""

from typing import Final

import numpy as np

from classifier.guarantee import cutoffs_at
from classifier.types import TIERS, Cutoffs
from router.columns import Routed
from router.domain import REASONS
from router.report.simulation.arrays import BUCKETS, Counts, Floats, Index, Mask, bucket_sums
from router.report.simulation.rows import Rows
from router.report.simulation.sums import DIALS, Dial
from router.report.simulation.versus import squares

POSITIONS: Final[tuple[Cutoffs, ...]] = tuple(
    cutoffs_at(round(at / (DIALS - 1), 4)) for at in range(DIALS)
)
_EASY: Final = np.array([cutoffs.easy for cutoffs in POSITIONS])
_MEDIUM: Final = np.array([cutoffs.medium for cutoffs in POSITIONS])
_MOVES: Final = np.array([reason in ("label", "success") for reason in REASONS] + [False])
_START: Final = 0


def measure_dial(routed: Routed, rows: Rows) -> Dial:
    """The changes of a batch."""
    moves = _MOVES[np.minimum(routed.reason, len(REASONS))] & rows.scored
    success = rows.qualities / 1e6
    easy = np.searchsorted(_EASY, success[:, 0], side="right")
    medium = np.maximum(easy, np.searchsorted(_MEDIUM, success[:, 1], side="right"))
    at = np.stack([np.full(len(easy), _START), easy, medium], axis=1)
    scored = (rows.whole & rows.scored)[:, None]
    taken = _taken(rows.tier, moves, rows.whole)
    return Dial(
        cost=_changes(rows.bucket, at, _steps(rows.controls * rows.whole[:, None], rows, moves)),
        quality=_changes(rows.bucket, at, _steps(rows.qualities * scored, rows, moves)),
        tiers=_by_tier(at, taken.astype(float)).round().astype(np.int64),
        shared=_by_tier(at, taken * np.nan_to_num(routed.tiers_shared)[:, None, :]),
        own=_by_tier(at, taken * squares(routed.tiers_own)[:, None, :]),
    )


def _steps(values: Counts, rows: Rows, moves: Mask) -> Counts:
    """(n, 3) What a request has at first, and what is added when it goes up to medium and hard."""
    stays = values[np.arange(len(values)), rows.tier]
    first = np.where(moves, values[:, 0], stays)
    up = np.diff(values, axis=1) * moves[:, None]
    return np.concatenate([first[:, None], up], axis=1)


def _changes(bucket: Index, at: Index, steps: Counts) -> Counts:
    index = (bucket[:, None] * (DIALS + 1) + at).ravel()
    return bucket_sums(index, steps.ravel(), BUCKETS * (DIALS + 1)).reshape(BUCKETS, DIALS + 1)


def _taken(tier: Index, moves: Mask, whole: Mask) -> Counts:
    """(n, 3, 3) By change, by tier: 1 where a request comes to the tier, -1 where it leaves it."""
    rising = np.array([[1, 0, 0], [-1, 1, 0], [0, -1, 1]])
    resting = np.zeros((len(tier), len(TIERS), len(TIERS)), np.int64)
    resting[np.arange(len(tier)), 0, tier] = 1
    return np.where(moves[:, None, None], rising, resting) * whole[:, None, None]


def _by_tier(at: Index, values: Floats) -> Floats:
    """Sums of (n, 3 changes, 3 tiers) by position, shape (DIALS + 1, 3)."""
    index = at.ravel()
    columns = [
        np.bincount(index, np.ascontiguousarray(values[:, :, tier]).ravel(), DIALS + 1)
        for tier in range(len(TIERS))
    ]
    return np.stack(columns, axis=1)
