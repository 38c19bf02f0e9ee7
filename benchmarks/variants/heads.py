"""Three kinds of head over the same rows, and one that tunes the static embedding with itself."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.variants import network
from benchmarks.variants.lesson import Head, Lesson, dense, known, table
from benchmarks.variants.network import Data, Recipe
from classifier.features import Row
from classifier.fit import Settings, design, export, fit
from classifier.targets import Floats, Task

Kind: TypeAlias = Literal["linear", "boosting", "network", "end to end"]

BOOSTING: Final[Mapping[str, float]] = {
    "learning_rate": 0.08,
    "max_iter": 200,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "random_state": 20_261_126,
}
"""One setting for every variant, not tuned to any."""
PAIR_DIMS: Final = 16


def linear(lesson: Lesson, terms: int) -> Head:
    """The shipped kind: logistic heads over terms, vector and binned surface."""
    settings = Settings()
    plan = design(lesson.rows, terms, settings)
    nothing = np.zeros(len(lesson.rows))
    freedom = settings.freedom[: len(lesson.tasks)]
    lines = [fit(plan, *one, nothing) for one in zip(lesson.tasks, freedom, strict=True)]
    made = export(plan, lines, settings, None)
    size = sum(array.nbytes for array in made.arrays().values())
    return Head(logits=lambda rows: np.stack([made.logits(row) for row in rows]), size=size)


def boosting(lesson: Lesson) -> Head:
    """Gradient-boosted trees (scikit-learn, histograms) over vector and surface, one a question."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 (an extra)

    inputs = dense(lesson.rows)
    models = []
    for task in lesson.tasks:
        columns, answers, weights = doubled(task)
        model = HistGradientBoostingClassifier(early_stopping=False, **BOOSTING)
        models.append(model.fit(inputs[columns], answers, sample_weight=weights))

    def logits(rows: Sequence[Row]) -> Floats:
        asked = dense(rows)
        return np.stack([model.decision_function(asked) for model in models], axis=1)

    trees = [tree for model in models for (tree,) in model._predictors]  # noqa: SLF001 (no other way)
    return Head(logits=logits, size=sum(tree.nodes.nbytes for tree in trees))


def doubled(task: Task) -> tuple[NDArray[np.intp], NDArray[np.bool_], Floats]:
    """`task` for learners that know yes and no only: a share counts as that much of both."""
    yes, no = task.target > 0, task.target < 1
    rows = np.concatenate([task.rows[yes], task.rows[no]])
    weights = [(task.weight * task.target)[yes], (task.weight * (1 - task.target))[no]]
    return rows, np.arange(rows.size) < yes.sum(), np.concatenate(weights)


def small_network(lesson: Lesson, recipe: Recipe) -> Head:
    """One hidden layer over vector and surface, one output a question."""
    net = network.train(_data(lesson, dense(lesson.rows)), (), recipe)

    def logits(rows: Sequence[Row]) -> Floats:
        return np.stack([net.logits(one) for one in dense(rows)]).astype(np.float64)

    return Head(logits=logits, size=net.size)


def end_to_end(lesson: Lesson, vectors: NDArray[np.float32], pairs: int, recipe: Recipe) -> Head:
    """The same over the mean of word-piece vectors that learn too, and of short ones of pairs.

    `vectors`, shape (pieces, dims), is the static encoder's table, where learning begins; terms
    from its length on are `pairs` hashed pairs of pieces, which begin at 0.
    """
    spread = np.std([row.vector for row in lesson.rows])  # the other inputs are standardised
    tables = (vectors / spread, np.zeros((pairs, PAIR_DIMS), np.float32))
    surface = np.stack([row.surface for row in lesson.rows])
    split = [_split(row, len(vectors)) for row in lesson.rows]
    net = network.train(_data(lesson, surface, split), tables, recipe)

    def logits(rows: Sequence[Row]) -> Floats:
        told = [net.logits(row.surface, _split(row, len(vectors))) for row in rows]
        return np.stack(told).astype(np.float64)

    return Head(logits=logits, size=net.size)


def _split(row: Row, pieces: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The terms of a row that are pieces, and those that are pairs."""
    at = int(np.searchsorted(row.terms, pieces))
    return row.terms[:at], row.terms[at:] - pieces


def _data(
    lesson: Lesson,
    inputs: NDArray[np.float32],
    split: Sequence[tuple[NDArray[np.int64], ...]] = (),
) -> Data:
    """The fitted rows of a lesson as a network takes them."""
    chosen = np.flatnonzero(known(lesson.tasks, len(lesson.rows)))
    target, weight = table(lesson.tasks, len(lesson.rows))
    return Data(
        dense=inputs[chosen],
        terms=tuple(zip(*(split[row] for row in chosen.tolist()), strict=True)) if split else (),
        target=target[chosen],
        weight=weight[chosen],
    )
