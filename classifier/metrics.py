"""How good a classifier is. Pure; labels are positions in LABELS; intervals are 95 %."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.types import LABELS

SEED: Final = 20_261_123
ROUNDS: Final = 1_000

Labels = NDArray[np.intp]
Floats = NDArray[np.float64]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and the middle 95 % of its bootstrap."""

    value: float
    low: float
    high: float


def confusion(truth: Labels, said: Labels) -> NDArray[np.int64]:
    """Counts, shape (labels, labels): rows are the truth."""
    size = len(LABELS)
    return np.bincount(truth * size + said, minlength=size * size).reshape(size, size)


def f1(truth: Labels, said: Labels) -> Floats:
    """F1 of each label; 0 where it was neither there nor said."""
    table = confusion(truth, said)
    both = table.sum(axis=0) + table.sum(axis=1)
    scores: Floats = 2 * table.diagonal() / np.maximum(both, 1)
    return scores


def macro_f1(truth: Labels, said: Labels) -> float:
    """Mean F1 over the labels that occur in the truth."""
    present = np.unique(truth)
    return float(f1(truth, said)[present].mean()) if present.size else 0.0


def bootstrap(measure: Callable[[NDArray[np.intp]], float], groups: NDArray[np.intp]) -> Interval:
    """`measure` of all rows, with its interval over resampled groups.

    `measure` takes row numbers. Near duplicates (one group) are drawn together, else the interval
    would be too narrow.
    """
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    draw = np.random.default_rng(SEED)
    values = []
    for _ in range(ROUNDS):
        chosen = draw.integers(0, len(members), len(members))
        values.append(measure(np.concatenate([members[group] for group in chosen])))
    low, high = np.quantile(values, [0.025, 0.975])
    whole = measure(np.arange(len(groups)))
    return Interval(value=whole, low=float(low), high=float(high))


def calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = 10) -> float:
    """Top-label ECE in equally full bins: mean distance of confidence from accuracy."""
    if not confidence.size:
        return 0.0
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if part.size]
    gaps = [abs(confidence[part].mean() - right[part].mean()) * part.size for part in parts]
    return float(sum(gaps) / confidence.size)


def auroc(score: Floats, positive: NDArray[np.bool_]) -> float | None:
    """Chance that a positive scores above a negative, ties half; none without both."""
    count = int(positive.sum())
    others = positive.size - count
    if not count or not others:
        return None
    _, group, size = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(size) - (size - 1) / 2)[group]
    return float((rank[positive].sum() - count * (count + 1) / 2) / (count * others))
