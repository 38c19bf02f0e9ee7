"""From labelled prompts to a model: load → matrix → fit → calibrate → choose → keep.

A row's part is fixed by what it says (classifier.folds). Heads are fitted on "train"; calibration
and the cut-off of needs_info are chosen on "calibrate", which no head saw; "promote" is left alone
here, for the day when the model is compared with the one in service.
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
from classifier.calibrate import FEW, calibrate, choose_cutoff
from classifier.contextual import Contextual
from classifier.corpus import RESTRICTED, Example, readable
from classifier.embed import Embedder
from classifier.facts import Facts
from classifier.features import Row, matrix
from classifier.finetune import Teacher
from classifier.fit import Design, Line, Settings, design, export, fit, predict
from classifier.folds import of_part, parts
from classifier.linear import Heads
from classifier.metrics import macro_f1, positions
from classifier.model import HEADS, Calibration, Classifier, sigmoid
from classifier.second import second_stage
from classifier.targets import Floats, Task
from classifier.types import LABELS, TIERS, Prompt, Version

ROUNDS: Final = 2
"""Rounds of EM for a tier's own step; the second moved no probability by more than .02."""
LEAST_ROWS: Final = 20
"""Rows of a question below which nothing is learned of it; from nothing, of either answer."""
USUAL_CUTOFF: Final = 0.5

Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
"""Told the name of each step as it begins."""


class TrainingError(Exception):
    """The data cannot train a model; the message says what is missing."""


class Tutor(msgspec.Struct, frozen=True, kw_only=True):
    """A fine-tuned encoder, which must not have seen the rows that calibrate."""

    teacher: Teacher
    """Has a say in what the heads are fitted to."""
    encoder: Contextual
    """The same, small: the second stage."""


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """A model and what it learned from."""

    classifier: Classifier
    facts: Facts
    kept: tuple[str, ...] = ()
    """Questions that had too few rows, and keep the answer of the model that was built upon."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """One fitted and calibrated head."""

    line: Line
    slope: float
    offset: float
    answers: Floats
    """Its probability for every example."""
    kept: bool = False
    """Whether it is that of the model that was built upon."""


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What every head is fitted with."""

    plan: Design
    settings: Settings
    fitted: Mask
    """The rows that heads are fitted on."""
    held: Mask
    """The rows that calibrate them."""
    start: Floats
    """Calibrated logits of the model that is built upon, shape (rows, heads); zeros where none."""
    adapts: bool
    progress: Progress


def train(
    examples: Sequence[Example],
    ground: Embedder | Classifier,
    *,
    settings: Settings,
    version: Version,
    tutor: Tutor | None = None,
    progress: Progress = lambda step: None,
) -> Trained:
    """A model of `examples`, but for those under a restricted licence class or kept for promotion.

    `ground` is an encoder to begin on, or a model to build upon: then its heads are moved as far as
    the examples ask for, a question that they say nothing of keeps its answer, and so does the
    second stage: 300 rows are enough. A model of its own has a second stage where it has a `tutor`.
    The facts lack `data` and `encoder`, which the caller knows. Raises TrainingError, and
    ImportError without the train extra.
    """
    base, embedder = (ground, ground.embedder) if isinstance(ground, Classifier) else (None, ground)
    chosen, asked, rows = _load(examples, embedder, progress)
    before = None if base is None else calibrated_heads(base)
    bench = _bench(chosen, rows, embedder, settings, before, progress)
    heads = _fit_heads(chosen, bench, None if tutor is None else tutor.teacher(chosen))
    first = Classifier(
        version=version,
        embedder=embedder,
        heads=export(bench.plan, [head.line for head in heads], settings, before),
        calibration=Calibration(
            slope=tuple(head.slope for head in heads),
            offset=tuple(head.offset for head in heads),
            needs_info=USUAL_CUTOFF,
        ),
    )
    held = [(chosen[at], asked[at]) for at in np.flatnonzero(bench.held)]
    classifier, score = _choose(_join(first, held, base, tutor, progress), held, base)
    kept = tuple(name for name, head in zip(HEADS, heads, strict=True) if head.kept)
    return Trained(classifier=classifier, facts=_facts(examples, chosen, score), kept=kept)


def calibrated_heads(classifier: Classifier) -> Heads:
    """Its heads with the calibration inside, so that others can be fitted on top of them."""
    return classifier.heads.scaled(classifier.calibration.slope, classifier.calibration.offset)


def version_of(data: bytes, day: date) -> Version:
    """YYYYMMDD-xxxxxxxx: eight hex digits of `data` (what was given) and of this package's code."""
    total = hashlib.blake2b(data, digest_size=4)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        total.update(source.read_bytes())
    return Version(f"{day:%Y%m%d}-{total.hexdigest()}")


def _load(
    examples: Sequence[Example], embedder: Embedder, progress: Progress
) -> tuple[list[Example], list[Prompt], list[Row]]:
    progress("reading prompts")
    rows, asked = readable(of_part(_allowed(examples), "train", "calibrate"))
    if not rows:
        raise TrainingError("there is no row that may train a model")
    return rows, asked, matrix(asked, embedder)


def trainable(examples: Sequence[Example]) -> list[Example]:
    """The rows that may be fitted on: by their licence, and by their part."""
    return of_part(_allowed(examples), "train")


def check(examples: Sequence[Example]) -> None:
    """Raises TrainingError where `examples` cannot train a model from scratch: in a moment."""
    rows, _ = readable(trainable(examples))
    tasks = [targets.needs_info(rows)]
    tasks += [targets.above(rows, tier) for tier in range(len(TIERS) - 1)]
    tasks += [targets.solved(rows, tier) for tier in range(len(TIERS))]
    for name, task in zip(HEADS, tasks, strict=True):
        _check(name, task)


