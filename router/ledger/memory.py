"""A ledger in memory, with the same face as spool and store together."""

from collections.abc import Iterator, Sequence

from router.domain import DecisionId, Entry, Feedback, Witness
from router.ledger.facets import EVER, Dimension, Span
from router.ledger.tally import Tallied, tally_entries


class MemoryLedger:
    """Keeps every entry until it is dropped: for tests, and for programs that end."""

    def __init__(self) -> None:
        self._entries: dict[DecisionId, Entry] = {}
        self._feedback: dict[tuple[DecisionId, Witness], Feedback] = {}

    def record(self, said: Entry | Feedback) -> bool:
        """Keep an entry unless its id is known, feedback unless later feedback is."""
        if isinstance(said, Entry):
            self._entries.setdefault(said.id, said)
        else:
            known = self._feedback.setdefault((said.decision_id, said.witness), said)
            if known.at_us < said.at_us:
                self._feedback[said.decision_id, said.witness] = said
        return True

    def entries(self, span: Span = EVER) -> Iterator[Entry]:
        """The entries of `span` in the order of their arrival."""
        found = (entry for entry in self._entries.values() if span.holds(entry.at_us))
        return iter(sorted(found, key=lambda entry: (entry.at_us, entry.id)))

    def newest(self, limit: int) -> tuple[DecisionId, ...]:
        """Ids of the `limit` entries that arrived last, the last first."""
        return tuple(entry.id for entry in reversed(list(self.entries())))[:limit]

    def find(self, ids: Sequence[DecisionId]) -> tuple[Entry, ...]:
        """Those of `ids` that were recorded, in no order."""
        return tuple(self._entries[one] for one in ids if one in self._entries)

    def feedback(self, span: Span = EVER) -> Iterator[Feedback]:
        """What was said of the entries of `span`, in the order in which it was said."""
        known = {entry.id for entry in self.entries(span)}
        found = (said for said in self._feedback.values() if said.decision_id in known)
        return iter(sorted(found, key=lambda said: (said.at_us, said.decision_id, said.witness)))

    def tallies(self, by: Sequence[Dimension] = (), span: Span = EVER) -> tuple[Tallied, ...]:
        """The sums of `span` for each group of `by`."""
        return tally_entries(self.entries(span), by)

    def close(self) -> None:
        """Nothing is open."""
