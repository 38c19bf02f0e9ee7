"""Judging a classifier on labelled rows that it did not learn from."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from classifier.corpus import TRUSTED, Example, readable
from classifier.facts import Facts
from classifier.judge import frontier, labels
from classifier.judge.frontier import Frontier
from classifier.judge.labels import Baseline, Confusion, LabelScore
from classifier.judge.lacking import Lacking, lacking
from classifier.judge.reliability import Reliability, reliability
from classifier.judge.robustness import Robustness, robustness
from classifier.judge.rows import Judged, judged
from classifier.judge.slices import Slices, slices
from classifier.judge.speed import Speed
from classifier.metrics import Interval, bootstrap, macro_f1
from classifier.model import Classifier
from classifier.routellm import ExamScore
from classifier.types import LABELS, Costs

STEPS: Final = 4
"""How often `evaluate` tells its progress."""

Progress = Callable[[str], None]
"""Told the name of each step as it begins."""


class EvaluationError(Exception):
    """There is nothing to judge by; the message says what is missing."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Figures that do not come from the rows."""

    speed: Speed | None = None
    routellm: tuple[ExamScore, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole judgement. Shares and scores are 0 to 1, intervals 95 %."""

    version: str
    rows: int
    judged: int
    """Rows with a label that is trusted."""
    macro_f1: Interval
    accuracy: float
    hard_miss: Interval | None
    """Share of the truly hard rows that are called easy."""
    labels: tuple[LabelScore, ...]
    confusion: Confusion
    baselines: dict[str, Baseline]
    """Rules that read nothing but length or source."""
    slices: Slices
    calibration: Reliability
    needs_info: Lacking | None
    frontier: Frontier | None
    robustness: Robustness | None
    unlabelled: dict[str, float]
    """Label shares over rows without any label; empty where there are none."""
    measured: Measured = Measured()
    """What is measured apart, where it was asked for."""


def evaluate(
    classifier: Classifier,
    examples: Sequence[Example],
    facts: Facts,
    *,
    costs: Costs = frontier.COSTS,
    progress: Progress = lambda step: None,
) -> Report:
    """Judge `classifier` on `examples`; baselines come from `facts`. Raises EvaluationError.

    `costs` are those of one request to each tier, in any unit.
    """
    progress("asking the classifier")
    read, texts = readable(examples)
    every = judged(read, classifier.assess_many(texts))
    seen = _trusted(every, len(examples))
    truth, said = seen.truth, seen.said
    progress("weighing cost against quality")
    spending = frontier.frontier(every, facts, costs)
    progress("disturbing prompts")
    shaken = robustness(classifier, texts, every)
    progress("judging labels")
    return Report(
        version=classifier.version,
        rows=len(examples),
        judged=len(seen.rows),
        macro_f1=bootstrap(lambda rows: macro_f1(truth[rows], said[rows]), seen.alike),
        accuracy=float((truth == said).mean()),
        hard_miss=labels.hard_miss(truth, said, seen.alike),
        labels=labels.label_scores(seen),
        confusion=labels.confused(seen),
        baselines=labels.baselines(seen, facts),
        slices=slices(seen, facts),
        calibration=reliability(seen, every),
        needs_info=lacking(every),
        frontier=spending,
        robustness=shaken,
        unlabelled=_unlabelled(every),
    )


def _trusted(every: Judged, given: int) -> Judged:
    kept = [at for at, row in enumerate(every.rows) if row.trusted]
    if not kept:
        msg = f"none of {given} rows has a label that is trusted (conf of {TRUSTED} or more)"
        raise EvaluationError(msg)
    return judged([every.rows[at] for at in kept], [every.verdicts[at] for at in kept])


def _unlabelled(every: Judged) -> dict[str, float]:
    said = [v.label for e, v in zip(every.rows, every.verdicts, strict=True) if e.blank]
    return {label: said.count(label) / len(said) for label in LABELS} if said else {}
