"""The writer's transaction: entries, what belongs to them, and the sums they are added to."""

from collections.abc import Sequence

from sqlalchemy import Connection

from router.domain import DecisionId, Feedback
from router.ledger.rollups import roll_up
from router.ledger.rows import Record, entry_insert, entry_rows, inserts


def store(connection: Connection, said: Sequence[Record | Feedback]) -> None:
    """Store `said`. An entry that is known stays as it is, and adds to no sum again."""
    dialect = connection.dialect.name
    records: dict[DecisionId, Record] = {}
    for one in said:
        if isinstance(one, Record):
            # The first of an id counts, here as in the store.
            records.setdefault(one.entry.id, one)
    feedback = [one for one in said if isinstance(one, Feedback)]
    fresh: list[Record] = []
    if records:
        new = connection.execute(entry_insert(dialect), entry_rows(records.values())).scalars()
        fresh = [records[name] for name in new]
    for statement, values in inserts(dialect, fresh, feedback):
        connection.execute(statement, values)
    roll_up(connection, [record.entry for record in fresh])
