"""RouteLLM's examination: how well a score picks the prompts that need the strong model.

Sets, definitions and their names are those of RouteLLM (Ong et al. 2024, arXiv 2406.18665): APGR,
the average performance gap recovered, and CPT(p), the share of calls to the strong model at which
a share p of the gap is recovered. The sets are read from a folder: the project has none.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import CorpusError
from classifier.features import extract
from classifier.metrics import SEED, Floats, Interval, bootstraps
from classifier.model import Classifier
from classifier.types import Prompt, Turn

SETS: Final = ("gsm8k", "mmlu", "mt_bench")
EDGES: Final = 11
"""Cut-offs: the ends of ten equally full bins of the scores."""

_UNREADABLE: Final = (
    OSError,
    EOFError,
    zlib.error,
    msgspec.DecodeError,
    UnicodeDecodeError,
    RecursionError,
)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One line: right or wrong of both models, or judge's scores of both turns."""

    prompt: str | None = None
    turns: tuple[str, ...] = ()
    """Only the first is shown to a router."""
    weak_correct: bool | None = None
    strong_correct: bool | None = None
    weak_scores: tuple[float, ...] = ()
    strong_scores: tuple[float, ...] = ()
    contaminated: bool = False
    """Also in the training data of published routers, and left out."""


class Exam(msgspec.Struct, frozen=True, kw_only=True):
    """One set. All have one entry a prompt."""

    name: str
    prompts: tuple[Prompt, ...]
    weak: Floats
    strong: Floats
    """Quality of each model's answer: 0 or 100, or a judge's mean score."""


class ExamScore(msgspec.Struct, frozen=True, kw_only=True):
    """What a router scores in one set."""

    name: str
    prompts: int
    weak: float
    strong: float
    """Mean quality of each model alone."""
    apgr: Interval
    cpt50: Interval
    cpt80: Interval
    """Share of calls to the strong model, 0 to 1; lower is better."""
    length_apgr: Interval
    """Of the rule that only looks at the number of characters."""
    margin: Interval
    """`apgr` less `length_apgr`, in the same resamples (paired bootstrap)."""
    curve: tuple[tuple[float, float], ...]
    """Share of calls to the strong model and quality, at each cut-off."""


