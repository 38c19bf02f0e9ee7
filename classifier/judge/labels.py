"""How good the labels are: by label, by what errors cost, against rules that read nothing."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import Example
from classifier.facts import Facts
from classifier.judge.rows import Judged
from classifier.metrics import (
    EASY,
    HARD,
    Floats,
    Interval,
    Labels,
    bootstrap,
    bootstraps,
    confusion,
    f1,
    hard_miss_share,
    macro_f1,
    mean,
    positions,
    precision,
    recall,
)
from classifier.types import LABELS, Label

COSTS: Final = (
    (0.0, 1.0, 2.0, 1.0),
    (2.0, 0.0, 1.0, 1.0),
    (4.0, 2.0, 0.0, 2.0),
    (2.0, 2.0, 2.0, 0.0),
)
"""What an error costs: truth down, said across, in the order of LABELS.

The unit is one tier too high, which wastes money. One tier too low is twice as dear, for it wastes
an answer; so hard→easy costs twice easy→hard. Something missed is an answer that guesses, 2; a
needless question costs a turn, 1, and 2 where it also sends a hard prompt to the middle tier.
"""


class LabelScore(msgspec.Struct, frozen=True, kw_only=True):
    """One label."""

    name: Label
    rows: int
    said: int
    precision: float
    recall: float
    f1: Interval


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """True label → said label."""

    rows: dict[str, dict[str, int]]
    cost: dict[str, dict[str, float]]
    """COSTS, with names."""
    mean_cost: Interval
    """Per row."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that reads nothing but length or source, on the same rows."""

    macro_f1: float
    margin: Interval
    """The classifier's macro-F1 less the rule's, in the same resamples (paired bootstrap)."""
    mean_cost: float
    saving: Interval
    """The rule's mean cost less the classifier's, paired likewise."""
    hard_miss: float | None


def label_scores(seen: Judged) -> tuple[LabelScore, ...]:
    """Every label, in the order of LABELS."""
    truth, said = seen.truth, seen.said
    right, found = precision(truth, said), recall(truth, said)
    scores = bootstraps(lambda rows: f1(truth[rows], said[rows]), seen.alike)
    return tuple(
        LabelScore(
            name=name,
            rows=int((truth == at).sum()),
            said=int((said == at).sum()),
            precision=float(right[at]),
            recall=float(found[at]),
            f1=scores[at],
        )
        for at, name in enumerate(LABELS)
    )


def confused(seen: Judged) -> Confusion:
    """Who was taken for whom, and what it costs."""
    counts = confusion(seen.truth, seen.said).tolist()
    return Confusion(
        rows={
            name: dict(zip(LABELS, row, strict=True))
            for name, row in zip(LABELS, counts, strict=True)
        },
        cost={
            name: dict(zip(LABELS, row, strict=True))
            for name, row in zip(LABELS, COSTS, strict=True)
        },
        mean_cost=mean(costs(seen.truth, seen.said), seen.alike),
    )


def costs(truth: Labels, said: Labels) -> Floats:
    """What each row costs by COSTS."""
    found: Floats = np.array(COSTS)[truth, said]
    return found


def hard_miss(truth: Labels, said: Labels, alike: NDArray[np.intp]) -> Interval | None:
    """The share of the truly hard rows that are called easy; none without hard rows."""
    hard = truth == HARD
    return mean(said[hard] == EASY, alike[hard]) if hard.any() else None


def baselines(seen: Judged, facts: Facts) -> dict[str, Baseline]:
    """Each rule by its name; what the rules know comes from the training rows."""
    return {name: _baseline(seen, said) for name, said in rules(seen.rows, facts).items()}


def rules(rows: Sequence[Example], facts: Facts) -> dict[str, Labels]:
    """What rules that read nothing say of `rows`."""
    own = {source.name: source.majority for source in facts.sources}
    said: dict[str, list[Label]] = {
        "global majority": [facts.majority for _ in rows],
        "length alone": [facts.length_rule.label(len(row.prompt)) for row in rows],
        "source majority": [own.get(row.source) or facts.majority for row in rows],
    }
    return {name: positions(labels) for name, labels in said.items()}


def _baseline(seen: Judged, said: Labels) -> Baseline:
    truth, ours = seen.truth, seen.said
    theirs = costs(truth, said)
    return Baseline(
        macro_f1=macro_f1(truth, said),
        margin=bootstrap(
            lambda rows: macro_f1(truth[rows], ours[rows]) - macro_f1(truth[rows], said[rows]),
            seen.alike,
        ),
        mean_cost=float(theirs.mean()),
        saving=mean(theirs - costs(truth, ours), seen.alike),
        hard_miss=hard_miss_share(truth, said),
    )
