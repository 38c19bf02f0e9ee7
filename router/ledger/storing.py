"""The writer's transaction: entries, what belongs to them, and the sums they are added to."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import ARRAY, Connection, String, any_, literal, select, text

from router.domain import DecisionId, Feedback
from router.ledger.bulk import insert_rows
from router.ledger.rollups import roll_up
from router.ledger.rows import Record, inserts
from router.ledger.schema import ENTRY

_ADVISORY: Final = 0x6765_6172_7377
"""The number that all instances lock in PostgreSQL while they write."""


def store(connection: Connection, said: Sequence[Record | Feedback]) -> None:
    """Store `said`. An entry that is known stays as it is, and adds to no sum again."""
    dialect = connection.dialect.name
    records: dict[DecisionId, Record] = {}
    for one in said:
        if isinstance(one, Record):
            # The first of an id counts, here as in the store.
            records.setdefault(one.entry.id, one)
    lock_out(connection)
    known = _known(connection, records)
    fresh = [record for name, record in records.items() if name not in known]
    feedback = [one for one in said if isinstance(one, Feedback)]
    for statement, values in inserts(dialect, fresh, feedback):
        insert_rows(connection, statement, values)
    roll_up(connection, [record.entry for record in fresh])


def lock_out(connection: Connection) -> None:
    """Wait until nobody else writes, and let nobody write until the transaction ends.

    SQLite has only one writer anyway; PostgreSQL may have several, whose sums would count an entry
    twice that both of them have, and who could each wait for a sum that the other has changed.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY})


def _known(connection: Connection, names: Iterable[DecisionId]) -> frozenset[str]:
    """Those of `names` that are stored."""
    if connection.dialect.name == "postgresql":
        # One parameter: the driver takes longer to read a statement of five hundred than to run it.
        found = ENTRY.c.id == any_(literal(list(names), ARRAY(String)))
    else:
        found = ENTRY.c.id.in_(list(names))
    return frozenset(connection.execute(select(ENTRY.c.id).where(found)).scalars())