def read_exams(folder: Path) -> list[Exam]:
    """Those of SETS that lie in `folder`, as .jsonl or .jsonl.gz. Raises CorpusError."""
    found = [
        _read(name, path)
        for name in SETS
        for path in (folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz")
        if path.exists()
    ]
    if not found:
        msg = f"{folder} has none of {', '.join(f'{name}.jsonl' for name in SETS)} (or .jsonl.gz)"
        raise CorpusError(msg)
    return found


def wants(classifier: Classifier, prompts: Sequence[Prompt]) -> Floats:
    """How much each prompt wants the strong model: what success gains from easy to hard."""
    successes = [verdict.success for verdict in classifier.assess_many(prompts)]
    return np.array([success.hard - success.easy for success in successes])


def lengths(prompts: Sequence[Prompt]) -> Floats:
    """The length rule's score: characters."""
    return np.array([float(prompt.length) for prompt in prompts])


def examine(exam: Exam, scores: Floats) -> ExamScore:
    """What `scores` reach in `exam`, with intervals. Raises CorpusError where there is no gap."""
    if exam.strong.mean() <= exam.weak.mean():
        msg = f"{exam.name}: the strong model is no better than the weak one, so there is no gap"
        raise CorpusError(msg)
    ours, theirs = ranks(scores), ranks(lengths(exam.prompts))

    def figures(rows: NDArray[np.intp]) -> Floats:
        weak, strong = exam.weak[rows], exam.strong[rows]
        seen, rule = curve(ours[rows], weak, strong), curve(theirs[rows], weak, strong)
        return np.array(
            [apgr(*seen), cpt(0.5, *seen), cpt(0.8, *seen), apgr(*rule), apgr(*seen) - apgr(*rule)]
        )

    area, half, most, rule, margin = bootstraps(figures, np.arange(len(exam.prompts)))
    calls, quality = curve(ours, exam.weak, exam.strong)
    return ExamScore(
        name=exam.name,
        prompts=len(exam.prompts),
        weak=float(exam.weak.mean()),
        strong=float(exam.strong.mean()),
        apgr=area,
        cpt50=half,
        cpt80=most,
        length_apgr=rule,
        margin=margin,
        curve=tuple(zip(calls.tolist(), quality.tolist(), strict=True)),
    )


def curve(scores: Floats, weak: Floats, strong: Floats) -> tuple[Floats, Floats]:
    """Share of calls to the strong model, rising from 0 to 1, and quality at each cut-off.

    The cut-offs are the ends of ten equally full bins of the scores. A score at or above its
    cut-off calls the strong model; at the highest cut-off only a score above it would.
    """
    edges = np.quantile(scores, np.linspace(0, 1, EDGES))
    called = scores >= edges[:-1, None]
    calls = np.append(called.mean(axis=1), 0.0)[::-1]
    quality = np.append(np.where(called, strong, weak).mean(axis=1), weak.mean())[::-1]
    return calls, quality


def apgr(calls: Floats, quality: Floats) -> float:
    """The area under `quality` between that of the weak and that of the strong model alone.

    0 for a router as good as the weak model alone, 1 for one as good as the strong; chance is .5.
    Not defined (nan) where the two are alike.
    """
    weak, strong = quality[0], quality[-1]
    area = float(np.trapezoid(quality, calls))
    return float((area - weak) / (strong - weak)) if strong != weak else float("nan")


def cpt(share: float, calls: Floats, quality: Floats) -> float:
    """The smallest share of calls at which `share` of the gap is recovered, between cut-offs too.

    Where the curve goes up and down, its first crossing counts. Not defined (nan) without a gap.
    """
    weak, strong = quality[0], quality[-1]
    if strong == weak:
        return float("nan")
    recovered = (quality - weak) / (strong - weak)
    at = int(np.argmax(recovered >= share))
    step = (share - recovered[at - 1]) / (recovered[at] - recovered[at - 1])
    return float(calls[at - 1] + step * (calls[at] - calls[at - 1]))


def ranks(scores: Floats) -> Floats:
    """Places of the scores, ties in a fixed random order: the curve knows only the order."""
    jitter = np.random.default_rng(SEED).random(scores.size)
    places = np.empty(scores.size)
    places[np.lexsort((jitter, scores))] = np.arange(scores.size)
    return places


def _read(name: str, path: Path) -> Exam:
    items = [(number, item) for number, item in _items(path) if not item.contaminated]
    if not items:
        msg = f"{path} has no prompt to examine"
        raise CorpusError(msg)
    told = [(_prompt(item), _quality(item)) for _, item in items]
    for (number, _), (prompt, quality) in zip(items, told, strict=True):
        if prompt is None or quality is None:
            what = "no prompt" if prompt is None else "no outcome of both models"
            msg = f"{path}, line {number}: {what}"
            raise CorpusError(msg)
    both = np.array([quality for _, quality in told], np.float64)
    return Exam(
        name=name,
        prompts=tuple(prompt for prompt, _ in told if prompt is not None),
        weak=both[:, 0],
        strong=both[:, 1],
    )


def _items(path: Path) -> Iterator[tuple[int, Item]]:
    decoder = msgspec.json.Decoder(Item)
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, decoder.decode(line)
    except _UNREADABLE as error:
        msg = f"{path}, line {number}: {error}"
        raise CorpusError(msg) from error


def _prompt(item: Item) -> Prompt | None:
    text = item.prompt if item.prompt is not None else "".join(item.turns[:1])
    return extract((Turn(role="user", text=text),))


def _quality(item: Item) -> tuple[float, float] | None:
    if item.weak_correct is not None and item.strong_correct is not None:
        return 100.0 * item.weak_correct, 100.0 * item.strong_correct
    if item.weak_scores and item.strong_scores:
        return float(np.mean(item.weak_scores)), float(np.mean(item.strong_scores))
    return None
