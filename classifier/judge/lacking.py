"""needs_info as a yes/no question of its own, and beside answerable twins."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import Example
from classifier.judge.rows import Judged
from classifier.metrics import (
    Floats,
    Interval,
    auroc,
    average_precision,
    bootstraps,
    mean,
    precision_recall,
)
from classifier.types import LABELS

RECALL: Final = 0.7
"""Where false alarms of different models are compared: each has its own cut-off."""
POINTS: Final = 100
LACKS: Final = LABELS.index("needs_info")


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One cut-off."""

    cutoff: float
    recall: float
    precision: float


class Twins(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of one underspecified and one answerable prompt that are otherwise alike."""

    pairs: int
    higher: Interval
    """Share of the pairs in which the underspecified one scores higher; ties do not count."""
    answerable: int
    false_alarms: Interval
    """Share of the answerable twins that are called needs_info."""
    false_alarms_at_recall: Interval
    """The same at the highest cut-off that finds RECALL of all underspecified rows."""


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """P(needs_info) on the rows that say whether something is missing, labelled or not."""

    rows: int
    lacking: int
    auroc: Interval
    average_precision: Interval
    recall: Interval
    """At the model's own cut-off."""
    precision: float
    """At the same."""
    curve: tuple[Point, ...]
    """From the highest cut-off to the lowest, at most POINTS of them."""
    twins: Twins | None
    unlabelled: Interval | None
    """Share of the rows without any label that are called needs_info: prompts as people send."""


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    score: Floats
    lacks: NDArray[np.bool_]
    said: NDArray[np.bool_]
    twin: NDArray[np.bool_]
    """Whether the row is of a whole pair."""
    alike: NDArray[np.intp]


def lacking(seen: Judged) -> Lacking | None:
    """The question over all rows of `seen` that answer it; none where one side is missing."""
    chosen = np.array([row.needs_info in (0, 1) for row in seen.rows], np.bool_)
    rows = [row for row, known in zip(seen.rows, chosen, strict=True) if known]
    lacks = np.array([row.needs_info == 1 for row in rows], np.bool_)
    if not lacks.any() or lacks.all():
        return None
    pairs = whole_pairs(rows)
    known = _Known(
        score=seen.probabilities[chosen, LACKS],
        lacks=lacks,
        said=seen.said[chosen] == LACKS,
        twin=np.isin(np.arange(len(rows)), [row for pair in pairs for row in pair]),
        alike=seen.alike[chosen],
    )
    called = int(known.said.sum())
    area, average, alarms = bootstraps(lambda rows: _figures(known, rows), known.alike)
    return Lacking(
        rows=len(rows),
        lacking=int(lacks.sum()),
        auroc=area,
        average_precision=average,
        recall=mean(known.said[lacks], known.alike[lacks]),
        precision=int((known.said & lacks).sum()) / called if called else 0.0,
        curve=_curve(known),
        twins=_twins(known, pairs, alarms) if pairs else None,
        unlabelled=_unlabelled(seen),
    )


def whole_pairs(rows: Sequence[Example]) -> list[list[int]]:
    """Row numbers of each pair_id that has an underspecified and an answerable row."""
    named: dict[str | int, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.pair_id is not None:
            named[row.pair_id].append(at)
    return [pair for pair in named.values() if {rows[at].needs_info for at in pair} >= {0, 1}]


def cutoff_at(recall: float, score: Floats, lacks: NDArray[np.bool_]) -> float:
    """The highest cut-off that finds `recall` of the rows that lack something."""
    found = np.sort(score[lacks])[::-1]
    return float(found[max(1, math.ceil(recall * found.size - 1e-9)) - 1]) if found.size else 1.0


def _figures(known: _Known, rows: NDArray[np.intp]) -> Floats:
    """AUROC, average precision, and false alarms on answerable twins at RECALL; nan for none."""
    score, lacks = known.score[rows], known.lacks[rows]
    area = auroc(score, lacks)
    over = score[known.twin[rows] & ~lacks] >= cutoff_at(RECALL, score, lacks)
    return np.array(
        [
            math.nan if area is None else area,
            average_precision(score, lacks),
            over.mean() if over.size else math.nan,
        ]
    )


def _twins(known: _Known, pairs: Sequence[list[int]], at_recall: Interval) -> Twins:
    answerable = known.twin & ~known.lacks
    higher = np.array([_higher(known, np.array(pair)) for pair in pairs])
    return Twins(
        pairs=len(pairs),
        higher=mean(higher, np.arange(len(pairs))),
        answerable=int(answerable.sum()),
        false_alarms=mean(known.said[answerable], known.alike[answerable]),
        false_alarms_at_recall=at_recall,
    )


def _higher(known: _Known, pair: NDArray[np.intp]) -> float:
    """Over all ways to take one of each side: some pairs have several underspecified rows."""
    lacks = known.lacks[pair]
    left, right = known.score[pair[lacks]], known.score[pair[~lacks]]
    return float((left[:, None] > right[None, :]).mean())


def _curve(known: _Known) -> tuple[Point, ...]:
    precision, recall, cutoff = precision_recall(known.score, known.lacks)
    kept = np.unique(np.linspace(0, cutoff.size - 1, POINTS).astype(np.intp))
    return tuple(
        Point(cutoff=float(cutoff[at]), recall=float(recall[at]), precision=float(precision[at]))
        for at in kept
    )


def _unlabelled(seen: Judged) -> Interval | None:
    blank = np.array([row.blank for row in seen.rows], np.bool_)
    return mean(seen.said[blank] == LACKS, seen.alike[blank]) if blank.any() else None
