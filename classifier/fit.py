"""Fitting the heads with scikit-learn, as arrays that serve without it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.features import Row
from classifier.linear import Heads, place
from classifier.targets import Floats, Task

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LARGEST: Final = 32_767


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the heads are fitted; chosen on cluster folds of the training rows."""

    freedom: float = 5.0
    """Inverse strength of the penalty on weights."""
    meaning: float = 0.3
    """Size of the vector's block beside the terms': how readily its weights grow."""
    measures: float = 0.03
    """Size of each surface measure's bin, likewise."""
    bins: int = 10
    """Bins of a surface measure, equally full."""


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """Rows as one sparse matrix (terms, vector, bins), and what is needed to undo its scaling."""

    matrix: "csr_matrix"
    mean: NDArray[np.float32]
    stretch: NDArray[np.float32]
    """What the centred vector was multiplied by."""
    edges: NDArray[np.float32]
    seen: NDArray[np.int64]
    """The terms that occur: the others can learn nothing and have no column."""
    terms: int
    """How many terms there are."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One fitted head, over the columns of the design."""

    weights: Floats
    bias: float


def design(rows: Sequence[Row], terms: int, settings: Settings) -> Design:
    """The matrix that heads are fitted on. Bins and scales come from these rows."""
    from scipy.sparse import csr_matrix, hstack  # noqa: PLC0415 (the train extra)

    vectors = np.stack([row.vector for row in rows])
    surface = np.stack([row.surface for row in rows])
    mean, deviation = vectors.mean(axis=0), vectors.std(axis=0)
    stretch = settings.meaning / (np.maximum(deviation, 1e-6) * vectors.shape[1] ** 0.5)
    steps = np.linspace(0, 1, settings.bins + 1)[1:-1]
    edges = np.quantile(surface, steps, axis=0).T.astype(np.float32)
    places = place(surface, edges)
    seen, columns = np.unique(np.concatenate([row.terms for row in rows]), return_inverse=True)
    words = csr_matrix(
        (
            np.concatenate([np.full(row.terms.size, row.terms_weight) for row in rows]),
            columns,
            np.cumsum([0, *(row.terms.size for row in rows)]),
        ),
        shape=(len(rows), seen.size),
    )
    measures = csr_matrix(
        (
            np.full(places.size, settings.measures),
            places.ravel(),
            np.arange(len(rows) + 1) * places.shape[1],
        ),
        shape=(len(rows), edges.shape[0] * settings.bins),
    )
    blocks = [words, csr_matrix((vectors - mean) * stretch), measures]
    return Design(
        matrix=hstack(blocks, format="csr", dtype=np.float64),
        mean=mean,
        stretch=stretch,
        edges=edges,
        seen=seen,
        terms=terms,
    )


def fit(plan: Design, task: Task, settings: Settings) -> Line:
    """A logistic head. A target between 0 and 1 counts as that much yes, and the rest no."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (the train extra)

    yes, no = task.target > 0, task.target < 1
    rows = np.concatenate([task.rows[yes], task.rows[no]])
    weight = np.concatenate(
        [(task.weight * task.target)[yes], (task.weight * (1 - task.target))[no]]
    )
    head = LogisticRegression(C=settings.freedom, max_iter=400, tol=1e-4)
    head.fit(plan.matrix[rows], np.repeat([1, 0], [yes.sum(), no.sum()]), sample_weight=weight)
    return Line(weights=head.coef_[0], bias=float(head.intercept_[0]))


def predict(plan: Design, line: Line) -> Floats:
    """The logit of every row, shape (n,)."""
    logits: Floats = plan.matrix @ line.weights + line.bias
    return logits


def export(plan: Design, lines: Sequence[Line], settings: Settings) -> Heads:
    """The arrays of fitted heads, with the scaling of the design folded into the weights."""
    weights = np.stack([line.weights for line in lines], axis=1)
    words, vector, bins = np.split(weights, [plan.seen.size, plan.seen.size + plan.mean.size])
    unit = np.maximum(np.abs(words).max(axis=0), 1e-12) / LARGEST
    units = np.zeros((plan.terms, len(lines)), np.int16)
    units[plan.seen] = np.rint(words / unit)
    vector = vector * plan.stretch[:, None]
    return Heads(
        terms=units,
        unit=unit,
        vector=vector.astype(np.float32),
        edges=plan.edges,
        bins=(bins * settings.measures).astype(np.float32),
        bias=np.array([line.bias for line in lines]) - plan.mean @ vector,
    )
