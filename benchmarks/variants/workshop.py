"""Makes variants: fits what must be fitted for a run, and keeps what each said and cost."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.variants import cost, heads, judge, store
from benchmarks.variants.catalogue import (
    BY_NAME,
    Cascade,
    Frozen,
    Making,
    Shipped,
    Static,
    Tuned,
    Variant,
)
from benchmarks.variants.cost import Cost
from benchmarks.variants.encoders import Encoders, Note
from benchmarks.variants.ground import Ground, Mask, Side
from benchmarks.variants.judge import Answers, Asked
from benchmarks.variants.lesson import QUESTIONS, Head, Lesson, lesson
from benchmarks.variants.network import Recipe
from classifier.embed import Embedder
from classifier.features import Row, matrix, scored_text
from classifier.model import Classifier
from classifier.static import SCALE, TABLE, StaticEmbedder
from classifier.targets import Floats
from classifier.train import calibrated_heads
from classifier.types import Prompt


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """A variant as it would serve."""

    one: Callable[[Prompt], object]
    """The whole way from a prompt to its logits."""
    size: int
    """Bytes to keep."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A variant as one run made it."""

    many: Callable[[Side, Mask], Floats]
    """The logits of the asked rows of one side, shape (asked, questions)."""
    serving: Callable[[], Serving]
    """What is timed, of one run only: an encoder whose answers are all kept need not be there."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The calibrated answers of a run, and where needs_info begins."""

    answers: Answers
    cutoff: float


