"""The values that the classifier takes and gives."""

from typing import Final, Literal, NewType, TypeAlias

import msgspec

Tier: TypeAlias = Literal["easy", "medium", "hard"]
Label: TypeAlias = Literal["easy", "medium", "hard", "needs_info"]
Version = NewType("Version", str)

TIERS: Final[tuple[Tier, ...]] = ("easy", "medium", "hard")
LABELS: Final[tuple[Label, ...]] = ("easy", "medium", "hard", "needs_info")


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation, reduced to who spoke and the text that was said."""

    role: str
    text: str


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What is scored: everything the classifier may know of a request, and nothing else.

    Equal prompts get equal verdicts, so the decision cache is keyed by this value.
    """

    text: str
    """The last human turn without reminder blocks, bounded: head and tail of a long text."""
    context: str = ""
    """Up to two earlier human turns, oldest first, where `text` is short; bounded."""
    truncated: bool = False
    """Whether anything of the turn was left out by the bound."""
    length: int
    """Characters of the last human turn before it was bounded."""


class Probabilities(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities of the four labels; they sum to 1."""

    easy: float
    medium: float
    hard: float
    needs_info: float


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """Probability that a model of each tier solves the prompt, given that it is answerable.

    Never falls from easy to hard.
    """

    easy: float
    medium: float
    hard: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How hard a prompt is: the classifier's whole answer, without any policy in it."""

    label: Label
    probabilities: Probabilities
    success: Success
    difficulty: float
    """In [0, 1]: .5 P(medium) + P(hard), given that the prompt is answerable."""
    confidence: float
    """The label's probability."""
    truncated: bool
    model_version: Version
