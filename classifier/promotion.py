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

from classifier.corpus import Example, groups, prompts
from classifier.evaluate import TRUSTED, positions
from classifier.folds import parts
from classifier.metrics import ROUNDS, SEED, Floats, Interval, Labels
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
    rows = holdout(examples)
    asked = [prompt for prompt in prompts(rows) if prompt is not None]
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
    kept = [
        row
        for row, part, prompt in zip(examples, parts(examples), prompts(examples), strict=True)
        if part == "promote" and row.label and row.trust >= TRUSTED and prompt is not None
    ]
    if not kept:
        msg = (
            f"none of {len(examples)} rows belongs to the promotion holdout with a trusted label "
            f"(about one in ten does; conf of {TRUSTED} or more): give more rows with --data"
        )
        raise PromotionError(msg)
    return kept


def figures(trial: Trial, margin: float) -> Iterator[Figure]:
    """Macro-F1, the F1 of each label that occurs, and hard-miss where there are hard rows."""
    tables = _tables(trial)
    whole = _measure(tables.sum(axis=0))
    drawn = _draw(tables)
    low, high = np.quantile(drawn[:, 1] - drawn[:, 0], [0.025, 0.975], axis=0)
    truths = tables[:, 0].sum(axis=-1)
    rows = _rest(truths.sum(axis=0), len(trial.truth))
    independent = _rest((truths > 0).sum(axis=0), len(tables))
    for place, name in enumerate(_NAMES):
        if not rows[place]:
            continue
        before, after = whole[:, place].tolist()
        difference = Interval(value=after - before, low=float(low[place]), high=float(high[place]))
        yield Figure(
            name=name,
            rows=rows[place],
            groups=independent[place],
            champion=before,
            challenger=after,
            difference=difference,
            outcome=_judge(name, independent[place], difference, margin),
        )


def _judge(name: str, independent: int, difference: Interval, margin: float) -> Outcome:
    gain = -1.0 if name == _HARD_MISS else 1.0
    worst = min(gain * difference.low, gain * difference.high)
    if independent < LEAST_GROUPS:
        return "cannot tell"
    if gain * difference.value < -margin:
        return "worse"
    enough = worst > 0 or independent * margin >= RULE_OF_THREE
    return "holds" if worst >= -margin and enough else "cannot tell"


def _rest(each: Floats, every: int) -> list[int]:
    """What each of _NAMES rests on, from the counts of each label and of all."""
    counts = [int(count) for count in each]
    return [every, *counts, counts[LABELS.index("hard")]]


def _tables(trial: Trial) -> Floats:
    """Confusion of each group and model, shape (groups, 2, labels, labels); rows are the truth."""
    size = len(LABELS)
    group = np.unique(trial.groups, return_inverse=True)[1]
    shape = (int(group.max()) + 1, 2, size, size)
    counts = np.zeros(np.prod(shape))
    for model, said in enumerate((trial.champion, trial.challenger)):
        cells = np.ravel_multi_index((group, np.full_like(group, model), trial.truth, said), shape)
        counts += np.bincount(cells, minlength=counts.size)
    return counts.reshape(shape)


def _draw(tables: Floats) -> Floats:
    """The figures of both models over resampled groups, shape (ROUNDS, 2, figures)."""
    flat = tables.reshape(len(tables), -1)
    draw = np.random.default_rng(SEED)
    sums = [
        np.bincount(draw.integers(0, len(flat), len(flat)), minlength=len(flat)) @ flat
        for _ in range(ROUNDS)
    ]
    return _measure(np.array(sums).reshape(ROUNDS, *tables.shape[1:]))


def _measure(tables: Floats) -> Floats:
    """From confusions, shape (..., labels, labels), to figures, shape (..., figures)."""
    both = tables.sum(axis=-1) + tables.sum(axis=-2)
    f1 = 2 * np.diagonal(tables, axis1=-2, axis2=-1) / np.maximum(both, 1)
    present = tables.sum(axis=-1) > 0
    macro = (f1 * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)
    hard = tables[..., LABELS.index("hard"), :]
    missed = hard[..., LABELS.index("easy")] / np.maximum(hard.sum(axis=-1), 1)
    return np.concatenate([macro[..., None], f1, missed[..., None]], axis=-1)


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
