"""What the dashboard knows of the ledger, read in a thread of its own, by index and by sums."""

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, Protocol

import msgspec

from classifier.types import Tier
from router.api.dashboard.sums import BY, Sums, add_up, span_of
from router.api.dashboard.window import SIZE, Window, look_back
from router.domain import DecisionId, Entry
from router.errors import LedgerError
from router.ledger.facets import EVER, Dimension, Span, day_of
from router.ledger.tally import Tallied

SHOWN: Final = 25
"""Decisions in the list of recent ones."""
_LEAST_S: Final = 2.0
_SHARE: Final = 10
"""Sums are taken at most every so many times as long as they took last."""


class Archive(Protocol):
    """The part of a store that is read here. Every method raises LedgerError."""

    def newest(self, limit: int) -> tuple[DecisionId, ...]:
        """Ids of the entries that arrived last, the last first."""

    def find(self, ids: Sequence[DecisionId]) -> tuple[Entry, ...]:
        """Those of `ids` that are there."""

    def tallies(self, by: Sequence[Dimension] = (), span: Span = EVER) -> tuple[Tallied, ...]:
        """Sums by group."""

    def close(self) -> None:
        """Give back the connections."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to show."""

    at_us: int
    """When it was read, microseconds since the epoch."""
    sums: Sums | None = None
    """Null before the first ones are there."""
    window: Window = Window()
    recent: tuple[Entry, ...] = ()
    """The last decisions, the latest first."""
    trouble: str = ""
    """Why the ledger could not be read; what is shown is then what it was before."""


class Reader:
    """Reads a ledger again and again. One call of `read` at a time does work; others wait."""

    def __init__(self, open_archive: Callable[[], Archive], baseline: Tier) -> None:
        self._open = open_archive
        self._baseline = baseline
        self._lock = Lock()
        self._archive: Archive | None = None
        self._last = Snapshot(at_us=0)
        self._ids: tuple[DecisionId, ...] = ()
        self._known: dict[DecisionId, Entry] = {}
        self._stale = True
        self._summed_us = 0
        self._took_s = 0.0

    def read(self) -> Snapshot:
        """What there is now; the very snapshot of before where nothing has changed."""
        with self._lock:
            now_us = time.time_ns() // 1_000
            try:
                self._last = self._look(now_us)
            except LedgerError as error:
                self._let_go()
                if self._last.trouble != str(error):
                    self._last = msgspec.structs.replace(self._last, trouble=str(error))
            return self._last

    def find(self, id: DecisionId) -> Entry | None:  # noqa: A002  (what it is called)
        """The entry of a decision, if it is stored. Raises LedgerError."""
        archive = self._open()  # one of its own: it need not wait for sums
        try:
            found = archive.find([id])
        finally:
            archive.close()
        return found[0] if found else None

    def close(self) -> None:
        """Give back the connections."""
        with self._lock:
            self._let_go()

    def _look(self, now_us: int) -> Snapshot:
        archive = self._opened()
        last, ids = self._last, archive.newest(SIZE)
        changed = ids != self._ids
        self._stale |= changed or day_of(now_us) != day_of(self._summed_us)
        due = self._stale and self._is_due(now_us)
        if not (changed or due or last.trouble):
            return last
        sums = self._sum(archive, now_us) if due else last.sums
        window, recent = self._read_recent(archive, ids) if changed else (last.window, last.recent)
        return Snapshot(at_us=now_us, sums=sums, window=window, recent=recent)

    def _is_due(self, now_us: int) -> bool:
        pause_s = max(_LEAST_S, _SHARE * self._took_s)
        return now_us - self._summed_us >= pause_s * 1_000_000

    def _sum(self, archive: Archive, now_us: int) -> Sums:
        begun = time.monotonic()
        found = archive.tallies(BY, span_of(now_us))
        self._took_s = time.monotonic() - begun
        self._summed_us, self._stale = now_us, False
        return add_up(found, now_us, self._baseline)

    def _read_recent(
        self, archive: Archive, ids: tuple[DecisionId, ...]
    ) -> tuple[Window, tuple[Entry, ...]]:
        """The last entries; of those that are known only the shown ones are read again.

        Entries never change, but kept text goes when its days are over: it is not held here.
        """
        shown = {entry.id: entry for entry in archive.find(ids[:SHOWN])}
        unknown = [one for one in ids[SHOWN:] if one not in self._known]
        known = self._known | {entry.id: _bare(entry) for entry in archive.find(unknown)}
        known |= {name: _bare(entry) for name, entry in shown.items()}
        self._known = {one: known[one] for one in ids if one in known}
        self._ids = ids
        recent = tuple(shown[one] for one in ids[:SHOWN] if one in shown)
        return look_back(self._known.values()), recent

    def _opened(self) -> Archive:
        if self._archive is None:
            self._archive = self._open()
        return self._archive

    def _let_go(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None


def _bare(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, prompt=None, kept=None)
