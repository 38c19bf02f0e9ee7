"""How good a classifier is. Pure; labels are positions in LABELS; intervals are 95 %."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.types import LABELS, Label

SEED: Final = 20_261_123
ROUNDS: Final = 1_000
SIMULATIONS: Final = 300
Z95: Final = 1.959964
EASY: Final = LABELS.index("easy")
HARD: Final = LABELS.index("hard")

Labels = NDArray[np.intp]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
"""Row numbers, or a number for each row."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and the middle 95 % of its bootstrap; in text, "0.61 [0.57, 0.64]"."""

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """All three numbers, each by `spec`."""
        value, low, high = (format(x, spec) for x in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"


def positions(labels: Sequence[Label | None]) -> Labels:
    """Positions in LABELS; -1 for none."""
    return np.array([-1 if label is None else LABELS.index(label) for label in labels], np.intp)


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


def precision(truth: Labels, said: Labels) -> Floats:
    """Of the rows that are called each label, the share that has it; 0 where none is."""
    table = confusion(truth, said)
    shares: Floats = table.diagonal() / np.maximum(table.sum(axis=0), 1)
    return shares


def recall(truth: Labels, said: Labels) -> Floats:
    """Of the rows that have each label, the share that is called so; 0 where none has."""
    return precision(said, truth)


def macro_f1(truth: Labels, said: Labels) -> float:
    """Mean F1 over the labels that occur in the truth."""
    present = np.unique(truth)
    return float(f1(truth, said)[present].mean()) if present.size else 0.0


def hard_miss_share(truth: Labels, said: Labels) -> float | None:
    """Of the truly hard rows, the share that is called easy; none without hard rows."""
    hard = truth == HARD
    return float((said[hard] == EASY).mean()) if hard.any() else None


def bootstrap(measure: Callable[[Rows], float], groups: Rows) -> Interval:
    """`measure` of all rows, with its interval over resampled groups.

    `measure` takes row numbers; a resample on which it is not defined (nan) does not count. Near
    duplicates (one group) are drawn together, else the interval would be too narrow.
    """
    (one,) = bootstraps(lambda rows: np.array([measure(rows)]), groups)
    return one


def bootstraps(measure: Callable[[Rows], Floats], groups: Rows) -> tuple[Interval, ...]:
    """`bootstrap` of several figures at once, over the same resamples."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    sizes = np.diff(starts, append=order.size)
    values = []
    for chosen in _draws(sizes.size):
        size = sizes[chosen]
        first = np.repeat(starts[chosen] - np.cumsum(size) + size, size)
        values.append(measure(order[first + np.arange(first.size)]))
    whole = measure(np.arange(order.size))
    return tuple(map(_interval, whole.tolist(), np.array(values).T))


def mean(values: Floats | NDArray[np.bool_], groups: Rows) -> Interval:
    """The mean of `values`, or the share that is true, with its `bootstrap` interval.

    Where all or none are true no resample shows how few rows there are, so Wilson's interval does.
    """
    _, numbers = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(numbers, weights=values), np.bincount(numbers)
    if values.dtype == np.bool_ and (values.all() or not values.any()):
        return wilson(int(values[0]) * sizes.size, sizes.size)
    drawn = [sums[chosen].sum() / sizes[chosen].sum() for chosen in _draws(sizes.size)]
    return _interval(float(values.mean()), np.array(drawn))


def wilson(count: int, rows: int) -> Interval:
    """The share `count / rows` with Wilson's score interval (1927)."""
    share, scale = count / rows, 1 + Z95**2 / rows
    middle = (share + Z95**2 / (2 * rows)) / scale
    half = Z95 * math.sqrt(share * (1 - share) / rows + Z95**2 / (4 * rows**2)) / scale
    return Interval(value=share, low=max(0.0, middle - half), high=min(1.0, middle + half))


def _draws(groups: int) -> Iterator[Rows]:
    """Which groups each resample has: the same for every figure, so differences are paired."""
    draw = np.random.default_rng(SEED)
    return (draw.integers(0, groups, groups) for _ in range(ROUNDS))


def _interval(value: float, drawn: Floats) -> Interval:
    defined = drawn[~np.isnan(drawn)]
    low, high = np.quantile(defined if defined.size else [value], [0.025, 0.975])
    return Interval(value=value, low=float(low), high=float(high))


def calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = 10) -> float:
    """Top-label ECE in equally full bins: mean distance of confidence from accuracy."""
    if not confidence.size:
        return 0.0
    gaps = [
        abs(confidence[part].mean() - right[part].mean()) * part.size
        for part in equally_full(confidence, bins)
    ]
    return float(sum(gaps) / confidence.size)


def equally_full(confidence: Floats, bins: int) -> list[NDArray[np.intp]]:
    """Row numbers by rising confidence in `bins` parts of one size; empty ones are left out."""
    order = np.argsort(confidence, kind="stable")
    return [part for part in np.array_split(order, bins) if part.size]


def perfect_error(confidence: Floats, bins: int = 10) -> Interval:
    """The calibration error that chance alone shows: were every stated confidence true.

    Mean and middle 95 % over simulated answers, each right with its own confidence; seeded. With
    few rows it is far from 0, so an error says little without it.
    """
    draw = np.random.default_rng(SEED)
    errors = [
        calibration_error(confidence, draw.random(confidence.size) < confidence, bins)
        for _ in range(SIMULATIONS)
    ]
    low, high = np.quantile(errors, [0.025, 0.975])
    return Interval(value=float(np.mean(errors)), low=float(low), high=float(high))


def brier(probabilities: Floats, truth: Labels) -> Floats:
    """Each row's squared distance from the truth over all labels, 0 to 2 (Brier 1950)."""
    happened = np.eye(probabilities.shape[1])[truth]
    distance: Floats = ((probabilities - happened) ** 2).sum(axis=1)
    return distance


def precision_recall(score: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and cut-off where everything at or above the cut-off is called positive.

    One entry a distinct score, highest first, so recall rises. Needs a positive.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=-np.inf))
    found = np.cumsum(positive[order])[ends]
    return found / (ends + 1), found / max(1, positive.sum()), score[order][ends]


def average_precision(score: Floats, positive: NDArray[np.bool_]) -> float:
    """Precision at each cut-off, weighted by the recall that it adds."""
    right, found, _ = precision_recall(score, positive)
    return float((right * np.diff(found, prepend=0.0)).sum())


def auroc(score: Floats, positive: NDArray[np.bool_]) -> float | None:
    """Chance that a positive scores above a negative, ties half; none without both."""
    count = int(positive.sum())
    others = positive.size - count
    if not count or not others:
        return None
    _, group, size = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(size) - (size - 1) / 2)[group]
    return float((rank[positive].sum() - count * (count + 1) / 2) / (count * others))
