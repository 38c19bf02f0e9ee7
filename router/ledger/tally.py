"""What entries add up to: exact sums by group, from values here and from SQL in `sums`.

Money is integer pico-USD. A tally says beside every sum over how many entries it goes, because
an entry may lack a price or a counterfactual, and unknown is not 0.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from classifier.types import TIERS, Tier
from router.domain import Cost, Entry
from router.ledger.facets import Dimension, Key, is_estimated, keys_of


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
    """In shadow mode, with the roles changed: what was paid beside what routing would have cost."""

    def pair(self, tier: Tier) -> Pair:
        """The comparison with one tier."""
        return {"easy": self.easy, "medium": self.medium, "hard": self.hard}[tier]


class Tallied(msgspec.Struct, frozen=True, kw_only=True):
    """A group and its sums. Real and simulated money are never in one tally."""

    key: Key = ()
    simulated: bool = False
    tally: Tally


class Tallier:
    """Adds up entries one at a time, so that a log of any length fits."""

    def __init__(self, by: Sequence[Dimension] = ()) -> None:
        self._by = tuple(by)
        self._groups: dict[tuple[Key, bool], list[int]] = {}

    def add(self, entry: Entry) -> None:
        """Count `entry` in every group it belongs to."""
        numbers = tuple(_numbers(entry))
        for key in keys_of(entry, self._by):
            sums = self._groups.setdefault((key, entry.simulated), [0] * len(numbers))
            for position, number in enumerate(numbers):
                sums[position] += number

    def result(self) -> tuple[Tallied, ...]:
        """The groups so far, in no particular order."""
        return tuple(
            Tallied(key=key, simulated=simulated, tally=tally_of(sums))
            for (key, simulated), sums in self._groups.items()
        )


def tally_entries(entries: Iterable[Entry], by: Sequence[Dimension] = ()) -> tuple[Tallied, ...]:
    """The sums of `entries` for each group of `by`."""
    tallier = Tallier(by)
    for entry in entries:
        tallier.add(entry)
    return tallier.result()


def tally_of(sums: Sequence[int]) -> Tally:
    """A tally from its numbers: the fields in their order, then three for each tier."""
    requests, priced, estimated, tokens_in, cached, tokens_out, actual, *rest = sums
    easy, medium, hard = (
        Pair(requests=rest[at], actual=rest[at + 1], control=rest[at + 2]) for at in (0, 3, 6)
    )
    return Tally(
        requests=requests,
        priced=priced,
        estimated=estimated,
        input=tokens_in,
        cached=cached,
        output=tokens_out,
        actual=actual,
        easy=easy,
        medium=medium,
        hard=hard,
    )


def control_of(cost: Cost, tier: Tier) -> int | None:
    """What `tier` would have cost."""
    return {"easy": cost.easy, "medium": cost.medium, "hard": cost.hard}[tier]


def _numbers(entry: Entry) -> Iterator[int]:
    actual = entry.cost.actual
    yield 1
    yield int(actual is not None)
    yield int(is_estimated(entry))
    yield entry.usage.input
    yield entry.usage.cached
    yield entry.usage.output
    yield actual or 0
    for tier in TIERS:
        control = control_of(entry.cost, tier)
        if actual is None or control is None:
            yield from (0, 0, 0)
        else:
            yield from (1, actual, control)
