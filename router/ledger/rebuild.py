"""The rollups made anew from the rows: after a migration, or when somebody changed rows by hand."""

import logging
from typing import Final

from sqlalchemy import Connection, func, select, update

from router.ledger.facets import Span, day_of
from router.ledger.rollups import DAY_US, LEVELS, add_sums
from router.ledger.schema import ENTRY
from router.ledger.sums import held, sum_slots, within

_LOG: Final = logging.getLogger(__name__)


def rebuild(connection: Connection) -> None:
    """Make every rollup anew, a day at a time: no more than the groups of a day are in memory.

    Nobody may write meanwhile.
    """
    for level in LEVELS:
        connection.execute(level.table.delete())
    connection.execute(update(ENTRY).where(~ENTRY.c.rolled).values(rolled=True))
    known = held(connection)
    at_us = known.since_us if known else None
    while at_us is not None:
        start = at_us - at_us % DAY_US
        day = Span(since_us=start, until_us=start + DAY_US)
        _LOG.info("adding up the ledger's %s", day_of(start))
        for level in LEVELS:
            add_sums(connection, level, sum_slots(connection, level, within(day)))
        later = select(func.min(ENTRY.c.at_us)).where(ENTRY.c.at_us >= day.until_us)
        at_us = connection.execute(later).scalar()
