"""The tallies of `tally`, added up by the store."""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    and_,
    case,
    func,
    literal,
    select,
)

from router.ledger.facets import Dimension
from router.ledger.schema import ENTRY, ENTRY_TAG
from router.ledger.tally import Tallied, tally_of

_HALF: Final = 10**9
"""Sums are taken of the upper and the lower part of a number: a 64-bit sum of pico-USD would end
at nine million dollars, with an error on SQLite."""


def select_tallies(
    connection: Connection, by: Sequence[Dimension], within: ColumnElement[bool]
) -> tuple[Tallied, ...]:
    """The sums over the entries `within`, for each group of `by`."""
    keys = [_column(name) for name in by]
    sums = [func.sum(part) for number in _numbers() for part in (number // _HALF, number % _HALF)]
    query = (
        select(ENTRY.c.simulated, *keys, *sums)
        .select_from(_source(by))
        .where(within)
        .group_by(ENTRY.c.simulated, *keys)
    )
    return tuple(_tallied(tuple(row), len(keys)) for row in connection.execute(query))


def _tallied(row: tuple[object, ...], width: int) -> Tallied:
    simulated, key, halves = row[0], row[1 : 1 + width], row[1 + width :]
    numbers = [
        int(str(upper)) * _HALF + int(str(lower))
        for upper, lower in zip(halves[::2], halves[1::2], strict=True)
    ]
    return Tallied(
        key=tuple(None if value is None else str(value) for value in key),
        simulated=bool(simulated),
        tally=tally_of(numbers),
    )


def _column(name: Dimension) -> Column[str | None]:
    columns: dict[Dimension, Column[str | None]] = {
        "model": ENTRY.c.model,
        "tier": ENTRY.c.tier,
        "label": ENTRY.c.label,
        "key": ENTRY.c.caller_key,
        "user": ENTRY.c.caller_user,
        "tag": ENTRY_TAG.c.tag,
        "day": ENTRY.c.day,
    }
    return columns[name]


def _source(by: Sequence[Dimension]) -> FromClause:
    """An entry stands once for each of its tags where tags are asked for, else once."""
    if "tag" not in by:
        return ENTRY
    return ENTRY.outerjoin(ENTRY_TAG, ENTRY_TAG.c.entry_id == ENTRY.c.id)


def _numbers() -> Iterator[ColumnElement[int]]:
    """What a tally adds up, in the order of `tally_of`.

    Unknown adds 0, and the number of requests beside each sum tells it apart.
    """
    actual = ENTRY.c.cost_actual
    yield literal(1)
    yield case((actual.is_not(None), 1), else_=0)
    yield case((ENTRY.c.estimated, 1), else_=0)
    yield ENTRY.c.input_tokens
    yield ENTRY.c.cached_tokens
    yield ENTRY.c.output_tokens
    yield func.coalesce(actual, 0)
    for control in (ENTRY.c.cost_easy, ENTRY.c.cost_medium, ENTRY.c.cost_hard):
        both = and_(actual.is_not(None), control.is_not(None))
        yield case((both, 1), else_=0)
        yield case((both, actual), else_=0)
        yield case((both, control), else_=0)
