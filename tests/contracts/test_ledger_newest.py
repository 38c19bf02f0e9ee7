"""The last entries, and entries by id: the same of a ledger in memory, in SQLite, in PostgreSQL."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from router.domain import DecisionId, Entry, Kept
from router.ledger.memory import MemoryLedger
from router.ledger.place import place
from router.ledger.store import Store
from router.ledger.upgrade import upgrade
from tests.ledgers import NOON_US, drain, entry, open_spool, postgres

KEPT = (
    entry(3, at_us=NOON_US),
    entry(1, at_us=NOON_US + 5, prompt="what is this", kept=Kept(length=12)),
    entry(2, at_us=NOON_US + 5),
    *(entry(n, at_us=NOON_US - n) for n in range(10, 700)),
)


class Archive(Protocol):
    """What is asked of each."""

    def newest(self, limit: int) -> tuple[DecisionId, ...]: ...

    def find(self, ids: Sequence[DecisionId]) -> tuple[Entry, ...]: ...


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """A ledger that holds KEPT."""
    if request.param == "memory":
        ledger = MemoryLedger()
        for one in KEPT:
            ledger.record(one)
        yield ledger
    elif request.param == "sqlite":
        yield from stored(tmp_path)
    else:
        with postgres() as url:
            yield from stored(tmp_path, url)


def stored(folder: Path, url: str = "") -> Iterator[Archive]:
    home = place(str(folder), url)
    upgrade(home)
    spool = open_spool(home)
    for one in KEPT:
        spool.record(one)
    spool.close()
    drain(home)
    store = Store(home)
    try:
        yield store
    finally:
        store.close()


def test_the_last_ones_come_first_and_equal_times_are_ordered_too(archive: Archive) -> None:
    assert archive.newest(4) == tuple(f"{n:032x}" for n in (2, 1, 3, 10))
    assert len(archive.newest(10_000)) == len(KEPT)
    assert archive.newest(0) == ()


def test_entries_are_found_by_id_whole_and_in_any_number(archive: Archive) -> None:
    found = archive.find(archive.newest(600))
    assert {one.id for one in found} == set(archive.newest(600))
    assert {one.prompt for one in found} == {None, "what is this"}
    assert KEPT[1] in found


def test_what_is_not_there_is_left_out(archive: Archive) -> None:
    odd = ["nothing", "' OR 1=1 --", "nul\0", "\udcff", "x" * 10_000, ""]
    assert archive.find([*map(DecisionId, odd), KEPT[0].id]) == (KEPT[0],)
    assert archive.find([]) == ()
