"""Sums that are kept as entries come in, so that a report need not read them all again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Final, TypeAlias

import msgspec
from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from router.domain import Entry
from router.ledger.bulk import Cell, insert_cells
from router.ledger.facets import Dimension, Key, day_of, facet, tags_of
from router.ledger.numbers import HALF, NUMBERS, Sum, numbers_of, put
from router.ledger.schema import ROLLUP_HOUR, ROLLUP_TAG, ROLLUP_USER

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US

Slot: TypeAlias = tuple[int, bool, Key]
"""The start of a period, whether its money is simulated, and the words of a level."""
Place: TypeAlias = tuple[int, bool, Key, str | None, tuple[str, ...]]
"""What tells slots of all levels apart: an hour, the money, the words, the user and the tags."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One table of sums: by how long a period, and by which words."""

    table: Table
    grain_us: int
    words: tuple[Dimension, ...]

    def answers(self, by: Sequence[Dimension]) -> bool:
        """Whether its sums can be told apart by all of `by`; the day is that of the period."""
        return set(by) <= {*self.words, "day"}

    def start(self, at_us: int) -> int:
        """The beginning of the period that `at_us` belongs to."""
        return at_us - at_us % self.grain_us


WORDS: Final[tuple[Dimension, ...]] = ("model", "tier", "label", "key")
LEVELS: Final = (
    Level(table=ROLLUP_HOUR, grain_us=HOUR_US, words=WORDS),
    Level(table=ROLLUP_USER, grain_us=DAY_US, words=(*WORDS, "user")),
    Level(table=ROLLUP_TAG, grain_us=DAY_US, words=(*WORDS, "tag")),
)
"""The one with the fewest rows first. By users and tags at once rows alone can tell."""
_IN_HALVES: Final = tuple(number.kind == "amount" for number in NUMBERS)
COLUMNS: Final[dict[Dimension, str]] = {
    "model": "model",
    "tier": "tier",
    "label": "label",
    # `key` and `user` are words of SQL.
    "key": "caller_key",
    "user": "caller_user",
    "tag": "tag",
    "day": "day",
}
"""The names of the dimensions as columns, of entries and of rollups alike."""


def level_for(by: Sequence[Dimension]) -> Level | None:
    """The level that answers `by` with the least reading; none where only rows do."""
    return next((level for level in LEVELS if level.answers(by)), None)


def roll_up(connection: Connection, entries: Iterable[Entry]) -> None:
    """Add `entries`, none of which was added before, to the sums of every level."""
    places: dict[Place, Sequence[Sum]] = {}
    for entry in entries:
        put(places, _place(entry), numbers_of(entry))
    add_up(connection, places)


def add_up(connection: Connection, places: Mapping[Place, Sequence[Sum]]) -> None:
    """Add the sums of `places` to those of every level."""
    for level in LEVELS:
        slots: dict[Slot, Sequence[Sum]] = {}
        for place, numbers in places.items():
            for slot in _slots(level, place):
                put(slots, slot, numbers)
        if rows := [_row(slot, numbers) for slot, numbers in slots.items()]:
            insert_cells(connection, _addition(level.table, connection.dialect.name), rows)


def _place(entry: Entry) -> Place:
    return (
        entry.at_us - entry.at_us % HOUR_US,
        entry.simulated,
        tuple(facet(entry, word) for word in WORDS),
        facet(entry, "user"),
        tags_of(entry),
    )


def _slots(level: Level, place: Place) -> Iterator[Slot]:
    hour, simulated, words, user, tags = place
    start = level.start(hour)
    match level.words[-1]:
        case "user":
            yield start, simulated, (*words, user)
        case "tag":
            for tag in tags or (None,):
                yield start, simulated, (*words, tag)
        case _:
            yield start, simulated, words


def _row(slot: Slot, numbers: Sequence[Sum]) -> tuple[Cell, ...]:
    """The cells of a slot, in the order of the columns."""
    start, simulated, key = slot
    digest = blake2b(msgspec.json.encode((simulated, key)), digest_size=16).digest()
    cells: list[Cell] = [start, digest, day_of(start), simulated, *key]
    for in_halves, total in zip(_IN_HALVES, numbers, strict=True):
        if in_halves:
            cells += divmod(total, HALF)
        else:
            cells.append(total)
    return tuple(cells)


@cache
def _addition(table: Table, dialect: str) -> Insert:
    """The statement that adds the sums of a row to those of the same slot, if there are any."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    row = insert(table)
    return row.on_conflict_do_update(
        index_elements=["start_us", "digest"],
        set_={
            column: table.c[column] + row.excluded[column]
            for number in NUMBERS
            for column in number.columns
        },
    )