def _allowed(examples: Sequence[Example]) -> list[Example]:
    return [e for e in examples if e.license_class not in RESTRICTED]


def _bench(
    examples: Sequence[Example],
    rows: Sequence[Row],
    embedder: Embedder,
    settings: Settings,
    before: Heads | None,
    progress: Progress,
) -> Bench:
    part = parts(examples)
    start = np.zeros((len(rows), len(HEADS)))
    if before is not None:
        start = np.stack([before.logits(row) for row in rows])
    return Bench(
        plan=design(rows, embedder.terms, settings, None if before is None else before.edges),
        settings=settings,
        fitted=part == "train",
        held=part == "calibrate",
        start=start,
        adapts=before is not None,
        progress=progress,
    )


def _fit_heads(examples: Sequence[Example], bench: Bench, told: Floats | None) -> list[Head]:
    """The heads, in the order of HEADS. What a teacher `told` moves all but the shares."""
    nothing = np.zeros(len(examples))
    power = bench.settings.damping
    truth = [targets.needs_info(examples, power)]
    truth += [targets.above(examples, tier, power) for tier in range(len(TIERS) - 1)]
    tasks = truth
    if told is not None:
        tasks = [targets.taught(task, told[:, number]) for number, task in enumerate(truth)]
    truth, tasks = ([*known, targets.solved(examples, 0, power)] for known in (truth, tasks))
    heads = [
        _fit_head(number, task, true, nothing, bench)
        for number, (task, true) in enumerate(zip(tasks, truth, strict=True))
    ]
    before = heads[-1].answers
    for tier in range(1, len(TIERS)):
        task = targets.solved(examples, tier, power)
        chance = np.full(len(examples), 0.5)
        if bench.adapts:
            chance = sigmoid(bench.start[:, 3 + tier])
        for _ in range(ROUNDS):
            step = targets.increment(task, before, chance)
            head = _fit_head(3 + tier, step, task, before, bench)
            chance = head.answers
        heads.append(head)
        before = before + (1 - before) * head.answers
    return heads


def _fit_head(number: int, task: Task, truth: Task, before: Floats, bench: Bench) -> Head:
    """Fit `task` on the fitted rows, and calibrate against `truth` on those that are held."""
    bench.progress(f"fitting {HEADS[number].replace('_', ' ')}")
    start = bench.start[:, number]
    part, held = task.where(bench.fitted), truth.where(bench.held)
    if not bench.adapts:
        _check(HEADS[number], part)
    elif part.rows.size < LEAST_ROWS:
        still = Line(weights=np.zeros(bench.plan.matrix.shape[1]), bias=0.0)
        return Head(line=still, slope=1.0, offset=0.0, answers=sigmoid(start), kept=True)
    line = fit(bench.plan, part, bench.settings.freedom[number], start)
    logits = start + predict(bench.plan, line)
    slope, offset = calibrate(logits, before, held)
    return Head(line=line, slope=slope, offset=offset, answers=sigmoid(slope * logits + offset))


def _join(
    first: Classifier,
    held: Sequence[tuple[Example, Prompt]],
    base: Classifier | None,
    tutor: Tutor | None,
    progress: Progress,
) -> Classifier:
    """`first` with the second stage of `base`, or one of its own by `tutor`, or none."""
    if base is not None and base.encoder is not None:
        encoder, second = base.encoder, base.calibration.second
    elif base is None and tutor is not None:
        progress("calibrating the second stage")
        rows, asked = [row for row, _ in held], [prompt for _, prompt in held]
        encoder, second = tutor.encoder, second_stage(first, tutor.encoder, rows, asked)
    else:
        return first
    return first.altered(msgspec.structs.replace(first.calibration, second=second), encoder)


def _choose(
    whole: Classifier, held: Sequence[tuple[Example, Prompt]], base: Classifier | None
) -> tuple[Classifier, float]:
    """`whole` with needs_info from its best cut-off on, and its macro-F1; both on `held` rows."""
    labelled = [(row, prompt) for row, prompt in held if row.trusted]
    truth = positions([row.label for row, _ in labelled])
    verdicts = whole.assess_many([prompt for _, prompt in labelled])
    chances = [msgspec.structs.astuple(verdict.probabilities) for verdict in verdicts]
    *tiers, lacking = np.array(chances).reshape(-1, len(LABELS)).T
    tier = np.argmax(tiers, axis=0)
    cutoff = USUAL_CUTOFF
    if base is not None and truth.size < FEW:
        cutoff = base.calibration.needs_info
    elif truth.size:
        cutoff = choose_cutoff(lacking, tier, truth)
    said = np.where(lacking >= cutoff, LABELS.index("needs_info"), tier)
    calibration = msgspec.structs.replace(whole.calibration, needs_info=cutoff)
    return whole.altered(calibration, whole.encoder), macro_f1(truth, said)


def _check(name: str, task: Task) -> None:
    yes, no = int((task.target > 0).sum()), int((task.target < 1).sum())
    if min(yes, no) < LEAST_ROWS:
        field = {"needs_info": "needs_info", "above": "label", "solved": "share_…"}
        what = next(hint for start, hint in field.items() if name.startswith(start))
        msg = (
            f"too few rows for the question {name!r}: {yes} say yes and {no} say no; "
            f"at least {LEAST_ROWS} of each are needed (field {what})"
        )
        raise TrainingError(msg)


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
        held_macro_f1=score,
    )