class Workshop:
    """Every variant over one ground, with a folder that remembers."""

    def __init__(
        self,
        ground: Ground,
        folder: Path,
        note: Note,
        model: Classifier,
        variants: Mapping[str, Variant] = BY_NAME,
    ) -> None:
        """`model` is the version that ships: its static encoder is every static variant's."""
        self.ground, self.variants = ground, variants
        self._folder, self._note, self._model = folder, note, model
        self._encoders = Encoders(ground, folder, note, static_of(model.embedder).pieces)

    def settled(self, name: str, run: int) -> Settled:
        """What the variant says in a run, calibrated, with its cut-off."""
        making = self.variants[name].making
        if isinstance(making, Cascade):
            answers = self._blended(making, run)
        else:
            answers = self._raw(name, making, run)
            if isinstance(making, Shipped):
                return Settled(answers=answers, cutoff=self._model.calibration.needs_info)
            answers = judge.settle(answers, self.ground, run)
        return Settled(answers=answers, cutoff=judge.cutoff(answers, self.ground, run))

    def _blended(self, making: Cascade, run: int) -> Answers:
        first = self.settled(making.first, run).answers
        raw = self._raw(making.second, self.variants[making.second].making, run)
        # As it would ship, the second is calibrated on what it can be asked about.
        second = judge.settle(raw, self.ground, run, self._short(making, run).rows)
        return judge.blend(first, second, self._doubted(making, run))

    def cost(self, name: str) -> Cost:
        """What one prompt costs, by the variant that left nothing out."""
        taken, size = self._taken(name)
        making = self.variants[name].making
        asked = self._doubted(making, 0).val.mean() if isinstance(making, Cascade) else None
        return cost.cost(taken, size, None if asked is None else float(asked))

    @cached_property
    def _table(self) -> NDArray[np.float32]:
        return table_of(self._model.embedder)

    @cached_property
    def _rows(self) -> dict[Side, list[Row]]:
        self._note("reading all prompts with the static encoder")
        embedder = self._model.embedder
        return {
            "rows": matrix(self.ground.asked, embedder),
            "val": matrix(self.ground.val_asked, embedder),
        }

    def _needed(self, run: int) -> Mask:
        """The rows that calibrate or judge a run: run 0 is judged by what is kept for promotion."""
        judged = self.ground.out(run) if run else self.ground.part == "promote"
        return judged | self.ground.held(run)

    def _raw(self, name: str, making: Making, run: int) -> Answers:
        folder = self._folder / "answers" / name
        sides: tuple[Side, ...] = ("rows", "val") if run == 0 else ("rows",)
        found = {side: store.kept(folder / f"{run}-{side}.npy") for side in sides}
        if any(array is None for array in found.values()):
            self._note(f"{name}, run {run}")
            made = self._make(making, run)
            for side in sides:
                found[side] = told = self._ask(made, run, side)
                store.keep(folder / f"{run}-{side}.npy", told)
            if run == 0:
                self._time(name, made)
        nothing = np.zeros((0, len(QUESTIONS)))
        return Answers(rows=_floats(found["rows"]), val=_floats(found.get("val", nothing)))

    def _ask(self, made: Made, run: int, side: Side) -> Floats:
        size = len(self.ground.prompts(side))
        asked = self._needed(run) if side == "rows" else np.ones(size, np.bool_)
        answers = np.full((size, len(QUESTIONS)), np.nan)
        answers[asked] = made.many(side, asked)
        return answers

    def _make(self, making: Making, run: int) -> Made:
        match making:
            case Shipped():
                known = calibrated_heads(self._model)
                head = Head(
                    logits=lambda rows: np.stack([known.logits(row)[:4] for row in rows]),
                    size=sum(array.nbytes for array in known.arrays().values()),
                )
                return self._over_static(head, self._table.size)
            case Static():
                # What is tuned end to end brings a table of its own.
                encoder = 0 if making.head == "end to end" else self._table.size
                return self._over_static(self._static_head(making, run), encoder)
            case Frozen():
                return self._over_minilm(making, run)
            case Tuned():
                return self._tuned(making, run)
            case Cascade():
                raise ValueError("a cascade is made of what others answered")
        assert_never(making)

    def _static_head(self, making: Static, run: int) -> Head:
        teacher = None
        if making.teacher is not None:
            asked = self.ground.fitted(run) | self.ground.held(run)
            teacher = self._encoders.answers(making.teacher, run, "rows", asked)[:, :4]
        learned = lesson(self.ground, run, self._rows["rows"], teacher)
        return self._fit(making.head, learned)

    def _fit(self, kind: heads.Kind, learned: Lesson) -> Head:
        terms = self._model.embedder.terms
        match kind:
            case "linear":
                return heads.linear(learned, terms)
            case "boosting":
                return heads.boosting(learned)
            case "network":
                return heads.small_network(learned, Recipe())
            case "end to end":
                pairs = terms - len(self._table)
                return heads.end_to_end(learned, self._table, pairs, Recipe())

    def _over_static(self, head: Head, encoder: int) -> Made:
        """The head over the static rows; `encoder` is the size of what makes them."""
        embedder = self._model.embedder

        def many(side: Side, asked: Mask) -> Floats:
            return head.logits([self._rows[side][at] for at in np.flatnonzero(asked)])

        served = Serving(
            one=lambda prompt: head.logits(matrix((prompt,), embedder)),
            size=head.size + encoder,
        )
        return Made(many=many, serving=lambda: served)

    def _over_minilm(self, making: Frozen, run: int) -> Made:
        everything = np.ones(len(self.ground.rows), np.bool_)
        vectors = {"rows": self._encoders.answers(making.tokens, run, "rows", everything)}
        rows = self._with(self._rows["rows"], vectors["rows"])
        head = self._fit(making.head, lesson(self.ground, run, rows))

        def many(side: Side, asked: Mask) -> Floats:
            told = self._encoders.answers(making.tokens, run, side, asked)
            chosen = np.flatnonzero(asked)
            return head.logits(self._with([self._rows[side][at] for at in chosen], told[chosen]))

        def serving() -> Serving:
            encode, size = self._encoders.model(making.tokens, run)

            def one(prompt: Prompt) -> Floats:
                row = matrix((prompt,), self._model.embedder)
                return head.logits(self._with(row, [encode(prompt).astype(np.float32)]))

            return Serving(one=one, size=size + head.size)

        return Made(many=many, serving=serving)

    def _tuned(self, making: Tuned, run: int) -> Made:
        def many(side: Side, asked: Mask) -> Floats:
            told = self._encoders.answers(making.tuning, run, side, asked)
            return told[asked, : len(QUESTIONS)].astype(np.float64)

        def serving() -> Serving:
            encode, size = self._encoders.model(making.tuning, run)
            return Serving(one=encode, size=size)

        return Made(many=many, serving=serving)

    def _with(
        self, rows: Sequence[Row], vectors: Sequence[NDArray[np.float32]] | NDArray[np.float32]
    ) -> list[Row]:
        """`rows` with other vectors."""
        pairs = zip(rows, vectors, strict=True)
        return [msgspec.structs.replace(row, vector=vector) for row, vector in pairs]

    def _sample(self) -> NDArray[np.intp]:
        return cost.sample(len(self.ground.val_asked))

    def _time(self, name: str, made: Made) -> None:
        self._note(f"{name}: timing")
        served = made.serving()
        taken = cost.times(served.one, [self.ground.val_asked[at] for at in self._sample()])
        store.keep(self._folder / "answers" / name / "times.npy", np.append(taken, served.size))

    def _taken(self, name: str) -> tuple[NDArray[np.float64], int]:
        """Milliseconds of each prompt of the sample, and bytes."""
        making = self.variants[name].making
        if isinstance(making, Cascade):
            first, size = self._taken(making.first)
            second, more = self._taken(making.second)
            return first + second * self._doubted(making, 0).val[self._sample()], size + more
        self._raw(name, making, 0)
        kept = _floats(store.kept(self._folder / "answers" / name / "times.npy"))
        return kept[:-1], int(kept[-1])

    @cached_property
    def _pieces(self) -> dict[Side, NDArray[np.intp]]:
        """How many word pieces each prompt has."""
        cut = static_of(self._model.embedder).pieces.encode
        sides: tuple[Side, ...] = ("rows", "val")
        return {
            side: np.array([len(cut(scored_text(one))) for one in self.ground.prompts(side)])
            for side in sides
        }

    def _short(self, making: Cascade, run: int) -> Asked:
        """The rows that the second stage could be asked about."""
        most = math.inf if making.pieces is None else making.pieces
        val = self._pieces["val"] if run == 0 else np.zeros(0, np.intp)
        return Asked(rows=self._pieces["rows"] <= most, val=val <= most)

    def _doubted(self, making: Cascade, run: int) -> Asked:
        """The rows that the second stage is asked about."""
        first, short = self.settled(making.first, run).answers, self._short(making, run)
        limit = judge.limit(first, short, self.ground, run, making.share)
        return judge.doubtful(first, short, limit)


def static_of(embedder: Embedder) -> StaticEmbedder:
    """The static encoder of the version that ships. Raises TypeError where it has none."""
    if not isinstance(embedder, StaticEmbedder):
        raise TypeError("the shipped version has no static encoder")
    return embedder


def table_of(embedder: Embedder) -> NDArray[np.float32]:
    """The vectors of the static encoder, shape (pieces, dims)."""
    arrays = static_of(embedder).arrays()
    table: NDArray[np.float32] = arrays[TABLE] * arrays[SCALE]
    return table


def _floats(array: NDArray[np.floating] | None) -> Floats:
    return np.zeros((0, len(QUESTIONS))) if array is None else array.astype(np.float64)
