"""A ledger in memory, with the same face as spool and store together."""

from collections.abc import Iterator, Sequence

from router.domain import DecisionId, Entry
from router.ledger.facets import EVER, Dimension, Span
from router.ledger.tally import Tallied, tally_entries


class MemoryLedger:
    """Keeps every entry until it is dropped: for tests, and for programs that end."""

    def __init__(self) -> None:
        self._entries: dict[DecisionId, Entry] = {}

    def record(self, entry: Entry) -> None:
        """Keep `entry`, unless its id is known."""
        self._entries.setdefault(entry.id, entry)

    def entries(self, span: Span = EVER) -> Iterator[Entry]:
        """The entries of `span` in the order of their arrival."""
        found = (entry for entry in self._entries.values() if span.holds(entry.at_us))
        return iter(sorted(found, key=lambda entry: (entry.at_us, entry.id)))

    def tallies(self, by: Sequence[Dimension] = (), span: Span = EVER) -> tuple[Tallied, ...]:
        """The sums of `span` for each group of `by`."""
        return tally_entries(self.entries(span), by)

    def close(self) -> None:
        """Nothing is open."""
