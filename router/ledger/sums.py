"""The tallies of `tally`, added up by the store: of rollups where it can, of rows where it must."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    FromClause,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    text,
    true,
)

from classifier.types import TIERS
from router.ledger.facets import Dimension, Span
from router.ledger.numbers import HALF, NUMBERS, Number, Sum
from router.ledger.rollups import COLUMNS, HOUR_US, WORDS, Level, Place, level_for
from router.ledger.schema import ENTRY, ENTRY_TAG
from router.ledger.tally import Group, Tallied, tally_groups

_PAGE: Final = 1_000
_STRAGGLER: Final = text("NOT rolled")
"""Word for word the condition of the index that holds them."""


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """A span as whole periods and what is left of it at both ends."""

    whole: Span | None = None
    """Begins and ends with a period; none where there is no whole one."""
    edges: tuple[Span, ...] = ()


def cover(span: Span, known: Span, grain_us: int) -> Cover:
    """The periods of `grain_us` in `span`, of a ledger that has entries from end to end of `known`.

    A period that has begun is whole if nothing in the ledger is outside of the span.
    """
    first, after = known.since_us or 0, known.until_us or 0
    since = max(first, first if span.since_us is None else span.since_us)
    until = min(after, after if span.until_us is None else span.until_us)
    if since >= until:
        return Cover()
    lower = (since if since == first else since + grain_us - 1) // grain_us * grain_us
    upper = (until + grain_us - 1 if until == after else until) // grain_us * grain_us
    if lower >= upper:
        return Cover(edges=(Span(since_us=since, until_us=until),))
    ends = ((since, lower), (upper, until))
    return Cover(
        whole=Span(since_us=lower, until_us=upper),
        edges=tuple(Span(since_us=start, until_us=end) for start, end in ends if start < end),
    )


def select_tallies(
    connection: Connection, by: Sequence[Dimension], span: Span
) -> tuple[Tallied, ...]:
    """The sums over the entries of `span`, for each group of `by`.

    Several statements: they must see the same state of the store.
    """
    known, level = held(connection), level_for(by)
    if known is None:
        return ()
    if level is None:
        return tally_groups(_of_rows(connection, by, within(span)))
    return tally_groups(_parts(connection, by, level, cover(span, known, level.grain_us)))


def _parts(
    connection: Connection, by: Sequence[Dimension], level: Level, covered: Cover
) -> Iterator[tuple[Group, Sequence[Sum]]]:
    for edge in covered.edges:
        yield from _of_rows(connection, by, within(edge))
    if covered.whole is not None:
        yield from _of_rows(connection, by, and_(within(covered.whole), _STRAGGLER))
        yield from _of_rollups(connection, by, level, covered.whole)


def places(connection: Connection, span: Span) -> Iterator[tuple[Place, Sequence[Sum]]]:
    """What each entry of `span` adds to the rollups, in the order of arrival; few are in memory.

    Stragglers add nothing there.
    """
    row = ENTRY.c
    keys = [row.id, row.at_us, row.simulated, row.caller_user, *map(_column, WORDS)]
    query = select(*keys, *_row_numbers()).where(within(span), row.rolled).order_by(row.at_us)
    tags = _tags(connection, span)
    for entry in connection.execute(query, execution_options={"yield_per": _PAGE}):
        name, at_us, simulated, user, *rest = entry
        words, numbers = tuple(rest[: len(WORDS)]), rest[len(WORDS) :]
        hour = at_us - at_us % HOUR_US
        yield (hour, bool(simulated), words, user, tuple(tags.get(name, ()))), numbers


def _tags(connection: Connection, span: Span) -> dict[str, list[str]]:
    """The tags of the entries of `span` that have any."""
    found: dict[str, list[str]] = {}
    tag = ENTRY_TAG.c
    query = select(tag.entry_id, tag.tag).join(ENTRY, tag.entry_id == ENTRY.c.id)
    for name, word in connection.execute(query.where(within(span)).order_by(tag.tag)):
        found.setdefault(name, []).append(word)
    return found


def within(span: Span, column: ColumnElement[int] = ENTRY.c.at_us) -> ColumnElement[bool]:
    """Whether a time belongs to `span`."""
    since = true() if span.since_us is None else column >= span.since_us
    until = true() if span.until_us is None else column < span.until_us
    return and_(since, until)


def held(connection: Connection) -> Span | None:
    """From the first entry to the last; none where there is no entry."""
    first, last = (
        connection.execute(select(end(ENTRY.c.at_us))).scalar() for end in (func.min, func.max)
    )
    return None if first is None or last is None else Span(since_us=first, until_us=last + 1)


def _of_rows(
    connection: Connection, by: Sequence[Dimension], where: ColumnElement[bool]
) -> Iterator[tuple[Group, Sequence[Sum]]]:
    keys = [ENTRY.c.simulated, *map(_column, by)]
    for (simulated, *key), numbers in _added_up(connection, _source(by), keys, _row_sums(), where):
        yield (tuple(key), bool(simulated)), numbers


def _of_rollups(
    connection: Connection, by: Sequence[Dimension], level: Level, whole: Span
) -> Iterator[tuple[Group, Sequence[Sum]]]:
    table = level.table
    keys = [table.c.simulated, *(table.c[COLUMNS[name]] for name in by)]
    sums, where = _rollup_sums(table), within(whole, table.c.start_us)
    for (simulated, *key), numbers in _added_up(connection, table, keys, sums, where):
        yield (tuple(key), bool(simulated)), numbers


def _added_up(
    connection: Connection,
    source: FromClause,
    keys: Sequence[ColumnElement[Any]],
    sums: Iterable[ColumnElement[Any]],
    where: ColumnElement[bool],
) -> Iterator[tuple[tuple[Any, ...], Sequence[Sum]]]:
    """Groups by `keys`, and their sums in the order of NUMBERS."""
    query = select(*keys, *sums).select_from(source).where(where).group_by(*keys)
    for row in connection.execute(query):
        parts = iter(row[len(keys) :])
        yield tuple(row[: len(keys)]), [_total(number, parts) for number in NUMBERS]


def _total(number: Number, parts: Iterator[Any]) -> Sum:
    """The next sum: PostgreSQL gives decimals."""
    match number.kind:
        case "amount":
            return int(next(parts)) * HALF + int(next(parts))
        case "square":
            return float(next(parts))
        case "count":
            return int(next(parts))


def _column(name: Dimension) -> ColumnElement[str | None]:
    column: ColumnElement[str | None] = (ENTRY_TAG if name == "tag" else ENTRY).c[COLUMNS[name]]
    return column


def _source(by: Sequence[Dimension]) -> FromClause:
    """An entry stands once for each of its tags where tags are asked for, else once."""
    if "tag" not in by:
        return ENTRY
    return ENTRY.outerjoin(ENTRY_TAG, ENTRY_TAG.c.entry_id == ENTRY.c.id)


@cache
def _rollup_sums(table: Table) -> tuple[ColumnElement[Any], ...]:
    return tuple(func.sum(table.c[column]) for number in NUMBERS for column in number.columns)


@cache
def _row_sums() -> tuple[ColumnElement[Any], ...]:
    """The sums over rows, a part for each column of a rollup."""
    parts: list[ColumnElement[Any]] = []
    for number, value in zip(NUMBERS, _row_numbers(), strict=True):
        parts += [value // HALF, value % HALF] if number.kind == "amount" else [value]
    return tuple(func.sum(part) for part in parts)


def _row_numbers() -> Iterator[ColumnElement[Any]]:
    """What a row adds, in the order of NUMBERS. Unknown adds 0."""
    row = ENTRY.c
    yield literal(1)
    yield case((row.cost_actual.is_not(None), 1), else_=0)
    yield case((row.estimated, 1), else_=0)
    yield row.input_tokens
    yield row.cached_tokens
    yield row.output_tokens
    yield func.coalesce(row.cost_actual, 0)
    yield from _row_pair(row.cost_easy, row.shared_easy, row.own_easy)
    yield from _row_pair(row.cost_medium, row.shared_medium, row.own_medium)
    yield from _row_pair(row.cost_hard, row.shared_hard, row.own_hard)
    yield from _row_pair(row.cost_routed, _of_shadow("shared"), _of_shadow("own"))


def _row_pair(
    control: ColumnElement[int], shared: ColumnElement[int], own: ColumnElement[int]
) -> Iterator[ColumnElement[Any]]:
    actual = ENTRY.c.cost_actual
    both = and_(actual.is_not(None), control.is_not(None))
    deviation = cast(own, Double)
    yield case((both, 1), else_=0)
    yield case((both, actual), else_=0)
    yield case((both, control), else_=0)
    yield case((both, func.coalesce(shared, 0)), else_=0)
    yield case((both, func.coalesce(deviation * deviation, 0.0)), else_=0.0)


def _of_shadow(doubt: str) -> ColumnElement[int]:
    """A doubt of the tier that routing would have taken."""
    return case(*((ENTRY.c.shadow_tier == tier, ENTRY.c[f"{doubt}_{tier}"]) for tier in TIERS))
