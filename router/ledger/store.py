"""Where entries end up: a table in SQLite or PostgreSQL, written by one drainer, read by many."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Insert, and_, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from router.domain import Entry
from router.errors import LedgerError
from router.ledger.engine import open_engine, said
from router.ledger.facets import EVER, Dimension, Span, facet, is_estimated, tags_of
from router.ledger.place import Place
from router.ledger.schema import ENTRY, ENTRY_TAG, REVISION
from router.ledger.sums import select_tallies
from router.ledger.tally import Tallied
from router.ledger.upgrade import revision_of

Mode: TypeAlias = Literal["read", "write"]
_PAGE: Final = 500


class Refused(LedgerError):
    """The store works, but will not take what was written for what is in it."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An entry and its document: the JSON text that the spool held."""

    entry: Entry
    document: str


class Store:
    """The ledger's store. Every method raises LedgerError where the store cannot be reached."""

    def __init__(self, place: Place, mode: Mode = "read") -> None:
        self._name = place.name
        self._file = place.sqlite
        self._engine = open_engine(place, writing=mode == "write")
        self._entry, self._tag = _insert_statements(self._engine.dialect.name)
        self._decode = msgspec.json.Decoder(Entry).decode
        try:
            self._check()
        except LedgerError:
            self.close()
            raise

    def insert(self, records: Sequence[Record]) -> None:
        """Store what is not yet stored, all of `records` or none.

        Raises Refused where the trouble is in a record, LedgerError where it is in the store.
        """
        if self._file is not None and not self._file.exists():
            # SQLite would go on writing to the deleted file, and all of it would be lost.
            message = f"the ledger {self._name} was deleted: start the service again to make one"
            raise LedgerError(message)
        try:
            rows = [_row(record) for record in records]
            tags = [
                {"entry_id": record.entry.id, "tag": tag}
                for record in records
                for tag in tags_of(record.entry)
            ]
            with self._trouble(), self._engine.begin() as connection:
                connection.execute(self._entry, rows)
                if tags:
                    connection.execute(self._tag, tags)
        except (ValueError, OverflowError) as error:
            # What no driver can bind: an integer beyond 64 bits, a date beyond the calendar.
            raise Refused(str(error)) from error

    def entries(self, span: Span = EVER) -> Iterator[Entry]:
        """The entries of `span` in the order of their arrival, a page of them in memory."""
        query = select(ENTRY.c.document).where(_within(span)).order_by(ENTRY.c.at_us, ENTRY.c.id)
        with self._trouble(), self._engine.connect() as connection:
            for document in connection.execution_options(yield_per=_PAGE).scalars(query):
                yield self._decode(document)

    def tallies(self, by: Sequence[Dimension] = (), span: Span = EVER) -> tuple[Tallied, ...]:
        """The sums of `span` for each group of `by`, added up by the store."""
        with self._trouble(), self._engine.connect() as connection:
            return select_tallies(connection, by, _within(span))

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def _check(self) -> None:
        with self._trouble(), self._engine.connect() as connection:
            found = revision_of(connection)
        if found != REVISION:
            message = (
                f"the ledger {self._name} is of revision {found or 'none'} instead of {REVISION}:"
                " start the service once to bring it up to date"
            )
            raise LedgerError(message)

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (DataError, IntegrityError) as error:
            raise Refused(said(error)) from error
        except SQLAlchemyError as error:
            message = f"the ledger {self._name} does not answer: {said(error)}"
            raise LedgerError(message) from error


def _within(span: Span) -> ColumnElement[bool]:
    since = true() if span.since_us is None else ENTRY.c.at_us >= span.since_us
    until = true() if span.until_us is None else ENTRY.c.at_us < span.until_us
    return and_(since, until)


def _insert_statements(dialect: str) -> tuple[Insert, Insert]:
    if dialect == "postgresql":
        return (
            postgresql.insert(ENTRY).on_conflict_do_nothing(),
            postgresql.insert(ENTRY_TAG).on_conflict_do_nothing(),
        )
    return (
        sqlite.insert(ENTRY).on_conflict_do_nothing(),
        sqlite.insert(ENTRY_TAG).on_conflict_do_nothing(),
    )


def _row(record: Record) -> dict[str, str | int | None]:
    entry = record.entry
    return {
        "id": entry.id,
        "at_us": entry.at_us,
        "day": facet(entry, "day"),
        "tier": facet(entry, "tier"),
        "label": facet(entry, "label"),
        "model": facet(entry, "model"),
        "reason": entry.decision.reason,
        "caller_key": facet(entry, "key"),
        "caller_user": facet(entry, "user"),
        "status": entry.outcome.status,
        "simulated": entry.simulated,
        "estimated": is_estimated(entry),
        "input_tokens": entry.usage.input,
        "cached_tokens": entry.usage.cached,
        "output_tokens": entry.usage.output,
        "reasoning_tokens": entry.usage.reasoning,
        "cost_actual": entry.cost.actual,
        "cost_easy": entry.cost.easy,
        "cost_medium": entry.cost.medium,
        "cost_hard": entry.cost.hard,
        "document": record.document,
    }
