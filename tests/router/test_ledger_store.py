"""The store: made, brought up to date, opened and refused."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from router.errors import LedgerError
from router.ledger.engine import open_engine
from router.ledger.filelock import FileLock
from router.ledger.place import Place, place
from router.ledger.rows import Record
from router.ledger.schema import METADATA, REVISION
from router.ledger.store import Store
from router.ledger.upgrade import DRAIN_LOCK, upgrade
from tests.house.tree import ROOT
from tests.ledgers import drain, entry, open_spool, postgres, stored

KINDS = ("sqlite", "postgres")


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place where no store has been made."""
    if request.param == "sqlite":
        yield place(str(tmp_path))
    else:
        with postgres() as url:
            yield place(str(tmp_path), url)


def test_migrating_makes_the_tables_that_statements_are_written_for(empty: Place) -> None:
    upgrade(empty)
    engine = open_engine(empty, writing=False)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_that_the_code_asks_for() -> None:
    scripts = ScriptDirectory(str(ROOT / "router" / "ledger" / "migrations"))
    assert scripts.get_current_head() == REVISION


def test_migrating_again_keeps_what_is_there(empty: Place) -> None:
    upgrade(empty)
    spool = open_spool(empty)
    spool.record(entry(1))
    drain(empty)
    upgrade(empty)
    assert stored(empty) == [entry(1)]


def test_many_may_migrate_at_once(empty: Place) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [empty] * 4))
    spool = open_spool(empty)
    spool.record(entry(1))
    drain(empty)
    assert stored(empty) == [entry(1)]


def test_a_store_that_was_never_made_says_what_to_do(empty: Place) -> None:
    with pytest.raises(LedgerError, match=r"start the service once|unable to open"):
        Store(empty)


def test_a_store_of_a_later_version_is_left_alone(empty: Place) -> None:
    upgrade(empty)
    engine = open_engine(empty, writing=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(LedgerError, match="later version"):
        upgrade(empty)
    with pytest.raises(LedgerError, match="9999"):
        Store(empty)


def test_no_migration_while_another_process_writes(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    home.spool.mkdir(parents=True)
    lock = FileLock(home.spool / DRAIN_LOCK)
    assert lock.take()
    with pytest.raises(LedgerError, match="another process writes"):
        upgrade(home, patience_s=0.0)
    lock.give_back()
    upgrade(home, patience_s=0.0)


def test_a_store_that_is_up_to_date_is_opened_beside_the_process_that_writes(
    tmp_path: Path,
) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    lock = FileLock(home.spool / DRAIN_LOCK)
    assert lock.take()
    upgrade(home, patience_s=0.0)


def test_nobody_else_may_read_the_embedded_store(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    open_spool(home).record(entry(1))
    drain(home)
    assert home.sqlite is not None
    assert stat.S_IMODE(home.sqlite.stat().st_mode) == 0o600


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    assert home.sqlite is not None
    home.sqlite.write_bytes(b"no database" * 1_000)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3"):
        upgrade(home)


def test_the_embedded_store_loses_nothing_with_the_power_and_readers_do_not_write(
    tmp_path: Path,
) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    writing, reading = (open_engine(home, writing=writing) for writing in (True, False))
    with writing.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    with reading.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM entry")
    for engine in (writing, reading):
        engine.dispose()


def test_reading_while_an_insert_is_under_way_sees_the_state_before(empty: Place) -> None:
    upgrade(empty)
    store, reader = Store(empty, "write"), Store(empty)
    store.insert([Record(entry=entry(n), document=document(n)) for n in range(1_200)])
    rows = reader.entries()
    assert next(rows) == entry(0)
    store.insert([Record(entry=entry(1_200), document=document(1_200))])
    assert len(list(rows)) == 1_199
    assert len(list(reader.entries())) == 1_201
    for one in (store, reader):
        one.close()


def document(number: int) -> str:
    return msgspec.json.encode(entry(number)).decode()


def test_a_batch_is_stored_whole_or_not_at_all(empty: Place) -> None:
    upgrade(empty)
    store = Store(empty, "write")
    good = Record(entry=entry(1), document=document(1))
    bad = Record(entry=entry(2), document="no JSON" if empty.sqlite is None else None)  # type: ignore[arg-type]
    with pytest.raises(LedgerError):
        store.insert([good, bad])
    assert list(store.entries()) == []
    store.insert([good])
    assert list(store.entries()) == [entry(1)]
    store.close()


def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    home = place(str(tmp_path), "postgresql://ada:secret@127.0.0.1:1/books")
    for attempt in (lambda: upgrade(home), lambda: Store(home)):
        with pytest.raises(LedgerError) as caught:
            attempt()
        assert "postgresql://127.0.0.1/books" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite:///x", "books", "postgresql://"])
def test_a_url_of_another_kind_says_what_is_accepted(url: str) -> None:
    with pytest.raises(LedgerError, match="postgresql://USER@HOST/DATABASE"):
        place(".", url)


def test_a_driver_that_is_not_installed_names_the_extra(tmp_path: Path) -> None:
    """In a process that cannot see psycopg, as after an installation without the extra."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from router.ledger.place import place\n"
        "from router.ledger.store import Store\n"
        "Store(place(sys.argv[1], 'postgresql://localhost/x'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert "LedgerError" in done.stderr
    assert "make setup EXTRAS=postgres" in done.stderr


def test_recording_needs_no_database_library(tmp_path: Path) -> None:
    code = "import sys, router.ledger.spool; assert 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_server_that_goes_and_comes_back_gets_everything(tmp_path: Path) -> None:
    with postgres() as url:
        home = place(str(tmp_path), url)
        upgrade(home)
        spool = open_spool(home)
        spool.record(entry(1))
        drain(home)
        server, _, name = url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
            spool.record(entry(2))
            with pytest.raises(LedgerError, match="does not answer"):
                drain(home)
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
        drain(home)
        assert stored(home) == [entry(1), entry(2)]


def test_names_that_are_too_long_are_cut_in_the_columns_only(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    long = entry(1, caller=entry(1).caller.__class__(user="x" * 300, tags=("y" * 300,)))
    spool = open_spool(home)
    spool.record(long)
    spool.close()
    drain(home)
    assert stored(home) == [long]
    assert home.sqlite is not None
    with sqlite3.connect(home.sqlite) as connection:
        user, tag = connection.execute(
            "SELECT caller_user, tag FROM entry JOIN entry_tag ON entry_id = id"
        ).fetchone()
    assert (user, tag) == ("x" * 256, "y" * 256)
