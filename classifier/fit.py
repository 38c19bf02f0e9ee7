"""Fitting the heads with scipy, as arrays that serve without it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.features import Row
from classifier.linear import Heads, place
from classifier.model import sigmoid
from classifier.targets import Floats, Task

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LARGEST: Final = 32_767
STEPS: Final = 400
"""Most steps of the solver; it needs 50 to 150."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the heads are fitted; chosen on folds of the training rows."""

    freedom: tuple[float, ...] = (5.0, 5.0, 5.0, 1.0, 1.0, 0.05)
    """Inverse strength of the penalty on weights, one a head. Those of success are stiffer, the
    last most: its rows are of five sources, and with more freedom it learns what sets these apart
    (its Brier score on sources that were left out: .191 at 5, .182 at .05)."""
    meaning: float = 0.3
    """Size of the vector's block beside the terms': how readily its weights grow."""
    measures: float = 0.03
    """Size of each surface measure's bin, likewise."""
    bins: int = 10
    """Bins of a surface measure, equally full."""
    damping: float = 0.5
    """Power by which large sources are damped; .25 was as good on held-out rows of the public data
    and, in one run over 179 rows, four points of macro-F1 worse on our own."""


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


def design(
    rows: Sequence[Row], terms: int, settings: Settings, edges: NDArray[np.float32] | None = None
) -> Design:
    """The matrix that heads are fitted on.

    Scales come from these rows, and so do bins where no `edges` of an earlier model, shape
    (measures, bins - 1), are given.
    """
    from scipy.sparse import csr_matrix, hstack  # noqa: PLC0415 (the train extra)

    vectors = np.stack([row.vector for row in rows])
    surface = np.stack([row.surface for row in rows])
    mean, deviation = vectors.mean(axis=0), vectors.std(axis=0)
    stretch = settings.meaning / (np.maximum(deviation, 1e-6) * vectors.shape[1] ** 0.5)
    if edges is None:
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
        shape=(len(rows), edges.size + edges.shape[0]),
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


def fit(plan: Design, task: Task, freedom: float, start: Floats) -> Line:
    """A logistic head that adds to the logits `start`, one a row of the design.

    The penalty is on what is added, so a few rows move an earlier model a little and many move it
    far. A target between 0 and 1 counts as that much yes, and the rest no.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 (the train extra)

    matrix, before = plan.matrix[task.rows], start[task.rows]
    turned = matrix.T.tocsr()

    def loss(line: Floats) -> tuple[float, Floats]:
        logits = before + matrix @ line[:-1] + line[-1]
        value = task.weight @ (np.logaddexp(0, logits) - task.target * logits)
        gap = task.weight * (sigmoid(logits) - task.target)
        slope = np.append(turned @ gap, gap.sum()) + line / freedom
        return float(value + line @ line / (2 * freedom)), slope

    nothing = np.zeros(matrix.shape[1] + 1)
    found = minimize(loss, nothing, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return Line(weights=found.x[:-1], bias=float(found.x[-1]))


def predict(plan: Design, line: Line) -> Floats:
    """What `line` adds to the logit of every row, shape (n,)."""
    logits: Floats = plan.matrix @ line.weights + line.bias
    return logits


def export(plan: Design, lines: Sequence[Line], settings: Settings, base: Heads | None) -> Heads:
    """The arrays of fitted heads, added to those of `base`, whose bins the design must share.

    The scaling of the design is folded into the weights.
    """
    weights = np.stack([line.weights for line in lines], axis=1)
    added, vector, bins = np.split(weights, [plan.seen.size, plan.seen.size + plan.mean.size])
    vector = vector * plan.stretch[:, None]
    bias = np.array([line.bias for line in lines]) - plan.mean @ vector
    words = np.zeros((plan.terms, len(lines)))
    words[plan.seen] = added
    bins = bins * settings.measures
    if base is not None:
        words += base.terms * base.unit
        vector, bins, bias = vector + base.vector, bins + base.bins, bias + base.bias
    unit = np.maximum(np.abs(words).max(axis=0), 1e-12) / LARGEST
    return Heads(
        terms=np.rint(words / unit).astype(np.int16),
        unit=unit,
        vector=vector.astype(np.float32),
        edges=plan.edges,
        bins=bins.astype(np.float32),
        bias=bias,
    )
