"""What a run teaches: rows as numbers, and what each says of four questions.

The questions are the first four heads of the classifier: all that its label rests on, and whether
a small model solves the prompt.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.variants.ground import Ground, Mask
from classifier import targets
from classifier.corpus import Example
from classifier.features import Row
from classifier.fit import Settings
from classifier.model import HEADS, sigmoid
from classifier.targets import Floats, Task

QUESTIONS: Final = HEADS[:4]

Logits: TypeAlias = Callable[[Sequence[Row]], Floats]
"""The logit of each question for every row, shape (rows, 4)."""


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """Rows to fit and to calibrate on; all have one entry a row, in the order of `rows`."""

    rows: tuple[Row, ...]
    tasks: tuple[Task, ...]
    """One a question, over the rows that are fitted."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Something fitted that answers the questions."""

    logits: Logits
    size: int
    """Bytes that serving must keep, the encoder apart."""


def truth(examples: Sequence[Example]) -> tuple[Task, ...]:
    """What `examples` say of each question, damped as the shipped path damps large sources."""
    power = Settings().damping
    return (
        targets.needs_info(examples, power),
        targets.above(examples, 0, power),
        targets.above(examples, 1, power),
        targets.solved(examples, 0, power),
    )


def lesson(
    ground: Ground, run: int, rows: Sequence[Row], teacher: NDArray[np.floating] | None = None
) -> Lesson:
    """What run number `run` learns; `teacher` has the logits of a tuned encoder for all rows.

    As in the shipped path the teacher moves the first three questions, by half.
    """
    fitted = ground.fitted(run)
    chosen = np.flatnonzero(fitted | ground.held(run))
    tasks = truth([ground.rows[at] for at in chosen])
    if teacher is not None:
        told = sigmoid(teacher[chosen].astype(np.float64))
        taught = [targets.taught(task, told[:, at]) for at, task in enumerate(tasks[:3])]
        tasks = (*taught, tasks[3])
    return Lesson(
        rows=tuple(rows[at] for at in chosen.tolist()),
        tasks=tuple(task.where(fitted[chosen]) for task in tasks),
    )


def dense(rows: Sequence[Row]) -> NDArray[np.float32]:
    """Vector and surface of each row side by side, shape (rows, dims + measures)."""
    return np.stack([np.concatenate([row.vector, row.surface]) for row in rows])


def table(tasks: Sequence[Task], size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Targets and weights of all questions side by side, shape (size, questions)."""
    target = np.zeros((size, len(tasks)), np.float32)
    weight = np.zeros_like(target)
    for column, task in enumerate(tasks):
        target[task.rows, column] = task.target
        weight[task.rows, column] = task.weight
    return target, weight


def known(tasks: Sequence[Task], size: int) -> Mask:
    """The rows that say anything of any question."""
    return np.isin(np.arange(size), np.concatenate([task.rows for task in tasks]))
