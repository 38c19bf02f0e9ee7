"""From logits to figures, the same way for every variant. Pure.

As in the shipped path: each question is calibrated on rows that no head saw, the cut-off of
needs_info is chosen on the same rows, and near duplicates are drawn together for intervals.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from benchmarks.variants.ground import Ground, Mask
from benchmarks.variants.lesson import truth
from classifier.calibrate import calibrate, choose_cutoff
from classifier.corpus import Example, groups
from classifier.metrics import (
    Interval,
    Labels,
    auroc,
    bootstrap,
    bootstraps,
    hard_miss_share,
    macro_f1,
    mean,
    positions,
)
from classifier.model import sigmoid
from classifier.targets import Floats
from classifier.types import LABELS

LACKS = LABELS.index("needs_info")
NEVER = 2.0
"""Surer than sure: what stands for rows that a second stage is never asked about."""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant says in one run: a logit for each row and question."""

    rows: Floats
    """Shape (rows, questions); NaN where it was not asked: rows that the run learned from."""
    val: Floats
    """Shape (val, questions); empty but in run 0."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of some rows, and P(needs_info); one entry a row."""

    rows: tuple[Example, ...]
    label: Labels
    lacking: Floats
    solved: Floats
    """Probability that a small model solves it."""


class Apart(msgspec.Struct, frozen=True, kw_only=True):
    """Macro-F1 on rows of sources that their run left out."""

    rows: int
    macro_f1: Interval
    beyond: Interval | None = None
    """Less the base variant's, on the same resamples."""


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """Figures on val, which chose nothing."""

    rows: int
    macro_f1: Interval
    hard: int
    hard_miss: Interval | None
    asked: int
    """Rows that say whether something is missing."""
    auroc: Interval | None
    solved_error: Interval | None
    """Mean squared distance of P(a small model solves it) from the measured share."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows a second stage is asked about, or could be."""

    rows: Mask
    val: Mask
    """Empty but in run 0."""


def settle(raw: Answers, ground: Ground, run: int, asked: Mask | None = None) -> Answers:
    """`raw`, calibrated on the rows that calibrate run number `run`, of them the `asked` ones."""
    held = np.flatnonzero(ground.held(run) if asked is None else ground.held(run) & asked)
    tasks = truth([ground.rows[at] for at in held])
    nothing = np.zeros(held.size)
    lines = [calibrate(raw.rows[held, at], nothing, task) for at, task in enumerate(tasks)]
    slope, offset = (np.array(values) for values in zip(*lines, strict=True))
    return Answers(rows=raw.rows * slope + offset, val=raw.val * slope + offset)


def chances(logits: Floats) -> Floats:
    """The probabilities of the four labels, shape (rows, 4), from calibrated logits."""
    lacking, above_easy, above_medium = sigmoid(logits[:, :3]).T
    hard = above_easy * above_medium
    tiers = np.stack([1 - above_easy, above_easy - hard, hard], axis=1)
    return np.concatenate([tiers * (1 - lacking)[:, None], lacking[:, None]], axis=1)


def label(logits: Floats, cutoff: float) -> Labels:
    """The label of each row, as positions in LABELS."""
    found = chances(logits)
    return np.where(found[:, LACKS] >= cutoff, LACKS, np.argmax(found[:, :LACKS], axis=1))


def cutoff(answers: Answers, ground: Ground, run: int) -> float:
    """Where needs_info begins: chosen on the labelled rows that calibrate the run."""
    held = np.flatnonzero(ground.held(run) & _trusted(ground.rows))
    found = chances(answers.rows[held])
    tier = np.argmax(found[:, :LACKS], axis=1)
    return choose_cutoff(found[:, LACKS], tier, positions([ground.rows[at].label for at in held]))


def said(rows: Sequence[Example], logits: Floats, cut: float) -> Said:
    """The labels of `rows`, whose calibrated logits are given."""
    return Said(
        rows=tuple(rows),
        label=label(logits, cut),
        lacking=sigmoid(logits[:, 0]),
        solved=sigmoid(logits[:, 3]),
    )


