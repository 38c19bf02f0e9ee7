"""From labelled examples to yes/no tasks: which rows, what answer, how much weight."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import LEAST_TRUST, Example
from classifier.types import TIERS, Label

SOURCE_POWER: Final = 0.25
"""Rows of a source with n rows weigh n**-power: large sources lead, but none drowns the others."""

TEACHING: Final = 0.5
"""How much of a target is the teacher's; .8 was no better on held-out rows."""

Floats = NDArray[np.float64]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One head's training set. All have one entry a row."""

    rows: NDArray[np.intp]
    """Positions among the examples."""
    target: Floats
    """The share of "yes", 0 to 1."""
    trust: Floats
    """Weight for calibration: how far the label is believed."""
    weight: Floats
    """Weight for fitting: trust, damped so that no source is the answer; 1 on average."""

    def where(self, chosen: NDArray[np.bool_]) -> "Task":
        """Only those rows that `chosen`, a mask over all examples, keeps."""
        keep = chosen[self.rows]
        return Task(
            rows=self.rows[keep],
            target=self.target[keep],
            trust=self.trust[keep],
            weight=self.weight[keep],
        )


def needs_info(examples: Sequence[Example], power: float = SOURCE_POWER) -> Task:
    """Does the prompt lack what anyone would need? Rows that say yes or no, labelled or not.

    Within a source, "yes" and "no" weigh alike: most such sources were made to lack something.
    """
    known = [i for i, e in enumerate(examples) if e.needs_info is not None]
    trust = [e.trust if e.label else max(e.trust, LEAST_TRUST) for e in _pick(examples, known)]
    answers = [float(e.needs_info or 0) for e in _pick(examples, known)]
    task = _task(examples, known, answers, trust, power)
    return msgspec.structs.replace(task, weight=_even(_pick(examples, known), task))


def above(examples: Sequence[Example], tier: int, power: float = SOURCE_POWER) -> Task:
    """Is it harder than `TIERS[tier]`, given that it is at least that? Answerable, trusted rows."""
    ranks: dict[Label | None, int] = {name: rank for rank, name in enumerate(TIERS)}
    rank = [ranks.get(e.label, -1) if e.trust > LEAST_TRUST else -1 for e in examples]
    known = [i for i, r in enumerate(rank) if r >= tier]
    answers = [float(rank[i] > tier) for i in known]
    return _task(examples, known, answers, [e.trust for e in _pick(examples, known)], power)


def solved(examples: Sequence[Example], tier: int, power: float = SOURCE_POWER) -> Task:
    """Does a model of `TIERS[tier]` solve it? Only rows that have this tier's own share."""
    shares = ((i, e.shares[tier]) for i, e in enumerate(examples))
    known = [(i, share) for i, share in shares if share is not None]
    return _task(examples, [i for i, _ in known], [s for _, s in known], [1.0] * len(known), power)


def increment(task: Task, before: Floats, chance: Floats) -> Task:
    """`task` asked only where the tiers below fail: the expectation step of EM.

    `before` is the probability that a tier below solves each example, `chance` the present guess
    that this tier solves what they do not; both have one entry an example. A solved row counts as
    far as this tier's own step explains it, an unsolved one in full.
    """
    done, step = before[task.rows], chance[task.rows]
    explained = (1 - done) * step / np.maximum(done + (1 - done) * step, 1e-9)
    yes = task.target * explained
    counted = yes + (1 - task.target)
    return Task(
        rows=task.rows,
        target=yes / np.maximum(counted, 1e-9),
        trust=task.trust,
        weight=task.weight * counted,
    )


def taught(task: Task, answers: Floats) -> Task:
    """`task` with half of each target from a teacher's `answers`, one an example.

    Hinton, Vinyals and Dean, Distilling the knowledge in a neural network (2015): a soft answer
    says which rows are alike and which labels are doubtful.
    """
    target = (1 - TEACHING) * task.target + TEACHING * answers[task.rows]
    return msgspec.structs.replace(task, target=target)


def _pick(examples: Sequence[Example], rows: Sequence[int]) -> list[Example]:
    return [examples[row] for row in rows]


def _task(
    examples: Sequence[Example],
    rows: Sequence[int],
    target: Sequence[float],
    trust: Sequence[float],
    power: float,
) -> Task:
    sources = [example.source for example in _pick(examples, rows)]
    sizes = Counter(sources)
    weight = np.array(trust) * np.array([sizes[source] ** -power for source in sources])
    return Task(
        rows=np.array(rows, np.intp),
        target=np.array(target, np.float64),
        trust=np.array(trust, np.float64),
        weight=weight / max(float(weight.mean()), 1e-9) if rows else weight,
    )


def _even(examples: Sequence[Example], task: Task) -> Floats:
    """The weights of `task`, moved so that both answers of a source that has both weigh alike."""
    weight = task.weight.copy()
    names = np.array([example.source for example in examples])
    for name in np.unique(names):
        sides = [(names == name) & (task.target == answer) for answer in (0, 1)]
        sums = [weight[side].sum() for side in sides]
        if min(sums) > 0:
            for side, total in zip(sides, sums, strict=True):
                weight[side] *= sum(sums) / (2 * total)
    return weight
