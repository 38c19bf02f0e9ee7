"""The same judgement of parts: each source, each language, each category."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import Example
from classifier.facts import Facts
from classifier.judge.labels import rules
from classifier.judge.rows import Judged
from classifier.metrics import Interval, calibration_error, macro_f1, mean, perfect_error
from classifier.types import LABELS

POOLED_ROWS: Final = 60
"""A source with two labels and at least so many rows shows more than its own style."""


class SliceScore(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that share a source, a language or a category."""

    name: str
    rows: int
    labels: int
    """How many different ones occur."""
    accuracy: Interval
    macro_f1: float
    majority: float
    """Accuracy of always saying the label that is commonest over all sources in training."""
    source_majority: float
    """Accuracy of always saying the label that is commonest in the row's source in training."""
    ece: float
    excess_ece: float
    """`ece` less what a perfectly calibrated model shows on so many rows."""


class Pooled(msgspec.Struct, frozen=True, kw_only=True):
    """Sources with two labels and enough rows, taken together."""

    sources: int
    rows: int
    accuracy: Interval
    majority: float


class Slices(msgspec.Struct, frozen=True, kw_only=True):
    """Largest first; a row without a language or a category is in none."""

    sources: tuple[SliceScore, ...]
    languages: tuple[SliceScore, ...]
    categories: tuple[SliceScore, ...]
    pooled: Pooled | None


def slices(seen: Judged, facts: Facts) -> Slices:
    """`seen`, part by part."""
    return Slices(
        sources=_by(seen, facts, lambda row: row.source),
        languages=_by(seen, facts, lambda row: row.lang),
        categories=_by(seen, facts, lambda row: row.category),
        pooled=_pool(seen, facts),
    )


def _by(seen: Judged, facts: Facts, key: Callable[[Example], str | None]) -> tuple[SliceScore, ...]:
    names = np.array([key(row) or "" for row in seen.rows])
    scores = [_score(name, names == name, seen, facts) for name in np.unique(names) if name]
    return tuple(sorted(scores, key=lambda score: -score.rows))


def _score(name: str, here: NDArray[np.bool_], seen: Judged, facts: Facts) -> SliceScore:
    truth, said = seen.truth[here], seen.said[here]
    rows = [row for row, chosen in zip(seen.rows, here, strict=True) if chosen]
    said_by = rules(rows, facts)
    right, confidence = truth == said, seen.confidence[here]
    error = calibration_error(confidence, right)
    return SliceScore(
        name=str(name),
        rows=len(rows),
        labels=len(np.unique(truth)),
        accuracy=mean(right, seen.alike[here]),
        macro_f1=macro_f1(truth, said),
        majority=float((truth == said_by["global majority"]).mean()),
        source_majority=float((truth == said_by["source majority"]).mean()),
        ece=error,
        excess_ece=error - perfect_error(confidence).value,
    )


def _pool(seen: Judged, facts: Facts) -> Pooled | None:
    truth = seen.truth
    names = np.array([row.source for row in seen.rows])
    kept = [
        name
        for name in np.unique(names)
        if (names == name).sum() >= POOLED_ROWS and len(np.unique(truth[names == name])) > 1
    ]
    chosen = np.isin(names, kept)
    if not chosen.any():
        return None
    return Pooled(
        sources=len(kept),
        rows=int(chosen.sum()),
        accuracy=mean((truth == seen.said)[chosen], seen.alike[chosen]),
        majority=float((truth[chosen] == LABELS.index(facts.majority)).mean()),
    )
