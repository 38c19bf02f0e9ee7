"""Whether a new version may take the place of the one in service: a paired comparison. Pure.

Both models answer the same rows, those that `folds.parts` keeps for this decision, so no model has
learned from them or was tuned on them. What is compared is the difference of each figure, and its
interval comes from a bootstrap over groups in which both models are drawn together: a row that both
get wrong is no evidence for either.

The rule. A figure that is worse by more than the margin refuses the promotion, whether or not
chance could explain it: a refusal costs a look at the table, a bad champion costs money on every
request. A figure on fewer than LEAST_GROUPS groups refuses nothing, for there one row outweighs any
margin; it is told as "cannot tell". But where macro-F1 or hard-miss rests on so few, the comparison
as a whole says too little, and that refuses as well.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import TRUSTED, Example, groups, readable
from classifier.folds import of_part
from classifier.metrics import (
    HARD,
    Floats,
    Interval,
    Labels,
    Rows,
    bootstraps,
    f1,
    hard_miss_share,
    macro_f1,
    positions,
)
from classifier.model import Classifier
from classifier.types import LABELS, UNCALIBRATED, Verdict, Version

MARGIN: Final = 0.03
"""Loss that is put up with. Two fits of the same data differ by one to two points in the F1 of a
label on a thousand rows; three points are more than that, and about what a user would notice."""
LEAST_GROUPS: Final = 20
"""Below, one row moves a share by more than five points, beyond any margin worth stating."""
RULE_OF_THREE: Final = 3
"""What was not seen once in n rows may still happen 3/n of the time, at 95 %. So a bootstrap in
which the models never differ shows a loss to be within the margin only from n = 3 / margin on."""

Outcome: TypeAlias = Literal["holds", "worse", "cannot tell"]
"""`worse`: the difference is beyond the margin. `holds`: the whole interval is within it, on enough
groups to say so, or a gain. `cannot tell`: neither; the difference is within the margin, or means
nothing."""

_HARD_MISS: Final = "hard-miss"
_MACRO_F1: Final = "macro-F1"
_NAMES: Final = (_MACRO_F1, *(f"F1 of {label}" for label in LABELS), _HARD_MISS)
_BY_SUCCESS: Final = "hard-miss by success"
"""The same where the policy goes by `success`: hard prompts whose easy tier reaches its cut-off."""
_REQUIRED: Final = (_MACRO_F1, _HARD_MISS)


class PromotionError(Exception):
    """There is nothing to compare by; the message says what is missing."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that decide, and what both models say of them; all arrays have shape (n,)."""

    truth: Labels
    champion: Labels
    challenger: Labels
    groups: NDArray[np.intp]
    """A number for each row; near duplicates share it and are drawn together."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of both models, 0 to 1."""

    name: str
    rows: int
    """Rows it rests on: those of its label, the hard ones for hard-miss, all for macro-F1."""
    groups: int
    """The same with near duplicates counted once."""
    champion: float
    challenger: float
    difference: Interval
    """Challenger less champion."""
    outcome: Outcome


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How the challenger does against the champion."""

    champion: Version
    challenger: Version
    rows: int
    groups: int
    margin: float
    figures: tuple[Figure, ...]

    @property
    def refusal(self) -> str | None:
        """Why the challenger is not to be promoted, in one sentence; none when it may be."""
        worse = [figure for figure in self.figures if figure.outcome == "worse"]
        if worse:
            more = f"; {len(worse) - 1} more worse by more than it" if len(worse) > 1 else ""
            return f"{_loss(max(worse, key=_weight), self.margin)}{more}"
        told = {figure.name: figure.groups for figure in self.figures}
        for name in _REQUIRED:
            if told.get(name, 0) < LEAST_GROUPS:
                return (
                    f"cannot tell: {name} rests on {told.get(name, 0)} rows of the holdout that "
                    f"are no near duplicates, and {LEAST_GROUPS} are the least; give more rows"
                )
        return None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Names of the figures that cannot be told."""
        return tuple(one.name for one in self.figures if one.outcome == "cannot tell")


