"""Prompt → Verdict: features, heads, calibration, and how six answers make one verdict."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.contextual import Contextual
from classifier.embed import Embedder
from classifier.features import Row, matrix, scored_text
from classifier.linear import Heads
from classifier.surface import NAMES
from classifier.types import (
    LABELS,
    TIERS,
    Cutoffs,
    Probabilities,
    Prompt,
    Success,
    Verdict,
    Version,
)

HEADS: Final = (
    "needs_info",
    "above_easy",
    "above_medium",
    "solved_by_easy",
    "solved_by_medium",
    "solved_by_hard",
)
"""Six yes/no questions, in the order of the heads.

`above_medium` is asked given `above_easy`, `solved_by_medium` given that the easy tier failed, and
`solved_by_hard` given that both failed: so tiers are ordinal and success never falls, by
construction.
"""

DIGITS: Final = 6
"""Probabilities are rounded when made, so a verdict from a cache is the verdict that was made."""


class SecondStage(msgspec.Struct, frozen=True, kw_only=True):
    """When the second stage is asked, and how it is read."""

    below: float
    """Asked where the likeliest of the four labels is less probable than this to the heads,"""
    pieces: int
    """and the prompt has no more word pieces than this: long ones cost most and gained nothing."""
    slope: tuple[float, ...]
    offset: tuple[float, ...]
    """Its logit for head i, to be averaged with the head's, is slope[i] * logit + offset[i]."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From logits to labels; every number is learned on rows that the heads did not see."""

    slope: tuple[float, ...]
    offset: tuple[float, ...]
    """Probability of head i = sigmoid(slope[i] * logit[i] + offset[i])."""
    needs_info: float
    """Cut-off: at or above it the label is needs_info."""
    second: SecondStage | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One head's answer, and how far each kind of evidence moved its logit."""

    question: str
    probability: float
    words: float
    meaning: float
    surface: float
    second: float
    """The second stage's say; 0 where it was not asked."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict rests on."""

    characters: int
    """Scored, of the last human turn."""
    context_characters: int
    """Scored, of the turns before it."""
    needs_info_cutoff: float
    answers: tuple[Answer, ...]


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """What the heads alone say of a prompt."""

    verdict: Verdict
    sure: bool
    """Whether this is the verdict of `assess`: the second stage is not asked."""


