"""Judging a classifier on labelled rows that it did not learn from."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import Example, groups, prompts
from classifier.facts import Facts
from classifier.metrics import (
    Floats,
    Interval,
    Labels,
    auroc,
    bootstrap,
    calibration_error,
    confusion,
    f1,
    macro_f1,
)
from classifier.model import Classifier
from classifier.types import LABELS, TIERS, Label, Tier, Verdict

TRUSTED: Final = 0.5
"""Labels below this are too weak to judge by."""
POOLED_ROWS: Final = 60
"""A source with two labels and at least so many rows shows more than its own style."""


class EvaluationError(Exception):
    """There is nothing to judge by; the message says what is missing."""


class SourceScore(msgspec.Struct, frozen=True, kw_only=True):
    """One source."""

    name: str
    rows: int
    labels: int
    """How many different ones occur."""
    accuracy: float
    macro_f1: float
    majority: float
    """Accuracy of always saying the label that is commonest over all sources in training."""
    source_majority: float
    """Accuracy of always saying the label that is commonest in this source in training."""


class TierScore(msgspec.Struct, frozen=True, kw_only=True):
    """How well `success` of one tier is known."""

    tier: Tier
    rows: int
    predicted: float
    measured: float
    """Mean share of right answers of the tier's models."""
    brier: float


