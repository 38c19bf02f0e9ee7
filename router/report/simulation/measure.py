"""Columns → sums: one batch, one policy. Every request costs a few dozen additions."""

import numpy as np

from classifier.types import TIERS
from router.columns import NOBODY, UNKNOWN, Columns, Routed
from router.domain import REASONS
from router.report.simulation.arrays import (
    BUCKETS,
    Counts,
    Floats,
    Index,
    Mask,
    bucket_sums,
    table_sums,
)
from router.report.simulation.dial import measure_dial
from router.report.simulation.length_rule import measure_lengths
from router.report.simulation.rows import Rows, every
from router.report.simulation.sums import MILLION, WHY_NOT, Sums, Versus, Whole
from router.report.simulation.versus import Other, measure_versus, only, squares, sum_by_tier


def measure(columns: Columns, routed: Routed, rows: Rows, baseline: int) -> Sums:
    """The sums of a batch; `baseline` is a position in TIERS."""
    easy, medium, hard = (_beside_tier(rows, routed, tier) for tier in range(len(TIERS)))
    ones = rows.served.astype(np.int64)
    mix = np.bincount(np.where(rows.served, rows.tier, len(TIERS)), minlength=len(TIERS) + 1)
    return Sums(
        requests=bucket_sums(rows.bucket, np.ones_like(ones)),
        priced=bucket_sums(rows.bucket, rows.priced.astype(np.int64)),
        cost=bucket_sums(rows.bucket, rows.cost),
        cost_shared=sum_by_tier(rows.tier, rows.shared, rows.priced),
        cost_own=sum_by_tier(rows.tier, rows.own, rows.priced),
        scored=bucket_sums(rows.bucket, rows.scored.astype(np.int64)),
        quality=bucket_sums(rows.bucket, rows.quality * rows.scored),
        tiers=(easy, medium, hard),
        oracle=_beside_oracle(rows, routed),
        logged=_beside_log(rows, columns),
        whole=_whole(rows, routed),
        lengths=measure_lengths(columns, routed, rows),
        dial=measure_dial(routed, rows),
        parts=_parts(rows, routed, baseline),
        mix=mix.astype(np.int64),
        notes=(_reasons(routed), _why_not(rows, routed)),
    )


def _beside_tier(rows: Rows, routed: Routed, tier: int) -> Versus:
    alone = np.zeros((len(rows.tier), len(TIERS)))
    alone[:, tier] = 1.0
    other = Other(
        cost=rows.controls[:, tier],
        quality=rows.qualities[:, tier],
        time=rows.times[:, tier],
        timed=rows.timed[:, tier],
        chance=alone,
    )
    return measure_versus(rows, routed, rows.priced & rows.known[:, tier], other)


def _beside_oracle(rows: Rows, routed: Routed) -> Versus:
    """Who knows beforehand which tiers will solve a prompt, and takes the cheapest of them.

    Success is nested: what easy solves, medium does. Where nobody solves it, hard is asked.
    """
    success = rows.qualities / MILLION
    easy, medium = success[:, 0], success[:, 1]
    chance = np.stack([easy, medium - easy, 1.0 - medium], axis=1)
    cost = np.rint((chance * rows.controls).sum(axis=1)).astype(np.int64)
    time = np.rint((chance * rows.times).sum(axis=1)).astype(np.int64)
    other = Other(
        cost=cost,
        quality=rows.qualities[:, 2],
        time=time,
        timed=every(rows.timed),
        chance=chance,
    )
    return measure_versus(rows, routed, rows.whole & rows.scored, other)


def _beside_log(rows: Rows, columns: Columns) -> Versus:
    """The log's own answers: what they cost is known, how good they were is not."""
    nothing = np.zeros_like(rows.cost)
    other = Other(
        cost=np.maximum(columns.logged, 0),
        quality=nothing,
        time=nothing,
        timed=np.zeros_like(rows.priced),
        chance=None,
    )
    both = rows.priced & (columns.logged > UNKNOWN)
    return measure_versus(only(rows, scored=False), None, both, other)


def _whole(rows: Rows, routed: Routed) -> Whole:
    whole, bucket = rows.whole, rows.bucket
    ones, scored = whole.astype(np.int64), (whole & rows.scored).astype(np.int64)
    served = bucket_sums(bucket * len(TIERS) + rows.tier, ones, BUCKETS * len(TIERS))
    return Whole(
        requests=bucket_sums(bucket, ones),
        routed=bucket_sums(bucket, rows.cost * ones),
        served=served.reshape(BUCKETS, len(TIERS)),
        controls=table_sums(bucket, rows.controls * ones[:, None]),
        scored=bucket_sums(bucket, scored),
        routed_quality=bucket_sums(bucket, rows.quality * scored),
        qualities=table_sums(bucket, rows.qualities * scored[:, None]),
        routed_shared=sum_by_tier(rows.tier, rows.shared, whole),
        routed_own=sum_by_tier(rows.tier, rows.own, whole),
        controls_shared=_down(routed.tiers_shared, whole),
        controls_own=_down(squares(routed.tiers_own), whole),
    )


def _parts(rows: Rows, routed: Routed, baseline: int) -> Counts:
    """Parts of the cost by tier that serves, and of the baseline's."""
    both = rows.priced & rows.known[:, baseline]
    rows_of = len(TIERS) + 1
    index = rows.bucket * rows_of
    spent = table_sums(index + rows.tier, routed.cost * both[:, None], BUCKETS * rows_of)
    alone = table_sums(
        index + len(TIERS), routed.tiers[:, baseline] * both[:, None], BUCKETS * rows_of
    )
    return (spent + alone).reshape(BUCKETS, rows_of, -1)


def _reasons(routed: Routed) -> Counts:
    known = routed.reason[routed.reason != NOBODY]
    return np.bincount(known, minlength=len(REASONS)).astype(np.int64)


def _why_not(rows: Rows, routed: Routed) -> Counts:
    """The first of WHY_NOT that keeps a request from having a price."""
    input_unknown = (routed.cost[:, :2] <= UNKNOWN).any(axis=1)
    why: Index = np.where(~rows.served, 0, np.where(input_unknown, 1, 2))
    return np.bincount(why[~rows.priced], minlength=len(WHY_NOT)).astype(np.int64)


def _down(values: Floats, mask: Mask) -> Floats:
    summed: Floats = np.nan_to_num(values[mask]).sum(axis=0)
    return summed
