"""What is added up of entries, number by number: one list for values, for rows and for rollups."""

from collections.abc import Hashable, Sequence
from operator import add
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from router.domain import Doubt, Entry, PicoUsd
from router.ledger.facets import is_estimated

Kind: TypeAlias = Literal["count", "amount", "square"]
"""How big sums become: a count stays small, an amount may pass 64 bits, a square needs a float."""
Sum: TypeAlias = int | float

HALF: Final = 10**9
"""Stores add up the upper and the lower part of an amount: a 64-bit sum of pico-USD would end at
nine million dollars, with an error on PostgreSQL and with a float on SQLite."""


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """One of the numbers that a tally adds up."""

    name: str
    kind: Kind

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that hold its sum in a rollup."""
        return (f"{self.name}_high", f"{self.name}_low") if self.kind == "amount" else (self.name,)


def _pair_numbers(name: str) -> tuple[Number, ...]:
    return (
        Number(name=f"{name}_requests", kind="count"),
        Number(name=f"{name}_actual", kind="amount"),
        Number(name=f"{name}_control", kind="amount"),
        Number(name=f"{name}_shared", kind="amount"),
        Number(name=f"{name}_own", kind="square"),
    )


NUMBERS: Final = (
    Number(name="requests", kind="count"),
    Number(name="priced", kind="count"),
    Number(name="estimated", kind="count"),
    Number(name="input", kind="amount"),
    Number(name="cached", kind="amount"),
    Number(name="output", kind="amount"),
    Number(name="actual", kind="amount"),
    *_pair_numbers("easy"),
    *_pair_numbers("medium"),
    *_pair_numbers("hard"),
    *_pair_numbers("routed"),
)
"""In the order of `numbers_of` and of `tally.tally_of`."""
_Name = TypeVar("_Name", bound=Hashable)
_UNKNOWN: Final = (0, 0, 0, 0, 0.0)


def numbers_of(entry: Entry) -> tuple[Sum, ...]:
    """What an entry adds to a tally, in the order of NUMBERS.

    Unknown adds 0, and the number of requests beside each sum tells it apart.
    """
    usage, cost = entry.usage, entry.cost
    actual, doubts = cost.actual, cost.doubts
    routed = doubts.get(entry.shadow.tier) if entry.shadow else None
    return (
        1,
        int(actual is not None),
        int(is_estimated(entry)),
        usage.input,
        usage.cached,
        usage.output,
        actual or 0,
        *_pair(actual, cost.easy, doubts.get("easy")),
        *_pair(actual, cost.medium, doubts.get("medium")),
        *_pair(actual, cost.hard, doubts.get("hard")),
        *_pair(actual, cost.routed, routed),
    )


def put(groups: dict[_Name, Sequence[Sum]], name: _Name, numbers: Sequence[Sum]) -> None:
    """Add `numbers`, in the order of NUMBERS, to those under `name`."""
    found = groups.get(name)
    groups[name] = tuple(map(add, found, numbers)) if found else numbers


def _pair(actual: PicoUsd | None, control: PicoUsd | None, doubt: Doubt | None) -> tuple[Sum, ...]:
    if actual is None or control is None:
        return _UNKNOWN
    if doubt is None:
        return (1, actual, control, 0, 0.0)
    return (1, actual, control, doubt.shared, float(doubt.own) * doubt.own)