class Pooled(msgspec.Struct, frozen=True, kw_only=True):
    """Sources with two labels and enough rows, taken together."""

    sources: int
    rows: int
    accuracy: Interval
    majority: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole judgement. Shares and scores are 0 to 1."""

    version: str
    rows: int
    judged: int
    """Rows with a label that is trusted."""
    macro_f1: Interval
    accuracy: float
    f1: dict[str, float]
    confusion: dict[str, dict[str, int]]
    """True label → said label → rows."""
    hard_miss: float | None
    """Share of the truly hard rows that are called easy."""
    ece: float
    needs_info_auroc: float | None
    pooled: Pooled | None
    baselines: dict[str, float]
    """Macro-F1 of rules that read nothing."""
    sources: tuple[SourceScore, ...]
    success: tuple[TierScore, ...]
    unlabelled: dict[str, float]
    """Label shares over rows without any label; empty where there are none."""


def evaluate(classifier: Classifier, examples: Sequence[Example], facts: Facts) -> Report:
    """Judge `classifier` on `examples`; baselines come from `facts`. Raises EvaluationError."""
    read = [(e, p) for e, p in zip(examples, prompts(examples), strict=True) if p is not None]
    verdicts = classifier.assess_many([prompt for _, prompt in read])
    pairs = [(e, v) for (e, _), v in zip(read, verdicts, strict=True)]
    judged = [(e, v) for e, v in pairs if e.label and e.trust >= TRUSTED]
    if not judged:
        msg = (
            f"none of {len(examples)} rows has a label that is trusted (conf of {TRUSTED} or more)"
        )
        raise EvaluationError(msg)
    rows = [e for e, _ in judged]
    truth = positions([e.label for e in rows])
    said = positions([v.label for _, v in judged])
    alike = groups(rows)
    table = confusion(truth, said)
    hard, easy = LABELS.index("hard"), LABELS.index("easy")
    return Report(
        version=classifier.version,
        rows=len(examples),
        judged=len(judged),
        macro_f1=bootstrap(lambda rows: macro_f1(truth[rows], said[rows]), alike),
        accuracy=float((truth == said).mean()),
        f1=dict(zip(LABELS, f1(truth, said).tolist(), strict=True)),
        confusion={
            name: dict(zip(LABELS, counts, strict=True))
            for name, counts in zip(LABELS, table.tolist(), strict=True)
        },
        hard_miss=float(table[hard, easy] / table[hard].sum()) if table[hard].sum() else None,
        ece=calibration_error(np.array([v.confidence for _, v in judged]), truth == said),
        needs_info_auroc=_auroc(pairs),
        pooled=_pool(rows, (truth, said), alike, facts),
        baselines=_baselines(rows, truth, facts),
        sources=_sources(rows, truth, said, facts),
        success=tuple(score for tier in range(len(TIERS)) for score in _tier(pairs, tier)),
        unlabelled=_shares([v for e, v in pairs if e.blank]),
    )


def positions(labels: Sequence[Label | None]) -> Labels:
    """Positions in LABELS; -1 for none."""
    return np.array([-1 if label is None else LABELS.index(label) for label in labels], np.intp)


def _baselines(rows: Sequence[Example], truth: Labels, facts: Facts) -> dict[str, float]:
    own = {source.name: source.majority for source in facts.sources}
    rules: dict[str, list[Label]] = {
        "global majority": [facts.majority for _ in rows],
        "length alone": [facts.length_rule.label(len(row.prompt)) for row in rows],
        "source majority": [own.get(row.source) or facts.majority for row in rows],
    }
    return {name: macro_f1(truth, positions(said)) for name, said in rules.items()}


def _sources(
    rows: Sequence[Example], truth: Labels, said: Labels, facts: Facts
) -> tuple[SourceScore, ...]:
    own = {source.name: source.majority for source in facts.sources}
    names = np.array([row.source for row in rows])
    scores = []
    for name in np.unique(names).tolist():
        here, guess = truth[names == name], said[names == name]
        source_majority = LABELS.index(own.get(name) or facts.majority)
        scores.append(
            SourceScore(
                name=name,
                rows=len(here),
                labels=len(np.unique(here)),
                accuracy=float((here == guess).mean()),
                macro_f1=macro_f1(here, guess),
                majority=float((here == LABELS.index(facts.majority)).mean()),
                source_majority=float((here == source_majority).mean()),
            )
        )
    return tuple(sorted(scores, key=lambda score: -score.rows))


def _pool(
    rows: Sequence[Example], pair: tuple[Labels, Labels], alike: NDArray[np.intp], facts: Facts
) -> Pooled | None:
    truth, said = pair
    names = np.array([row.source for row in rows])
    kept = [
        name
        for name in np.unique(names)
        if (names == name).sum() >= POOLED_ROWS and len(np.unique(truth[names == name])) > 1
    ]
    chosen = np.flatnonzero(np.isin(names, kept))
    if not chosen.size:
        return None
    right = (truth == said)[chosen]
    return Pooled(
        sources=len(kept),
        rows=int(chosen.size),
        accuracy=bootstrap(lambda rows: float(right[rows].mean()), alike[chosen]),
        majority=float((truth[chosen] == LABELS.index(facts.majority)).mean()),
    )


def _tier(pairs: Sequence[tuple[Example, Verdict]], tier: int) -> list[TierScore]:
    """The tier's score, or nothing where no row has its share."""
    found = [
        (share, getattr(verdict.success, TIERS[tier]))
        for example, verdict in pairs
        if (share := (example.share_small, example.share_mid, example.share_top)[tier]) is not None
    ]
    if not found:
        return []
    measured, predicted = np.array(found).T
    return [
        TierScore(
            tier=TIERS[tier],
            rows=len(found),
            predicted=float(predicted.mean()),
            measured=float(measured.mean()),
            brier=float(((predicted - measured) ** 2).mean()),
        )
    ]


def _auroc(pairs: Sequence[tuple[Example, Verdict]]) -> float | None:
    known = [
        (v.probabilities.needs_info, e.needs_info == 1) for e, v in pairs if e.needs_info in (0, 1)
    ]
    scores: Floats = np.array([score for score, _ in known])
    return auroc(scores, np.array([lacks for _, lacks in known], np.bool_))


def _shares(verdicts: Sequence[Verdict]) -> dict[str, float]:
    if not verdicts:
        return {}
    said = [verdict.label for verdict in verdicts]
    return {label: said.count(label) / len(said) for label in LABELS}