class Classifier:
    """A loaded model. Immutable after construction, so threads may share it."""

    def __init__(
        self,
        *,
        version: Version,
        embedder: Embedder,
        heads: Heads,
        calibration: Calibration,
        encoder: Contextual | None = None,
        cutoffs: Mapping[str, Cutoffs] = MappingProxyType({}),
    ) -> None:
        """Raises ValueError where the parts do not fit each other."""
        shapes = (heads.terms.shape, heads.vector.shape, len(heads.edges), len(calibration.slope))
        head = len(HEADS)
        wanted = ((embedder.terms, head), (embedder.dims, head), len(NAMES), head)
        if shapes != wanted:
            msg = f"heads of shape {shapes} where {wanted} is needed"
            raise ValueError(msg)
        if (encoder is None) != (calibration.second is None):
            raise ValueError("a second stage needs both its encoder and its calibration")
        self.version = version
        self.embedder = embedder
        self.heads = heads
        self.calibration = calibration
        self.encoder = encoder
        """The second stage; None where there is one stage only."""
        self.cutoffs = cutoffs
        """Name of a dial → the cut-offs on `success` that were chosen for it; often none."""
        self._slope = np.array(calibration.slope)
        self._offset = np.array(calibration.offset)

    def altered(self, calibration: Calibration, encoder: Contextual | None) -> "Classifier":
        """The same heads under another calibration, with `encoder` as the second stage."""
        return Classifier(
            version=self.version,
            embedder=self.embedder,
            heads=self.heads,
            calibration=calibration,
            encoder=encoder,
            cutoffs=self.cutoffs,
        )

    def assess(self, prompt: Prompt) -> Verdict:
        """How hard `prompt` is. Deterministic; the same alone and in a batch."""
        logits = self._logits(self._row(prompt))
        return self._judge(prompt, _answers(logits + self._second(prompt, logits)))

    def glance(self, prompt: Prompt) -> Glance:
        """What can be said at once: the second stage takes a hundred times as long."""
        logits = self._logits(self._row(prompt))
        sure = self._pieces(prompt, logits) is None
        return Glance(verdict=self._judge(prompt, _answers(logits)), sure=sure)

    def assess_many(self, prompts: Sequence[Prompt]) -> list[Verdict]:
        """A verdict for each prompt, in order."""
        return [self.assess(prompt) for prompt in prompts]

    def explain(self, prompt: Prompt) -> Explanation:
        """What `assess` of the same prompt rests on. For people: slower, and rounded."""
        row = self._row(prompt)
        parts = (self.heads.parts(row) * self._slope).round(3).T.tolist()
        logits = self._logits(row)
        second = self._second(prompt, logits)
        asked = zip(HEADS, _answers(logits + second), parts, second.round(3).tolist(), strict=True)
        return Explanation(
            characters=len(prompt.text),
            context_characters=len(prompt.context),
            needs_info_cutoff=self.calibration.needs_info,
            answers=tuple(
                Answer(
                    question=question,
                    probability=round(answer, DIGITS),
                    words=words,
                    meaning=meaning,
                    surface=surface,
                    second=moved,
                )
                for question, answer, (words, meaning, surface), moved in asked
            ),
        )

    def _row(self, prompt: Prompt) -> Row:
        return matrix((prompt,), self.embedder)[0]

    def _logits(self, row: Row) -> NDArray[np.float64]:
        """Those of the heads, calibrated, in the order of HEADS."""
        logits: NDArray[np.float64] = self._slope * self.heads.logits(row) + self._offset
        return logits

    def _pieces(self, prompt: Prompt, logits: NDArray[np.float64]) -> list[int] | None:
        """What the second stage is asked; None where it is not, for what the heads said."""
        second = self.calibration.second
        if self.encoder is None or second is None:
            return None
        probabilities, _ = _tiers(_answers(logits))
        if max(msgspec.structs.astuple(probabilities)) >= second.below:
            return None
        return self.encoder.pieces(scored_text(prompt), second.pieces)

    def _second(self, prompt: Prompt, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far the second stage moves `logits`: half way to its own, or not at all."""
        pieces, second = self._pieces(prompt, logits), self.calibration.second
        if self.encoder is None or second is None or pieces is None:
            return np.zeros_like(logits)
        said = np.array(second.slope) * self.encoder.logits(pieces) + np.array(second.offset)
        moved: NDArray[np.float64] = (said - logits) / 2
        return moved

    def _judge(self, prompt: Prompt, answers: list[float]) -> Verdict:
        probabilities, difficulty = _tiers(answers)
        chances = (probabilities.easy, probabilities.medium, probabilities.hard)
        if probabilities.needs_info >= self.calibration.needs_info:
            label, confidence = LABELS[-1], probabilities.needs_info
        else:
            confidence = max(chances)
            label = TIERS[chances.index(confidence)]
        return Verdict(
            label=label,
            probabilities=probabilities,
            success=_success(answers),
            difficulty=difficulty,
            confidence=confidence,
            truncated=prompt.truncated,
            model_version=self.version,
        )


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + e^-x), without overflow for any finite x."""
    return 0.5 * (1.0 + np.tanh(0.5 * logits))


def _answers(logits: NDArray[np.float64]) -> list[float]:
    answers: list[float] = sigmoid(logits).tolist()
    return answers


def _tiers(answers: list[float]) -> tuple[Probabilities, float]:
    lacking, above_easy, above_medium = answers[:3]
    answerable = 1.0 - lacking
    hard = above_easy * above_medium
    medium = above_easy - hard
    probabilities = Probabilities(
        easy=round(answerable * (1.0 - above_easy), DIGITS),
        medium=round(answerable * medium, DIGITS),
        hard=round(answerable * hard, DIGITS),
        needs_info=round(lacking, DIGITS),
    )
    return probabilities, round(0.5 * medium + hard, DIGITS)


def _success(answers: list[float]) -> Success:
    easy, by_medium, by_hard = answers[3:]
    medium = easy + (1.0 - easy) * by_medium
    hard = medium + (1.0 - medium) * by_hard
    return Success(easy=round(easy, DIGITS), medium=round(medium, DIGITS), hard=round(hard, DIGITS))
