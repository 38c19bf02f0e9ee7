"""From labelled examples to six yes/no tasks: which rows, what answer, how much weight."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import Example
from classifier.types import TIERS

LEAST_TRUST: Final = 0.35
"""Labels below this are noise, by the corpus's own datasheet."""
SOURCE_POWER: Final = 0.25
"""Rows of a source with n rows weigh n**-0.25: large sources lead, but none drowns the others."""

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One head's training set: rows of the matrix, the share of "yes", and the weight of each."""

    rows: Rows
    target: Floats
    weight: Floats

    def within(self, chosen: NDArray[np.bool_]) -> "Task":
        """Only those rows that `chosen` (a mask over the matrix) keeps."""
        keep = chosen[self.rows]
        return Task(rows=self.rows[keep], target=self.target[keep], weight=self.weight[keep])


def needs_info(examples: Sequence[Example]) -> Task:
    """Does the prompt lack what anyone would need? Rows that say yes or no, labelled or not."""
    known = [(i, e) for i, e in enumerate(examples) if e.needs_info is not None]
    trust = [e.trust if e.label else max(e.trust, LEAST_TRUST) for _, e in known]
    return _task(examples, [i for i, _ in known], [e.needs_info or 0 for _, e in known], trust)


def above(examples: Sequence[Example], tier: int) -> Task:
    """Is it harder than `TIERS[tier]`, given that it is at least that? Answerable, trusted rows."""
    ranks = {label: rank for rank, label in enumerate(TIERS)}
    known = [
        (i, e, ranks[e.label])
        for i, e in enumerate(examples)
        if e.label in ranks and e.trust > LEAST_TRUST
    ]
    known = [(i, e, rank) for i, e, rank in known if rank >= tier]
    answers = [float(rank > tier) for _, _, rank in known]
    return _task(examples, [i for i, _, _ in known], answers, [e.trust for _, e, _ in known])


def solved(examples: Sequence[Example], tier: int) -> Task:
    """Does a model of `TIERS[tier]` solve it? Only rows with that tier's own share."""
    shares = [(e.share_small, e.share_mid, e.share_top)[tier] for e in examples]
    known = [(i, share) for i, share in enumerate(shares) if share is not None]
    return _task(examples, [i for i, _ in known], [s for _, s in known], [1.0] * len(known))


def _task(
    examples: Sequence[Example],
    rows: Sequence[int],
    target: Sequence[float],
    trust: Sequence[float],
) -> Task:
    """Weights: trust, times the source's damping; they average 1."""
    sizes = Counter(examples[row].source for row in rows)
    weight = np.array(trust) * np.array([sizes[examples[r].source] ** -SOURCE_POWER for r in rows])
    return Task(
        rows=np.array(rows, np.intp),
        target=np.array(target, np.float64),
        weight=weight / max(float(weight.mean()), 1e-9) if len(rows) else weight,
    )
