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


Costs: TypeAlias = tuple[float, float, float]
"""What a typical request costs on each tier, in any unit."""


class Cutoffs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Least `success` at which a tier is good enough, 0 to 1; hard takes the rest."""

    easy: float
    medium: float


UNCALIBRATED: Final = Cutoffs(easy=0.75, medium=0.65)
"""Placeholders, where nobody has chosen any."""


class Guarantee(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What cut-offs were chosen to keep, as their artifact records it."""

    target: str
    delta: float
    """Chance that it is not kept, over the draw of the rows."""
    rows: int
    """Independent rows that it was tested on."""
    value: float
    """The target's quantity on them."""
    bound: float
    """Its one-sided bound at 1 - delta, for these cut-offs taken by themselves."""
    day: str
    """When it was tested, YYYY-MM-DD."""
    needs_info_tier: Tier
    """Where the policy sends what lacks information."""
    costs: Costs | None = None
    """Costs of the tiers that a target on spend rests on, hard = 1."""
