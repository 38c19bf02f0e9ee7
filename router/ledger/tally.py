"""What entries add up to: exact sums by group, from values here and from SQL in `sums`.

Money is integer pico-USD. A tally says beside every sum over how many entries it goes, because
an entry may lack a price or a counterfactual, and unknown is not 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from classifier.types import Tier
from router.domain import Cost, Entry
from router.ledger.facets import Dimension, Key, keys_of
from router.ledger.numbers import NUMBERS, Sum, numbers_of, put


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What happened beside what one tier would have cost, over the entries that know both."""

    requests: int = 0
    actual: int = 0
    control: int = 0
    shared: int = 0
    """Sum of the controls' shared doubts, pico-USD: they are wrong all alike, or not at all."""
    own: float = 0.0
    """Sum of the squares of their own doubts, square pico-USD: those even out."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the entries of one group."""

    requests: int = 0
    priced: int = 0
    """Entries whose cost is known."""
    estimated: int = 0
    """Entries whose tokens were estimated instead of billed."""
    input: int = 0
    cached: int = 0
    output: int = 0
    actual: int = 0
    """Cost of the priced entries."""
    easy: Pair = Pair()
    medium: Pair = Pair()
    hard: Pair = Pair()
    routed: Pair = Pair()
    """In shadow mode: `actual` was paid, `control` is what routing would have cost. The roles are
    changed: routing would have saved `actual` less `control`."""

    def pair(self, tier: Tier) -> Pair:
        """The comparison with one tier."""
        return {"easy": self.easy, "medium": self.medium, "hard": self.hard}[tier]


class Tallied(msgspec.Struct, frozen=True, kw_only=True):
    """A group and its sums. Real and simulated money are never in one tally."""

    key: Key = ()
    simulated: bool = False
    tally: Tally


Group: TypeAlias = tuple[Key, bool]
"""A key, and whether the money is simulated."""


class Tallier:
    """Adds up entries one at a time, so that a log of any length fits."""

    def __init__(self, by: Sequence[Dimension] = ()) -> None:
        self._by = tuple(by)
        self._groups: dict[Group, Sequence[Sum]] = {}

    def add(self, entry: Entry) -> None:
        """Count `entry` in every group it belongs to."""
        numbers = numbers_of(entry)
        for key in keys_of(entry, self._by):
            put(self._groups, (key, entry.simulated), numbers)

    def result(self) -> tuple[Tallied, ...]:
        """The groups so far, in no particular order."""
        return _tallied(self._groups)


def tally_groups(parts: Iterable[tuple[Group, Sequence[Sum]]]) -> tuple[Tallied, ...]:
    """The groups of sums that come in parts."""
    groups: dict[Group, Sequence[Sum]] = {}
    for group, numbers in parts:
        put(groups, group, numbers)
    return _tallied(groups)


def _tallied(groups: Mapping[Group, Sequence[Sum]]) -> tuple[Tallied, ...]:
    return tuple(
        Tallied(key=key, simulated=simulated, tally=tally_of(sums))
        for (key, simulated), sums in groups.items()
    )


def tally_entries(entries: Iterable[Entry], by: Sequence[Dimension] = ()) -> tuple[Tallied, ...]:
    """The sums of `entries` for each group of `by`."""
    tallier = Tallier(by)
    for entry in entries:
        tallier.add(entry)
    return tallier.result()


def tally_of(sums: Sequence[Sum]) -> Tally:
    """A tally of sums in the order of NUMBERS."""
    named = {number.name: total for number, total in zip(NUMBERS, sums, strict=True)}
    plain = {name: int(named[name]) for name in Tally.__struct_fields__ if name in named}
    pairs = {name: _pair(named, name) for name in ("easy", "medium", "hard", "routed")}
    return Tally(**plain, **pairs)  # type: ignore[arg-type]  # numbers and pairs have fields of their names


def control_of(cost: Cost, tier: Tier) -> int | None:
    """What `tier` would have cost."""
    return {"easy": cost.easy, "medium": cost.medium, "hard": cost.hard}[tier]


def _pair(named: dict[str, Sum], name: str) -> Pair:
    return Pair(
        requests=int(named[f"{name}_requests"]),
        actual=int(named[f"{name}_actual"]),
        control=int(named[f"{name}_control"]),
        shared=int(named[f"{name}_shared"]),
        own=float(named[f"{name}_own"]),
    )