def blend(first: Answers, second: Answers, asked: Asked) -> Answers:
    """`first`, and the mean with `second` where that is asked."""

    def mixed(one: Floats, other: Floats, where: Mask) -> Floats:
        return np.where(where[:, None], (one + other) / 2, one)

    return Answers(
        rows=mixed(first.rows, second.rows, asked.rows),
        val=mixed(first.val, second.val, asked.val),
    )


def doubtful(first: Answers, short: Asked, limit: float) -> Asked:
    """Of the rows that are `short` enough, those whose likeliest label is below `limit`."""

    def unsure(logits: Floats, able: Mask) -> Mask:
        found: Mask = able & (chances(logits).max(axis=1) < limit)
        return found

    return Asked(rows=unsure(first.rows, short.rows), val=unsure(first.val, short.val))


def limit(first: Answers, short: Asked, ground: Ground, run: int, share: float) -> float:
    """The probability of the likeliest label below which lie `share` of all held rows.

    They must be `short` enough: where too few are, all of them lie below it, as for a share of 1.
    """
    if share >= 1:
        return float("inf")
    held = ground.held(run)
    sure = np.where(short.rows[held], chances(first.rows[held]).max(axis=1), NEVER)
    return float(np.quantile(sure, share))


def apart(one: Said, base: Said | None = None) -> Apart:
    """Macro-F1 over trusted rows, and how much it is beyond that of `base` on the same rows."""
    kept = np.flatnonzero(_trusted(one.rows))
    rows = [one.rows[at] for at in kept]
    right = positions([row.label for row in rows])
    told = one.label[kept]
    other = told if base is None else base.label[kept]

    def measure(chosen: Labels) -> Floats:
        score = macro_f1(right[chosen], told[chosen])
        return np.array([score, score - macro_f1(right[chosen], other[chosen])])

    score, beyond = bootstraps(measure, groups(rows))
    return Apart(rows=len(rows), macro_f1=score, beyond=None if base is None else beyond)


def report(one: Said) -> Reported:
    """The figures of rows that chose nothing."""
    kept = np.flatnonzero(_trusted(one.rows))
    rows = [one.rows[at] for at in kept]
    right, told, alike = positions([row.label for row in rows]), one.label[kept], groups(rows)
    hard = int((right == LABELS.index("hard")).sum())

    def missed(chosen: Labels) -> float:
        found = hard_miss_share(right[chosen], told[chosen])
        return np.nan if found is None else found

    asked = np.array([row.needs_info is not None for row in one.rows], np.bool_)
    return Reported(
        rows=len(rows),
        macro_f1=bootstrap(lambda chosen: macro_f1(right[chosen], told[chosen]), alike),
        hard=hard,
        hard_miss=bootstrap(missed, alike) if hard else None,
        asked=int(asked.sum()),
        auroc=_auroc(one, asked),
        solved_error=_solved_error(one),
    )


def _auroc(one: Said, asked: Mask) -> Interval | None:
    rows = [row for row, keep in zip(one.rows, asked.tolist(), strict=True) if keep]
    lacks = np.array([row.needs_info == 1 for row in rows], np.bool_)
    score = one.lacking[asked]
    if auroc(score, lacks) is None:
        return None

    def measure(chosen: Labels) -> float:
        found = auroc(score[chosen], lacks[chosen])
        return np.nan if found is None else found

    return bootstrap(measure, groups(rows))


def _solved_error(one: Said) -> Interval | None:
    share = np.array([np.nan if r.share_small is None else r.share_small for r in one.rows])
    kept = np.flatnonzero(~np.isnan(share))
    if not kept.size:
        return None
    return mean((share - one.solved)[kept] ** 2, groups([one.rows[at] for at in kept]))


def _trusted(rows: Sequence[Example]) -> Mask:
    return np.array([row.trusted for row in rows], np.bool_)
