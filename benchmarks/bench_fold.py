"""Rows a second that the summary of a simulation adds up on one core, and the size of its state.

    python -m benchmarks.bench_fold [--rows 1000000] [--policies 1]

CPU and wall time over batches of 65,536 requests with names of 1,000 users, then of the answer.
"""

import argparse
import resource
from time import perf_counter, process_time
from typing import Final

import numpy as np

from router.columns import Columns, Floats, Money, Routed
from router.domain import REASONS, ModelId
from router.report.simulation.conclude import conclude
from router.report.simulation.fold import add, begin
from router.report.simulation.keep import save
from router.report.simulation.question import Option, Question

BATCH: Final = 65_536
USERS: Final = 1_000
PRICES: Final = np.array([[300, 75, 1_200], [600, 150, 2_500], [1_000, 250, 12_000]]) * 1_000
MODELS: Final = (ModelId("small"), ModelId("middle"), ModelId("large"))


def batch(number: int, policies: int) -> Columns:
    """Requests of one batch: three turns a conversation."""
    chance = np.random.default_rng(number)
    hardness = chance.uniform(0, 1, BATCH)
    output = np.rint(np.exp(4.5 + 1.5 * hardness)).astype(np.int64)
    tokens = np.stack([chance.integers(50, 4_000, BATCH), np.zeros_like(output), output], axis=1)
    success = np.stack([1 - hardness, 1 - hardness**2, 1 - hardness**4], axis=1)
    users = [f"user{at}" for at in range(USERS)]
    tiers = tokens[:, None, :] * PRICES
    return Columns(
        conversation=(number * BATCH + np.arange(BATCH)).astype(np.uint64) // np.uint64(3),
        at_us=1_795_435_200_000_000 + chance.integers(0, 30 * 86_400_000_000, BATCH),
        label=chance.integers(0, 4, BATCH).astype(np.uint8),
        characters=tokens[:, 0] * 4,
        success=success,
        user=tuple(users[at] for at in chance.integers(0, USERS, BATCH).tolist()),
        key=("team",) * BATCH,
        logged=tiers[:, 2].sum(axis=1),
        logged_model=("large",) * BATCH,
        tokens=tokens,
        policies=tuple(_routed(success, tiers, 0.7 + 0.05 * at) for at in range(policies)),
    )


def _routed(success: Floats, tiers: Money, bar: float) -> Routed:
    tier = np.where(success[:, 0] >= bar, 0, np.where(success[:, 1] >= bar**2, 1, 2))
    every = np.arange(len(tier))
    doubts: Floats = 0.2 * tiers[:, :, 2].astype(np.float64)
    return Routed(
        tier=tier.astype(np.uint8),
        model=tier.astype(np.int32),
        models=MODELS,
        reason=np.full(len(tier), REASONS.index("success"), np.uint8),
        cost=tiers[every, tier],
        cost_shared=doubts[every, tier],
        cost_own=doubts[every, tier],
        tiers=tiers,
        tiers_shared=doubts,
        tiers_own=doubts,
        latency_ms=np.tile([200.0, 500.0, 2_000.0], (len(tier), 1)),
    )


def main() -> None:
    """Print the rates."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--rows", type=int, default=1_000_000)
    reader.add_argument("--policies", type=int, default=1)
    said = reader.parse_args()
    state = begin(Question(options=tuple(Option(name=f"p{at}") for at in range(said.policies))))
    wall = busy = 0.0
    batches = max(1, said.rows // BATCH)
    for number in range(batches):
        columns = batch(number, said.policies)
        wall, busy = wall - perf_counter(), busy - process_time()
        state = add(state, columns)
        wall, busy = wall + perf_counter(), busy + process_time()
    rows = batches * BATCH
    print(
        f"{rows:,} rows, {said.policies} policies: {rows / wall:,.0f} rows/s, "
        f"{rows / busy:,.0f} rows per second of CPU"
    )
    began = process_time()
    conclude(state)
    print(
        f"the answer takes {process_time() - began:.2f} s of CPU; "
        f"its state {len(save(state)) / 1e6:.1f} MB on disk; peak memory "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB"
    )


if __name__ == "__main__":
    main()
