"""What one prompt costs: CPU of one thread, from the prompt's text to its logits."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.types import Prompt

PROMPTS: Final = 400
PASSES: Final = 3
"""The least of so many counts: what others do to the caches can only add."""
SEED: Final = 20_261_126


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of CPU over the lengths of val, and bytes to keep."""

    prompts: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    megabytes: float
    second: float | None = None
    """Share of the prompts that the second stage was asked about; none without one."""


def sample(size: int) -> NDArray[np.intp]:
    """Which of `size` prompts are timed: the same for every variant."""
    draw = np.random.default_rng(SEED)
    return np.sort(draw.permutation(size)[:PROMPTS])


def times(one: Callable[[Prompt], object], prompts: Sequence[Prompt]) -> NDArray[np.float64]:
    """Milliseconds of this process's CPU for each prompt, one after another."""
    for prompt in prompts[:20]:
        one(prompt)
    passes = np.empty((PASSES, len(prompts)))
    for number in range(PASSES):
        for at, prompt in enumerate(prompts):
            begun = time.process_time_ns()
            one(prompt)
            passes[number, at] = time.process_time_ns() - begun
    least: NDArray[np.float64] = passes.min(axis=0) / 1e6
    return least


def cost(taken: NDArray[np.float64], size: int, second: float | None = None) -> Cost:
    """The summary of the milliseconds `taken` by each prompt, and `size` bytes."""
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    return Cost(
        prompts=taken.size,
        mean_ms=float(taken.mean()),
        p50_ms=float(p50),
        p95_ms=float(p95),
        megabytes=size / 1e6,
        second=second,
    )
