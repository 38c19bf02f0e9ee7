"""Kept prompts in the store: apart from their entries, and gone when their time is over."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.config import Config

from router.domain import Entry, Kept
from router.ledger.drainer import Drainer
from router.ledger.engine import open_engine
from router.ledger.place import Place, place
from router.ledger.store import Store
from router.ledger.upgrade import upgrade
from tests.house.tree import ROOT
from tests.ledgers import (
    DAY_US,
    NOON_US,
    drain,
    entry,
    eventually,
    files,
    open_spool,
    postgres,
    stored,
)

KINDS = ("sqlite", "postgres")


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place where no store has been made."""
    if request.param == "sqlite":
        yield place(str(tmp_path))
    else:
        with postgres() as url:
            yield place(str(tmp_path), url)


@pytest.fixture
def home(empty: Place) -> Place:
    upgrade(empty)
    return empty


def spoken(number: int, at_us: int = NOON_US) -> Entry:
    kept = Kept(context="the walrus of yore", length=15)
    return entry(number, at_us=at_us, prompt="the walrus hums", kept=kept)


def keep(home: Place, *kept: Entry) -> None:
    spool = open_spool(home)
    for one in kept:
        spool.record(one)
    spool.close()
    drain(home)


def test_text_is_never_in_the_document_of_its_entry(home: Place) -> None:
    keep(home, spoken(1))
    engine = open_engine(home, writing=False)
    with engine.connect() as connection:
        document = connection.exec_driver_sql("SELECT CAST(document AS TEXT) FROM entry").scalar()
    engine.dispose()
    assert "walrus" not in str(document)
    assert stored(home) == [spoken(1)]


def test_old_text_goes_and_its_entry_stays(home: Place) -> None:
    keep(home, spoken(1), spoken(2, NOON_US + DAY_US), entry(3, at_us=NOON_US))
    store = Store(home, "write")
    assert store.forget_prompts(NOON_US + DAY_US) == 1
    store.close()
    old = entry(1, at_us=NOON_US)
    assert stored(home) == [old, entry(3, at_us=NOON_US), spoken(2, NOON_US + DAY_US)]


def test_what_was_forgotten_is_not_to_be_found_in_the_file(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    keep(home, *(spoken(number) for number in range(200)))
    store = Store(home, "write")
    store.forget_prompts(NOON_US + 1)
    store.close()
    assert len(stored(home)) == 200
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or b"walrus" not in file.read_bytes(), file


def test_the_drainer_forgets_by_itself(home: Place) -> None:
    now = time.time_ns() // 1_000
    spool = open_spool(home)
    spool.record(spoken(1, now - 8 * DAY_US))
    spool.record(spoken(2, now - 6 * DAY_US))
    drainer = Drainer(
        home.spool, lambda: Store(home, "write"), batch=9, interval_ms=20, prompt_days=7
    )
    drainer.start()
    try:
        eventually(lambda: [one.prompt for one in stored(home)] == [None, "the walrus hums"])
    finally:
        drainer.stop()


def test_a_drain_that_is_told_no_days_forgets_nothing(home: Place) -> None:
    keep(home, spoken(1, at_us=1))
    assert stored(home) == [spoken(1, at_us=1)]


def test_a_quiet_worker_closes_its_file_so_that_text_does_not_stay_in_it(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    spool = open_spool(home, segment_s=0.0)
    spool.record(spoken(1))
    drain(home)
    assert len(files(home.spool)) == 1
    spool.retry()
    drain(home)
    assert files(home.spool) == []
    spool.record(spoken(2))
    spool.close()
    drain(home)
    assert len(stored(home)) == 2


def test_a_young_file_goes_on(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    spool = open_spool(home)
    spool.record(entry(1))
    spool.retry()
    spool.record(entry(2))
    assert len(files(home.spool)) == 1


def test_text_that_an_earlier_version_stored_is_moved_and_can_go(empty: Place) -> None:
    make_first_revision(empty)
    hums = entry(1, prompt="the walrus hums")
    odd = entry(2, prompt='nul\0 "prompt":"x"', caller=entry().caller.__class__(user='"prompt":"'))
    plain = entry(3)
    insert_as_then(empty, hums, odd, plain)
    upgrade(empty)
    assert stored(empty) == [hums, odd, plain]
    store = Store(empty, "write")
    assert store.forget_prompts(NOON_US + DAY_US) == 2
    store.close()
    assert [one.prompt for one in stored(empty)] == [None, None, None]
    assert stored(empty)[1].caller.user == '"prompt":"'


def make_first_revision(home: Place) -> None:
    home.spool.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "router" / "ledger" / "migrations"))
    engine = open_engine(home, writing=True)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()


def insert_as_then(home: Place, *kept: Entry) -> None:
    """Rows as revision 0001 wrote them: the document held everything."""
    engine = open_engine(home, writing=True)
    mark = "?" if home.sqlite else "%s"
    columns = (
        "id, at_us, day, tier, model, reason, status, simulated, estimated, input_tokens,"
        " cached_tokens, output_tokens, reasoning_tokens, document"
    )
    for one in kept:
        document = msgspec.json.encode(one).decode()
        values = (one.id, one.at_us, "", "easy", "m", "label", 200, False, False, 1, 1, 1, 1)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"INSERT INTO entry ({columns}) VALUES ({', '.join([mark] * 14)})",
                (*values, document),
            )
    engine.dispose()
