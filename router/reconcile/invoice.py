"""What a provider says that it billed: lines of a day and a model, as far as its export goes."""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

import msgspec

Format: TypeAlias = Literal[
    "openai-costs", "openai-usage", "openrouter", "openrouter-activity", "columns"
]
"""`columns` is any CSV whose headings say what is in it."""
FORMATS: Final[tuple[Format, ...]] = get_args(Format)


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """One line. Null is "not said": no export says everything."""

    day: str
    """YYYY-MM-DD, in the calendar of the invoice."""
    model: str | None = None
    """The provider's name of it; null where the line is for a whole day."""
    requests: int | None = None
    input: int | None = None
    """Input tokens, those that were cached among them."""
    cached: int | None = None
    output: int | None = None
    amount: int | None = None
    """Millionths of millionths of the invoice's currency: pico-USD where that is the dollar."""

    def plus(self, other: "Charge") -> "Charge":
        """Both lines as one."""
        return Charge(
            day=self.day,
            model=self.model,
            requests=_plus(self.requests, other.requests),
            input=_plus(self.input, other.input),
            cached=_plus(self.cached, other.cached),
            output=_plus(self.output, other.output),
            amount=_plus(self.amount, other.amount),
        )


class BadLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read."""

    line: int
    reason: str


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An export, read: one charge for each day and model."""

    format: Format
    currency: str
    """Three letters, upper case."""
    charges: tuple[Charge, ...]
    bad_lines: tuple[BadLine, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the comparison must know about the file."""


def merged(charges: Iterable[Charge]) -> tuple[Charge, ...]:
    """One charge for each day and model, in that order."""
    found: dict[tuple[str, str], Charge] = {}
    for charge in charges:
        slot = (charge.day, charge.model or "")
        found[slot] = found[slot].plus(charge) if slot in found else charge
    return tuple(found[slot] for slot in sorted(found))


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other
