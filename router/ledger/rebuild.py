"""The rollups made anew from the rows: after a migration, or when somebody changed rows by hand."""

import logging
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, func, select, update

from router.ledger.facets import Span, day_of
from router.ledger.numbers import Sum, put
from router.ledger.rollups import DAY_US, LEVELS, Place, add_up
from router.ledger.schema import ENTRY
from router.ledger.storing import lock_out
from router.ledger.sums import held, places

_LOG: Final = logging.getLogger(__name__)
_MOST: Final = 50_000
"""Sums that are in memory at a time."""


def rebuild(connection: Connection) -> None:
    """Make every rollup anew, a day at a time. Whoever writes waits."""
    lock_out(connection)
    for level in LEVELS:
        connection.execute(level.table.delete())
    connection.execute(update(ENTRY).where(~ENTRY.c.rolled).values(rolled=True))
    known = held(connection)
    at_us = known.since_us if known else None
    while at_us is not None:
        start = at_us - at_us % DAY_US
        _LOG.info("adding up the ledger's %s", day_of(start))
        _add_up(connection, Span(since_us=start, until_us=start + DAY_US))
        later = select(func.min(ENTRY.c.at_us)).where(ENTRY.c.at_us >= start + DAY_US)
        at_us = connection.execute(later).scalar()


def _add_up(connection: Connection, day: Span) -> None:
    sums: dict[Place, Sequence[Sum]] = {}
    for place, numbers in places(connection, day):
        put(sums, place, numbers)
        if len(sums) >= _MOST:
            add_up(connection, sums)
            sums.clear()
    add_up(connection, sums)
