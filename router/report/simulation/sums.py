"""What is kept of a log for each policy: sums over its requests, by bucket where they are drawn.

Money is whole pico-USD, quality whole millionths of a success, time whole microseconds: so sums are
exact. Doubts are floats, in pico-USD and its square, and summed over all buckets: drawing requests
again changes a doubt by little, and a doubt of a doubt is not shown.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from classifier.types import TIERS
from router.domain import REASONS
from router.report.simulation.arrays import BUCKETS, Counts, Floats

MILLION: Final = 10**6
BINS: Final = 84
"""Lengths of a turn: four to each doubling of its characters, up to two million."""
DIALS: Final = 41
"""Positions of the policy by success, from 0 to 1."""
WHY_NOT: Final = (
    "no tier can serve the request",
    "the input has no price",
    "the output has no price, or nobody knows its length",
)


class Doubts(Struct, frozen=True, kw_only=True):
    """Doubts of two ways to serve the same requests, each by tier that serves, shape (3,)."""

    routed_shared: Floats
    routed_own: Floats
    """Squares, over the requests where the two ways differ."""
    other_shared: Floats
    other_own: Floats
    common_own: Floats
    """Squares, over the requests that both ways serve alike: wrong in both by the same amount."""


class Versus(Struct, frozen=True, kw_only=True):
    """A policy beside another way, over the requests whose cost both know; shape (BUCKETS,)."""

    requests: Counts
    routed: Counts
    other: Counts
    scored: Counts
    """Of these requests, those that have a verdict."""
    routed_quality: Counts
    other_quality: Counts
    timed: Counts
    """Of these requests, those whose time is expected to be known both ways."""
    routed_time: Counts
    other_time: Counts
    doubts: Doubts


class Whole(Struct, frozen=True, kw_only=True):
    """Requests whose cost is known on every tier and by the policy: what a lot is drawn over."""

    requests: Counts
    routed: Counts
    served: Counts
    """(BUCKETS, 3) Requests by tier that the policy takes."""
    controls: Counts
    """(BUCKETS, 3) Costs by tier."""
    scored: Counts
    routed_quality: Counts
    qualities: Counts
    """(BUCKETS, 3)"""
    routed_shared: Floats
    routed_own: Floats
    controls_shared: Floats
    controls_own: Floats


class Lengths(Struct, frozen=True, kw_only=True):
    """The same requests by length of the scored turn; shape (BUCKETS, BINS), tiers last."""

    requests: Counts
    costs: Counts
    scored: Counts
    qualities: Counts
    shared: Floats
    """(BINS, 3)"""
    own: Floats


class Dial(Struct, frozen=True, kw_only=True):
    """The same requests by position of the dial: what changes from one to the next.

    Shape (BUCKETS, DIALS + 1), or (DIALS + 1, 3) by tier; a running sum gives each position.
    """

    cost: Counts
    quality: Counts
    tiers: Counts
    shared: Floats
    own: Floats


class Sums(Struct, frozen=True, kw_only=True):
    """All sums of one policy; (BUCKETS,) where nothing else is said."""

    requests: Counts
    priced: Counts
    cost: Counts
    cost_shared: Floats
    cost_own: Floats
    scored: Counts
    quality: Counts
    tiers: tuple[Versus, Versus, Versus]
    oracle: Versus
    logged: Versus
    whole: Whole
    lengths: Lengths
    dial: Dial
    parts: Counts
    """(BUCKETS, 4, 3) Over what is compared with the baseline: the policy's parts by tier that
    serves, then the baseline's."""
    mix: Counts
    """(4,) Requests by tier, and those that none can serve."""
    notes: tuple[Counts, Counts]
    """Requests by REASONS, and the unpriced by WHY_NOT."""


def no_sums() -> Sums:
    """Nothing yet."""
    return Sums(
        **{name: _counts() for name in ("requests", "priced", "cost", "scored", "quality")},
        cost_shared=np.zeros(3),
        cost_own=np.zeros(3),
        tiers=(no_versus(), no_versus(), no_versus()),
        oracle=no_versus(),
        logged=no_versus(),
        whole=_no_whole(),
        lengths=Lengths(
            requests=_counts(BINS),
            costs=_counts(BINS, 3),
            scored=_counts(BINS),
            qualities=_counts(BINS, 3),
            shared=np.zeros((BINS, 3)),
            own=np.zeros((BINS, 3)),
        ),
        dial=Dial(
            cost=_counts(DIALS + 1),
            quality=_counts(DIALS + 1),
            tiers=np.zeros((DIALS + 1, 3), np.int64),
            shared=np.zeros((DIALS + 1, 3)),
            own=np.zeros((DIALS + 1, 3)),
        ),
        parts=_counts(len(TIERS) + 1, 3),
        mix=np.zeros(len(TIERS) + 1, np.int64),
        notes=(np.zeros(len(REASONS), np.int64), np.zeros(len(WHY_NOT), np.int64)),
    )


def no_versus() -> Versus:
    """Nothing yet, beside nothing."""
    names = Versus.__struct_fields__[:-1]
    doubts = Doubts(**{name: np.zeros(3) for name in Doubts.__struct_fields__})
    return Versus(**{name: _counts() for name in names}, doubts=doubts)


def _no_whole() -> Whole:
    return Whole(
        requests=_counts(),
        routed=_counts(),
        served=_counts(3),
        controls=_counts(3),
        scored=_counts(),
        routed_quality=_counts(),
        qualities=_counts(3),
        routed_shared=np.zeros(3),
        routed_own=np.zeros(3),
        controls_shared=np.zeros(3),
        controls_own=np.zeros(3),
    )


def _counts(*shape: int) -> Counts:
    return np.zeros((BUCKETS, *shape), np.int64)
