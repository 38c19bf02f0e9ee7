"""The length rule: short turns to easy, long ones to hard, as many of each as the policy sends.

What any router must beat that reads nothing. Its thresholds follow from the whole log, so a log is
kept by length of the scored turn until they are known; a class of lengths that a threshold falls
into is divided by lot.
"""

import numpy as np

from classifier.types import TIERS
from router.columns import Columns, Routed
from router.report.simulation.arrays import BUCKETS, Counts, Floats, Index, Mask, bucket_sums
from router.report.simulation.rows import Rows
from router.report.simulation.sums import BINS, Lengths
from router.report.simulation.versus import squares

_PER_DOUBLING = 4


def bins(characters: Counts) -> Index:
    """Class of each length."""
    doublings = np.log2(np.maximum(characters, 0) + 1.0)
    found: Index = np.minimum(doublings * _PER_DOUBLING, BINS - 1).astype(np.intp)
    return found


def measure_lengths(columns: Columns, routed: Routed, rows: Rows) -> Lengths:
    """The sums of a batch."""
    where, whole = bins(columns.characters), rows.whole
    index = rows.bucket * BINS + where
    ones, scored = whole.astype(np.int64), (whole & rows.scored).astype(np.int64)
    return Lengths(
        requests=_flat(index, ones),
        costs=_wide(index, rows.controls * ones[:, None]),
        scored=_flat(index, scored),
        qualities=_wide(index, rows.qualities * scored[:, None]),
        shared=_doubts(where, np.nan_to_num(routed.tiers_shared), whole),
        own=_doubts(where, squares(routed.tiers_own), whole),
    )


def shares(requests: Floats, mix: Floats) -> Floats:
    """Part of each class of lengths that each tier serves, shape (BINS, 3).

    `requests` are those of each class, `mix` those that each tier is to serve, as many together.
    """
    upper = np.cumsum(mix)
    ends = np.cumsum(requests)
    starts = ends - requests
    below = np.stack([np.clip(limit, starts, ends) - starts for limit in upper], axis=1)
    part = np.diff(np.concatenate([np.zeros((len(ends), 1)), below], axis=1), axis=1)
    share: Floats = part / np.maximum(requests, 1)[:, None]
    return share


def _flat(index: Index, values: Counts) -> Counts:
    return bucket_sums(index, values, BUCKETS * BINS).reshape(BUCKETS, BINS)


def _wide(index: Index, values: Counts) -> Counts:
    return np.stack([_flat(index, values[:, tier]) for tier in range(len(TIERS))], axis=2)


def _doubts(where: Index, values: Floats, mask: Mask) -> Floats:
    columns = [np.bincount(where[mask], values[mask, tier], BINS) for tier in range(len(TIERS))]
    return np.stack(columns, axis=1)