def compare(
    examples: Sequence[Example], champion: Classifier, challenger: Classifier, margin: float
) -> Comparison:
    """Both models on the holdout of `examples`. Raises PromotionError where it is empty."""
    rows, asked = readable(holdout(examples))
    models = (champion, challenger)
    said = [model.assess_many(asked) for model in models]
    labels = [positions([v.label for v in verdicts]) for verdicts in said]
    trial = Trial(
        truth=positions([row.label for row in rows]),
        champion=labels[0],
        challenger=labels[1],
        groups=groups(rows),
    )
    found = list(figures(trial, margin))
    if champion.cutoffs or challenger.cutoffs:
        sent = [_sent(model, verdicts) for model, verdicts in zip(models, said, strict=True)]
        trial = msgspec.structs.replace(trial, champion=sent[0], challenger=sent[1])
        found += [
            msgspec.structs.replace(one, name=_BY_SUCCESS)
            for one in figures(trial, margin)
            if one.name == _HARD_MISS
        ]
    return Comparison(
        champion=champion.version,
        challenger=challenger.version,
        rows=len(rows),
        groups=len(np.unique(trial.groups)),
        margin=margin,
        figures=tuple(found),
    )


def _sent(model: Classifier, verdicts: Sequence[Verdict]) -> Labels:
    """Easy for what the cut-offs of `model` send there, hard for all else."""
    bar = model.cutoffs.get("auto", UNCALIBRATED).easy
    easy = [v.label != "needs_info" and v.success.easy >= bar for v in verdicts]
    return positions(["easy" if one else "hard" for one in easy])


def holdout(examples: Sequence[Example]) -> list[Example]:
    """The rows that decide on promotions, with a trusted label. Raises PromotionError if none."""
    rows, _ = readable(of_part(examples, "promote"))
    kept = [row for row in rows if row.trusted]
    if not kept:
        msg = (
            f"none of {len(examples)} rows belongs to the promotion holdout with a trusted label "
            f"(about one in ten does; conf of {TRUSTED} or more): give more rows with --data"
        )
        raise PromotionError(msg)
    return kept


def figures(trial: Trial, margin: float) -> Iterator[Figure]:
    """Macro-F1, the F1 of each label that occurs, and hard-miss where there are hard rows."""

    def both(rows: Rows) -> Floats:
        truth, models = trial.truth[rows], (trial.champion, trial.challenger)
        return np.array([_measure(truth, said[rows]) for said in models])

    every = np.arange(trial.truth.size)
    whole = both(every)
    differences = bootstraps(lambda rows: np.diff(both(rows), axis=0)[0], trial.groups)
    labels = [trial.truth == label for label in range(len(LABELS))]
    for place, here in enumerate((every >= 0, *labels, labels[HARD])):
        if not here.any():
            continue
        independent = np.unique(trial.groups[here]).size
        before, after = whole[:, place].tolist()
        yield Figure(
            name=_NAMES[place],
            rows=int(here.sum()),
            groups=independent,
            champion=before,
            challenger=after,
            difference=differences[place],
            outcome=_judge(_NAMES[place], independent, differences[place], margin),
        )


def _measure(truth: Labels, said: Labels) -> Floats:
    """The figures of one model, in the order of _NAMES; nan for hard-miss without hard rows."""
    missed = hard_miss_share(truth, said)
    return np.array([macro_f1(truth, said), *f1(truth, said), missed], np.float64)


def _judge(name: str, independent: int, difference: Interval, margin: float) -> Outcome:
    gain = -1.0 if name == _HARD_MISS else 1.0
    worst = min(gain * difference.low, gain * difference.high)
    if independent < LEAST_GROUPS:
        return "cannot tell"
    if gain * difference.value < -margin:
        return "worse"
    enough = worst > 0 or independent * margin >= RULE_OF_THREE
    return "holds" if worst >= -margin and enough else "cannot tell"


def _weight(figure: Figure) -> tuple[bool, float]:
    """Which loss is told first: hard prompts on a weak model cost most, then the largest."""
    return figure.name in {_HARD_MISS, _BY_SUCCESS}, abs(figure.difference.value)


def _loss(figure: Figure, margin: float) -> str:
    """One loss in a sentence."""
    change = figure.difference
    chance = change.low <= 0 <= change.high
    doubt = "; on so few rows chance could explain it" if chance else ""
    return (
        f"{figure.name} goes from {figure.champion:.3f} to {figure.challenger:.3f}, a change of "
        f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}] on {figure.rows:,} rows, "
        f"beyond the margin of {margin:g}{doubt}"
    )
