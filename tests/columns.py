"""Batches of simulated requests to test with: small by hand, large by law."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from classifier.types import LABELS
from router.columns import NOBODY, Columns, Floats, Routed
from router.domain import REASONS, ModelId
from tests.ledgers import DAY_US, NOON_US

MODELS = (ModelId("small"), ModelId("middle"), ModelId("large"))
PRICES = np.array([[1, 0.25, 4], [4, 1, 16], [10, 2.5, 60]])
"""Pico-USD per token in millionths of a USD, by tier: fresh, cached, output."""


def drawn(
    rows: int,
    *,
    seed: int = 1,
    turns: float = 3.0,
    shared: float = 0.0,
    own: float = 0.0,
    bars: Sequence[tuple[float, float]] = ((0.75, 0.6),),
) -> Columns:
    """`rows` requests in conversations of `turns` turns on average, routed by success.

    What was asked is drawn by conversation, so that requests of one are alike. Doubts are shares of
    what the output costs.
    """
    chance = np.random.default_rng(seed)
    count = max(1, round(rows / turns))
    drawn_by = np.sort(chance.integers(0, count, rows)) if turns > 1 else np.arange(rows)
    conversation = drawn_by.astype(np.uint64) + np.uint64(seed * 10**9)
    _, where = np.unique(conversation, return_inverse=True)
    size = np.exp(chance.normal(0, 1, where.max() + 1))[where]
    tokens_in = np.rint(200 * size + chance.integers(1, 400, rows)).astype(np.int64)
    cached = tokens_in // 256 * 128
    hardness = chance.uniform(0, 1, where.max() + 1)[where]
    success = np.clip(np.stack([1 - hardness, 1 - hardness**2, 1 - hardness**4], axis=1), 0, 1)
    output = np.rint((60 + 400 * hardness) * np.exp(chance.normal(0, 0.5, rows)))
    parts = np.stack([tokens_in - cached, cached, output.astype(np.int64)], axis=1)
    tiers = np.rint(parts[:, None, :] * PRICES[None] * 10**6).astype(np.int64)
    return Columns(
        conversation=conversation,
        at_us=NOON_US + np.sort(chance.integers(0, 5 * DAY_US, rows)),
        label=chance.integers(0, len(LABELS), rows).astype(np.uint8),
        characters=(tokens_in * 4).astype(np.int64),
        success=success,
        user=tuple(f"user{at % 7}" for at in where.tolist()),
        key=tuple("team" if at % 2 else "" for at in where.tolist()),
        logged=tiers[:, 2].sum(axis=1),
        logged_model=("large",) * rows,
        tokens=np.stack([tokens_in, cached, output.astype(np.int64)], axis=1),
        policies=tuple(
            _by_success(success, tiers, easy, medium, (shared, own)) for easy, medium in bars
        ),
    )


def _by_success(
    success: Floats,
    tiers: "np.ndarray[tuple[int, int, int], np.dtype[np.int64]]",
    easy: float,
    medium: float,
    doubts: tuple[float, float],
) -> Routed:
    tier = np.where(success[:, 0] >= easy, 0, np.where(success[:, 1] >= medium, 1, 2))
    every = np.arange(len(tier))
    output = tiers[:, :, 2].astype(np.float64)
    output[:, 2] = 0.0  # the log was answered by the hard tier, whose cost is known
    shared, own = (doubt * output for doubt in doubts)
    return Routed(
        tier=tier.astype(np.uint8),
        model=tier.astype(np.int32),
        models=MODELS,
        reason=np.full(len(tier), REASONS.index("success"), np.uint8),
        cost=tiers[every, tier],
        cost_shared=shared[every, tier],
        cost_own=own[every, tier],
        tiers=tiers,
        tiers_shared=shared,
        tiers_own=own,
        latency_ms=np.tile([200.0, 500.0, 2_000.0], (len(tier), 1)),
    )


def rows_of(columns: Columns, rows: "slice | np.ndarray[tuple[int], np.dtype[np.intp]]") -> Columns:
    """Some of the requests of a batch."""
    every = range(columns.rows)
    chosen = list(every[rows]) if isinstance(rows, slice) else rows.tolist()
    named = ("user", "key", "logged_model")
    picked = np.array(chosen, np.intp)
    fields: dict[str, object] = {
        "policies": tuple(_routed_of(one, picked) for one in columns.policies),
        **{name: tuple(getattr(columns, name)[at] for at in chosen) for name in named},
    }
    rest = set(Columns.__struct_fields__) - set(fields)
    return replace(columns, **fields, **{name: getattr(columns, name)[picked] for name in rest})


def _routed_of(routed: Routed, rows: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> Routed:
    return replace(
        routed,
        **{
            name: getattr(routed, name)[rows]
            for name in Routed.__struct_fields__
            if name != "models"
        },
    )


def unserved(columns: Columns, row: int) -> Columns:
    """The batch with a request that no tier can serve."""
    changed = []
    for one in columns.policies:
        copy = _routed_of(one, np.arange(columns.rows))
        copy.tier[row], copy.model[row], copy.reason[row] = NOBODY, -1, NOBODY
        copy.cost[row], copy.tiers[row] = -1, -1
        changed.append(copy)
    return replace(columns, policies=tuple(changed))
