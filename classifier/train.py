"""From labelled prompts to a model: load → matrix → fit → calibrate → choose → keep.

Everything that is tuned is tuned out of fold: a row's logits come from heads that saw neither the
row nor a near duplicate of it. The heads that are kept learned from all rows.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier import facts as known
from classifier import targets
from classifier.calibrate import calibrate, choose_cutoff
from classifier.corpus import RESTRICTED, Example, groups, prompts
from classifier.embed import Embedder
from classifier.evaluate import TRUSTED, positions
from classifier.facts import Facts
from classifier.features import Row, matrix
from classifier.fit import Design, Line, Settings, design, export, fit, predict
from classifier.metrics import macro_f1
from classifier.model import HEADS, Calibration, Classifier, sigmoid
from classifier.targets import Floats, Task
from classifier.types import LABELS, TIERS, Version

FOLDS: Final = 5
ROUNDS: Final = 2
"""Rounds of EM for a tier's own step; the second moved no probability by more than .02."""
LEAST_ROWS: Final = 20
SEED: Final = 20_261_123

Progress = Callable[[str], None]
"""Told the name of each step as it begins."""


class TrainingError(Exception):
    """The data cannot train a model; the message says what is missing."""


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """A model and what it learned from."""

    classifier: Classifier
    facts: Facts


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """One fitted and calibrated head."""

    line: Line
    slope: float
    offset: float
    answers: Floats
    """Its probability for every example, out of fold."""


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What every head is fitted with."""

    plan: Design
    settings: Settings
    folds: NDArray[np.intp]
    progress: Progress


def train(
    examples: Sequence[Example],
    embedder: Embedder,
    *,
    settings: Settings,
    version: Version,
    progress: Progress = lambda step: None,
) -> Trained:
    """A model of `examples`; those under a restricted licence class are left out.

    The facts lack `data` and `encoder`, which the caller knows. Raises TrainingError, and
    ImportError without the train extra.
    """
    chosen, rows = _load(examples, embedder, progress)
    bench = Bench(
        plan=design(rows, embedder.terms, settings),
        settings=settings,
        folds=cluster_folds(chosen),
        progress=progress,
    )
    heads = _fit_heads(chosen, bench)
    tier = np.argmax(_tiers(heads), axis=1)
    labelled = np.array([e.label is not None and e.trust >= TRUSTED for e in chosen])
    truth = positions([e.label for e in chosen])
    lacking = heads[0].answers
    cutoff = choose_cutoff(lacking[labelled], tier[labelled], truth[labelled])
    said = np.where(lacking >= cutoff, LABELS.index("needs_info"), tier)
    classifier = Classifier(
        version=version,
        embedder=embedder,
        heads=export(bench.plan, [head.line for head in heads], settings),
        calibration=Calibration(
            slope=tuple(head.slope for head in heads),
            offset=tuple(head.offset for head in heads),
            needs_info=cutoff,
        ),
    )
    score = macro_f1(truth[labelled], said[labelled])
    return Trained(classifier=classifier, facts=_facts(examples, chosen, score))


def version_of(data: bytes, day: date) -> Version:
    """YYYYMMDD-xxxxxxxx: eight hex digits of `data` (what was given) and of this package's code."""
    total = hashlib.blake2b(data, digest_size=4)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        total.update(source.read_bytes())
    return Version(f"{day:%Y%m%d}-{total.hexdigest()}")


def cluster_folds(examples: Sequence[Example]) -> NDArray[np.intp]:
    """A fold for each example, shape (n,); near duplicates and twins share one."""
    numbers = groups(examples)
    draw = np.random.default_rng(SEED).permutation(numbers.max() + 1)
    folds: NDArray[np.intp] = draw[numbers] % FOLDS
    return folds


def _load(
    examples: Sequence[Example], embedder: Embedder, progress: Progress
) -> tuple[list[Example], list[Row]]:
    progress("reading prompts")
    allowed = [e for e in examples if e.license_class not in RESTRICTED]
    pairs = [(e, p) for e, p in zip(allowed, prompts(allowed), strict=True) if p is not None]
    if not pairs:
        raise TrainingError("there is no row that may train a model")
    return [e for e, _ in pairs], matrix([p for _, p in pairs], embedder)


def _fit_heads(examples: Sequence[Example], bench: Bench) -> list[Head]:
    """The heads, in the order of HEADS."""
    nothing = np.zeros(len(examples))
    tasks = [targets.needs_info(examples), targets.above(examples, 0), targets.above(examples, 1)]
    tasks.append(targets.solved(examples, 0))
    heads = [
        _fit_head(name, task, task, nothing, bench)
        for name, task in zip(HEADS, tasks, strict=False)
    ]
    before = heads[-1].answers
    for tier in range(1, len(TIERS)):
        task = targets.solved(examples, tier)
        _check(HEADS[3 + tier], task)
        chance = np.full(len(examples), 0.5)
        for _ in range(ROUNDS):
            step = targets.increment(task, before, chance)
            head = _fit_head(HEADS[3 + tier], step, task, before, bench)
            chance = head.answers
        heads.append(head)
        before = before + (1 - before) * head.answers
    return heads


def _fit_head(name: str, task: Task, truth: Task, before: Floats, bench: Bench) -> Head:
    """Fit `task` on all rows, and fold by fold; calibrate the folds' logits against `truth`."""
    bench.progress(f"fitting {name.replace('_', ' ')}")
    _check(name, task)
    logits = np.zeros(len(before))
    for fold in range(FOLDS):
        held = bench.folds == fold
        part = task.where(~held)
        _check(name, part)
        logits[held] = predict(bench.plan, fit(bench.plan, part, bench.settings))[held]
    slope, offset = calibrate(logits, before, truth)
    return Head(
        line=fit(bench.plan, task, bench.settings),
        slope=slope,
        offset=offset,
        answers=sigmoid(slope * logits + offset),
    )


def _check(name: str, task: Task) -> None:
    sides = [int((task.target > 0).sum()), int((task.target < 1).sum())]
    if min(sides) < LEAST_ROWS:
        field = {"needs_info": "needs_info", "above": "label", "solved": "share_…"}
        what = next(hint for start, hint in field.items() if name.startswith(start))
        msg = (
            f"too few rows for the question {name!r}: {sides[0]} say yes and {sides[1]} say no; "
            f"at least {LEAST_ROWS} of each are needed (field {what})"
        )
        raise TrainingError(msg)


def _tiers(heads: Sequence[Head]) -> Floats:
    """Probability of each tier, given answerable, shape (n, 3)."""
    above_easy, above_medium = heads[1].answers, heads[2].answers
    hard = above_easy * above_medium
    return np.stack([1 - above_easy, above_easy - hard, hard], axis=1)


def _facts(given: Sequence[Example], chosen: Sequence[Example], score: float) -> Facts:
    left_out = [e.license_class for e in given if e.license_class in RESTRICTED]
    majority = known.majority(chosen) or "easy"
    return Facts(
        data="",
        encoder="",
        rows=len(chosen),
        left_out={str(name): left_out.count(name) for name in sorted(set(map(str, left_out)))},
        sources=known.sources(chosen),
        majority=majority,
        length_rule=known.length_rule(chosen, majority),
        folds_macro_f1=score,
    )
