"""Prompt → Verdict: features, heads, calibration, and how six answers make one verdict."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.embed import Embedder
from classifier.features import Row, matrix
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


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """From logits to labels; every number is learned on rows that the heads did not see."""

    slope: tuple[float, ...]
    offset: tuple[float, ...]
    """Probability of head i = sigmoid(slope[i] * logit[i] + offset[i])."""
    needs_info: float
    """Cut-off: at or above it the label is needs_info."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One head's answer, and how far each kind of evidence moved its logit."""

    question: str
    probability: float
    words: float
    meaning: float
    surface: float


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict rests on."""

    characters: int
    """Scored, of the last human turn."""
    context_characters: int
    """Scored, of the turns before it."""
    needs_info_cutoff: float
    answers: tuple[Answer, ...]


class Classifier:
    """A loaded model. Immutable after construction, so threads may share it."""

    def __init__(
        self,
        *,
        version: Version,
        embedder: Embedder,
        heads: Heads,
        calibration: Calibration,
        cutoffs: Mapping[str, Cutoffs] = MappingProxyType({}),
    ) -> None:
        """Raises ValueError where the parts do not fit each other."""
        shapes = (heads.terms.shape, heads.vector.shape, len(heads.edges), len(calibration.slope))
        head = len(HEADS)
        wanted = ((embedder.terms, head), (embedder.dims, head), len(NAMES), head)
        if shapes != wanted:
            msg = f"heads of shape {shapes} where {wanted} is needed"
            raise ValueError(msg)
        self.version = version
        self.embedder = embedder
        self.heads = heads
        self.calibration = calibration
        self.cutoffs = cutoffs
        """Name of a dial → the cut-offs on `success` that were chosen for it; often none."""
        self._slope = np.array(calibration.slope)
        self._offset = np.array(calibration.offset)

    def assess(self, prompt: Prompt) -> Verdict:
        """How hard `prompt` is. Deterministic; the same alone and in a batch."""
        return self._judge(prompt, self._answers(self._row(prompt)))

    def assess_many(self, prompts: Sequence[Prompt]) -> list[Verdict]:
        """A verdict for each prompt, in order."""
        return [self.assess(prompt) for prompt in prompts]

    def explain(self, prompt: Prompt) -> Explanation:
        """What `assess` of the same prompt rests on. For people: slower, and rounded."""
        row = self._row(prompt)
        parts = (self.heads.parts(row) * self._slope).round(3).T.tolist()
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
                )
                for question, answer, (words, meaning, surface) in zip(
                    HEADS, self._answers(row), parts, strict=True
                )
            ),
        )

    def _row(self, prompt: Prompt) -> Row:
        return matrix((prompt,), self.embedder)[0]

    def _answers(self, row: Row) -> list[float]:
        """Calibrated, in the order of HEADS."""
        answers: list[float] = sigmoid(self._slope * self.heads.logits(row) + self._offset).tolist()
        return answers

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
