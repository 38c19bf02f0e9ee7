"""How long an assessment takes here: a report on this machine, not a property of the model."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from classifier.model import Classifier
from classifier.types import Prompt

WARM_UP: Final = 50
"""Prompts that are assessed before any is timed: first calls load code and fill caches."""


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Wall time of the rows, features included; one thread."""

    rows: int
    median_ms: float
    """Of one prompt alone."""
    p95_ms: float
    batch_per_s: float
    """Prompts a second, all in one call."""
    second: float
    """Share of the prompts that the second stage is asked about."""


def speed(
    classifier: Classifier,
    prompts: Sequence[Prompt],
    clock: Callable[[], float] = time.perf_counter,
) -> Speed | None:
    """Time every one of `prompts` alone, then all at once; none without any."""
    if not prompts:
        return None
    classifier.assess_many(prompts[:WARM_UP])
    took = []
    for prompt in prompts:
        begun = clock()
        classifier.assess(prompt)
        took.append(clock() - begun)
    begun = clock()
    classifier.assess_many(prompts)
    batch = clock() - begun
    median, p95 = 1e3 * np.quantile(took, [0.5, 0.95])
    return Speed(
        rows=len(prompts),
        median_ms=float(median),
        p95_ms=float(p95),
        batch_per_s=len(prompts) / max(batch, 1e-9),
        second=sum(not classifier.glance(prompt).sure for prompt in prompts) / len(prompts),
    )
