"""Where entries end up: a table in SQLite or PostgreSQL, written by one drainer, read by many."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from router.domain import DecisionId, Entry, Feedback
from router.errors import LedgerError
from router.ledger.engine import open_engine, said
from router.ledger.facets import EVER, Dimension, Span
from router.ledger.place import Place
from router.ledger.rows import Record, entry_of
from router.ledger.schema import ENTRY, FEEDBACK, PROMPT
from router.ledger.storing import store
from router.ledger.sums import select_tallies, within
from router.ledger.tally import Tallied
from router.ledger.upgrade import check_revision

Mode: TypeAlias = Literal["read", "write"]
Spare: TypeAlias = Callable[[DecisionId], object]
"""Is told of an entry that cannot be read and is left out."""
_PAGE: Final = 500


class Refused(LedgerError):
    """The store works, but will not take what was written for what is in it."""


class Unreadable(LedgerError):
    """The store works, but what it has of an entry is none, or of a later version."""


class Store:
    """The ledger's store. Every method raises LedgerError where the store cannot be reached."""

    def __init__(self, place: Place, mode: Mode = "read") -> None:
        self._name = place.name
        self._file = place.sqlite
        self._engine = open_engine(place, writing=mode == "write")
        try:
            self._check()
        except LedgerError:
            self.close()
            raise

    def insert(self, records: Sequence[Record | Feedback]) -> None:
        """Store what is not yet stored, all of `records` or none.

        Raises Refused where the trouble is in a record, LedgerError where it is in the store.
        """
        if self._file is not None and not self._file.exists():
            # SQLite would go on writing to the deleted file, and all of it would be lost.
            message = f"the ledger {self._name} was deleted: start the service again to make one"
            raise LedgerError(message)
        try:
            with self._trouble(), self._engine.begin() as connection:
                store(connection, records)
        except (ValueError, OverflowError) as error:
            # What no driver can bind: an integer beyond 64 bits, a date beyond the calendar.
            raise Refused(str(error)) from error

    def forget_prompts(self, before_us: int) -> int:
        """Take out the text of entries that arrived before `before_us`; how many had any."""
        old = delete(PROMPT).where(PROMPT.c.at_us < before_us)
        with self._trouble(), self._engine.begin() as connection:
            return connection.execute(old).rowcount

    def entries(
        self, span: Span = EVER, *, with_text: bool = False, spare: Spare | None = None
    ) -> Iterator[Entry]:
        """The entries of `span` in the order of their arrival, a page of them in memory.

        `with_text`: only those whose prompt was kept and still is. Raises LedgerError, naming the
        entry, where one cannot be read; with `spare` that is told instead, and the others follow.
        """
        query = (
            select(ENTRY.c.id, ENTRY.c.document, PROMPT.c.document)
            .join(PROMPT, PROMPT.c.entry_id == ENTRY.c.id, isouter=not with_text)
            .where(within(span))
            .order_by(ENTRY.c.at_us, ENTRY.c.id)
        )
        with self._trouble(), self._engine.connect() as connection:
            for name, *read in connection.execution_options(yield_per=_PAGE).execute(query):
                try:
                    yield self._read(name, *read)
                except Unreadable:
                    if spare is None:
                        raise
                    spare(DecisionId(name))

    def newest(self, limit: int) -> tuple[DecisionId, ...]:
        """Ids of the `limit` entries that arrived last, the last first; an index alone is read."""
        query = select(ENTRY.c.id).order_by(ENTRY.c.at_us.desc(), ENTRY.c.id.desc()).limit(limit)
        with self._trouble(), self._engine.connect() as connection:
            return tuple(DecisionId(found) for (found,) in connection.execute(query))

    def find(self, ids: Sequence[DecisionId]) -> tuple[Entry, ...]:
        """Those of `ids` that are stored, with their text where it is kept; in no order.

        Raises LedgerError also where one of them cannot be read, and names it.
        """
        query = select(ENTRY.c.id, ENTRY.c.document, PROMPT.c.document).join(
            PROMPT, PROMPT.c.entry_id == ENTRY.c.id, isouter=True
        )
        # Ids are plain; what else somebody may ask for, drivers refuse in ways of their own.
        plain = [one for one in ids if one.isascii() and one.isprintable()]
        found: list[Entry] = []
        with self._trouble(), self._engine.connect() as connection:
            for at in range(0, len(plain), _PAGE):
                page = query.where(ENTRY.c.id.in_(plain[at : at + _PAGE]))
                found += (self._read(*row) for row in connection.execute(page))
        return tuple(found)

    def feedback(self, span: Span = EVER) -> Iterator[Feedback]:
        """What was said of the entries of `span`, in the order in which it was said."""
        order = (FEEDBACK.c.at_us, FEEDBACK.c.decision_id, FEEDBACK.c.witness)
        query = (
            select(FEEDBACK)
            .join(ENTRY, ENTRY.c.id == FEEDBACK.c.decision_id)
            .where(within(span))
            .order_by(*order)
        )
        with self._trouble(), self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=_PAGE).execute(query)
            for row in rows.mappings():
                yield msgspec.convert(row, Feedback)

    def tallies(self, by: Sequence[Dimension] = (), span: Span = EVER) -> tuple[Tallied, ...]:
        """The sums of `span` for each group of `by`, added up by the store."""
        with self._trouble(), self._engine.connect() as connection:
            return select_tallies(connection, by, span)

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def _check(self) -> None:
        with self._trouble(), self._engine.connect() as connection:
            check_revision(connection, self._name)

    def _read(self, name: str, document: str, text: str | None) -> Entry:
        try:
            return entry_of(document, text)
        except msgspec.MsgspecError as error:
            raise Unreadable(_unreadable(name, self._name, error)) from error

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (DataError, IntegrityError) as error:
            raise Refused(said(error)) from error
        except SQLAlchemyError as error:
            message = f"the ledger {self._name} does not answer: {said(error)}"
            raise LedgerError(message) from error


def _unreadable(name: str, ledger: str, error: msgspec.MsgspecError) -> str:
    return (
        f"entry {name} of the ledger {ledger} cannot be read ({error}): its document is damaged, or"
        " from a later version; `gearshift export` leaves such entries out and names them"
    )
