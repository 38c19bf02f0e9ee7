"""Drift: whether the requests of now are still those of before. Pure, over entries.

An alarm needs two things: a shift that is large (`divergence.ALARM`, `EMBEDDING_ALARM`), and one
that chance would bring once in a thousand times. A thousand times, because the report may be read
every day.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.types import LABELS, Label
from router.divergence import ALARM, psi, psi_by_chance
from router.domain import Entry

Matrix: TypeAlias = NDArray[np.float64]
Aspect: TypeAlias = Literal["labels", "confidence", "lengths", "embedding"]

MOST_TEXTS: Final = 2_000
"""Prompts of each side whose embeddings are compared: they find any shift that alarms."""
EMBEDDING_ALARM: Final = 0.03
"""See `EmbeddingShift.share`. Measured with the built-in encoder on public prompts, 300 a side:
halves of one source reach .004, one source beside another is .11 to 1.6, and where another source
took the place of a tenth of the prompts it is .01, of three tenths .03."""
_P: Final = 0.001
_ROUNDS: Final = 2_000
_SEED: Final = 20_261_123
_CONFIDENCES: Final = tuple(f"{low / 10:.1f}" for low in range(10))
_LENGTHS: Final = tuple(2**power for power in range(5, 16))
"""Lower ends of the bins of a request's tokens, all but the first, which begins at 0."""


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison, counted. Steps of tool loops are left out: they repeat a turn."""

    requests: int
    """Human turns with a verdict."""
    labels: dict[str, int]
    confidence: dict[str, int] = {}
    """By tenth, named by its lower end."""
    lengths: dict[str, int] = {}
    """By tokens of the whole request, named by the bin's lower end."""
    mean_confidence: float | None = None
    versions: dict[str, int] = {}
    """Of the classifier. Where they differ, the classifier moved too, and maybe it alone."""


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """How a mix moved."""

    psi: float
    by_chance: float | None
    """What two samples of one mix exceed once in a thousand times; none where nothing can move."""
    now: dict[str, float]
    before: dict[str, float]
    """Shares."""
    alarm: bool


class EmbeddingShift(msgspec.Struct, frozen=True, kw_only=True):
    """How the mean embedding of the prompts moved."""

    share: float
    """Squared distance of the means, less what chance adds, over the variance of one side: by how
    much of the difference between any two prompts the typical prompt moved."""
    p_value: float
    """Share of random divisions of all prompts whose means lie as far apart."""
    texts_now: int
    texts_before: int
    alarm: bool


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of two sides. An aspect that one of them cannot show is null."""

    alarm: bool
    alarms: tuple[Aspect, ...]
    against: str
    now: Mix
    before: Mix
    labels: Shift | None
    confidence: Shift | None
    lengths: Shift | None
    embedding: EmbeddingShift | None


def count(entries: Iterable[Entry]) -> Mix:
    """One side, from its entries."""
    labels: Counter[str] = Counter()
    tenths: Counter[str] = Counter()
    lengths: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    total = 0.0
    for entry in entries:
        verdict = entry.decision.verdict
        if verdict is None or entry.facts.open_tool_loop:
            continue
        labels[verdict.label] += 1
        tenths[_CONFIDENCES[min(9, max(0, int(verdict.confidence * 10)))]] += 1
        lengths[_bin(entry.facts.input_tokens)] += 1
        versions[verdict.model_version] += 1
        total += verdict.confidence
    requests = labels.total()
    return Mix(
        requests=requests,
        labels=dict(labels),
        confidence=dict(tenths),
        lengths=dict(lengths),
        mean_confidence=total / requests if requests else None,
        versions=dict(versions),
    )


def recorded(labels: Mapping[Label, int]) -> Mix:
    """The side of an artifact: the labels that it learned from, and nothing else."""
    counts = {str(name): n for name, n in labels.items()}
    return Mix(requests=sum(counts.values()), labels=counts)


def compare(now: Mix, before: Mix, against: str, embedding: EmbeddingShift | None = None) -> Drift:
    """What moved between two sides."""
    bins = ("0", *map(str, _LENGTHS))
    shifts = {
        "labels": _shift(now.labels, before.labels, LABELS),
        "confidence": _shift(now.confidence, before.confidence, _CONFIDENCES),
        "lengths": _shift(now.lengths, before.lengths, bins),
    }
    every: dict[Aspect, Shift | EmbeddingShift | None] = {
        "labels": shifts["labels"],
        "confidence": shifts["confidence"],
        "lengths": shifts["lengths"],
        "embedding": embedding,
    }
    alarms = tuple(name for name, shift in every.items() if shift is not None and shift.alarm)
    return Drift(
        alarm=bool(alarms),
        alarms=alarms,
        against=against,
        now=now,
        before=before,
        embedding=embedding,
        **shifts,
    )


def embedding_shift(now: Matrix, before: Matrix) -> EmbeddingShift | None:
    """How the mean of `now`, shape (n, dims), lies from that of `before`, shape (m, dims).

    None where one of them has fewer than two rows, or all rows are the same.
    """
    n, m = len(now), len(before)
    spread = (_variance(now) * n + _variance(before) * m) / max(1, n + m)
    if min(n, m) < 2 or spread <= 0:  # noqa: PLR2004  one row has no variance
        return None
    rows = np.concatenate([now, before])
    total = rows.sum(axis=0)
    draw = np.random.default_rng(_SEED)
    observed = _distance(now.sum(axis=0), total, n, m)
    chance = [
        _distance(rows[draw.permutation(n + m)[:n]].sum(axis=0), total, n, m)
        for _ in range(_ROUNDS)
    ]
    reached = sum(distance >= observed for distance in chance)
    p_value = (1 + reached) / (1 + _ROUNDS)
    share = max(0.0, (observed - spread * (1 / n + 1 / m)) / spread)
    return EmbeddingShift(
        share=round(share, 4),
        p_value=round(p_value, 5),
        texts_now=n,
        texts_before=m,
        alarm=share >= EMBEDDING_ALARM and p_value <= _P,
    )


def _shift(now: Mapping[str, int], before: Mapping[str, int], cells: Sequence[str]) -> Shift | None:
    n, m = sum(now.values()), sum(before.values())
    if not n or not m:
        return None
    # Cells that neither side has ever seen say nothing, and would make chance look wilder.
    seen = [cell for cell in cells if now.get(cell) or before.get(cell)]
    moved = psi(now, before, seen)
    limit = psi_by_chance(len(seen), n, m)
    return Shift(
        psi=round(moved, 4),
        by_chance=round(limit, 4) if limit < float("inf") else None,
        now={cell: round(now.get(cell, 0) / n, 4) for cell in seen},
        before={cell: round(before.get(cell, 0) / m, 4) for cell in seen},
        alarm=moved >= ALARM and moved > limit,
    )


def _bin(tokens: int) -> str:
    return str(max((low for low in _LENGTHS if low <= tokens), default=0))


def _variance(rows: Matrix) -> float:
    """Mean squared distance from the mean."""
    return float(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean()) if len(rows) else 0.0


def _distance(some: Matrix, total: Matrix, n: int, m: int) -> float:
    """Squared distance of the mean of n rows that add up to `some` from that of the other m."""
    apart = some / n - (total - some) / m
    return float(apart @ apart)
