"""Ledgers that commands cannot read: one plain line that names the place, whatever the command."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from router.cli.main import gearshift
from router.errors import LedgerError
from router.ledger.place import place
from router.ledger.upgrade import DRAIN_LOCK
from tests.commands import done, typed
from tests.ledgers import NOON_US, entry, files, open_spool, stored

ID = f"{1:032x}"
READERS = (
    ("export",),
    ("report",),
    ("explain", ID),
    ("keys", "list"),
    ("costs", "fit"),
    ("ledger", "rebuild"),
    ("reconcile", "--invoice", "INVOICE"),
)
INVOICE = "date,model,requests,cost_usd\n2026-11-23,flash,1,0.01\n"


def ask(home: Path, *words: str) -> Result:
    """A command of the whole program, with an invoice where it needs one."""
    invoice = home.parent / "invoice.csv"
    invoice.write_text(INVOICE)
    return typed(home, gearshift, *(str(invoice) if one == "INVOICE" else one for one in words))


def refused(home: Path, *words: str) -> str:
    told = ask(home, *words)
    assert isinstance(told.exception, LedgerError), told.exception
    return str(told.exception)


def a_file(home: Path) -> None:
    home.write_text("no folder")


def spool_a_file(home: Path) -> None:
    home.mkdir()
    (home / "spool").write_text("no folder")


def no_database(home: Path) -> None:
    home.mkdir()
    (home / "ledger.sqlite3").write_text("this is a text and no database " * 99)


def never_made(home: Path) -> None:
    home.mkdir()
    (home / "ledger.sqlite3").touch()


def of_later(home: Path) -> None:
    spool = open_spool(place(str(home)))
    spool.record(entry(1))
    spool.close()
    done(home, gearshift, "export")
    with sqlite3.connect(home / "ledger.sqlite3") as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (a_file, "cannot be looked for: Not a directory"),
        (spool_a_file, "cannot be looked for: Not a directory"),
        (no_database, "file is not a database"),
        (never_made, "is of revision none instead of 0003: start the service once to bring it up"),
        (of_later, "is of revision 9999 instead of 0003"),
    ],
)
def test_a_ledger_that_cannot_be_read_is_one_line_that_names_it(
    tmp_path: Path, words: tuple[str, ...], spoil: Callable[[Path], None], why: str
) -> None:
    home = tmp_path / "data"
    spoil(home)
    said = refused(home, *words)
    assert said.startswith(f"the ledger {home / 'ledger.sqlite3'} ")
    assert why in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "words", [one for one in READERS if one[0] not in {"report", "keys"}], ids=lambda one: one[0]
)
def test_where_nothing_was_recorded_a_command_says_so_and_makes_nothing(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    home = tmp_path / "data"
    assert refused(home, *words).startswith(f"there is no ledger yet at {home / 'ledger.sqlite3'}")
    assert not home.exists()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A ledger of three entries."""
    there = tmp_path / "data"
    spool = open_spool(place(str(there)))
    for number in range(3):
        spool.record(entry(number, at_us=NOON_US + number))
    spool.close()
    done(there, gearshift, "export")
    return there


def damage(home: Path, document: str) -> None:
    with sqlite3.connect(home / "ledger.sqlite3") as store:
        store.execute("UPDATE entry SET document = ? WHERE id = ?", (document, ID))


DAMAGE = ('{"id":"1', "[]", "", '{"id":"1"}', "null", '{"id":"1","at_us":1e400}')


@pytest.mark.parametrize("document", DAMAGE)
def test_an_entry_that_is_none_is_named_by_who_explains_it(home: Path, document: str) -> None:
    damage(home, document)
    said = refused(home, "explain", ID)
    assert said.startswith(f"entry {ID} of the ledger {home / 'ledger.sqlite3'} cannot be read (")
    assert "damaged, or from a later version" in said
    assert ID[:-1] + "2" in done(home, gearshift, "explain", ID[:-1] + "2").stdout


def test_sums_need_no_document_so_a_damaged_one_costs_no_report(home: Path) -> None:
    damage(home, "{")
    told = done(
        home, gearshift, "report", "--since", "2026-01-01", "--by", "user", "--format", "csv"
    )
    assert "\nada,3," in told.stdout
    done(home, gearshift, "ledger", "rebuild")
    again = done(
        home, gearshift, "report", "--since", "2026-01-01", "--by", "user", "--format", "csv"
    )
    assert again.stdout == told.stdout


def test_a_segment_that_cannot_be_read_is_said_and_the_rest_is_reported(home: Path) -> None:
    (home / "spool" / "1-1-0.jsonl").mkdir()
    told = done(home, gearshift, "export")
    assert len(told.stdout.splitlines()) == 3
    said = told.stderr.splitlines()
    assert said[0] == f"what waits in {home / 'spool'} is not in it: Is a directory"


def test_a_lock_that_cannot_be_made_leaves_what_waits_and_says_how_much(home: Path) -> None:
    (home / "spool" / DRAIN_LOCK).unlink()
    (home / "spool" / DRAIN_LOCK).mkdir()
    spool = open_spool(place(str(home)))
    spool.record(entry(7))
    spool.close()
    told = done(home, gearshift, "export")
    assert len(told.stdout.splitlines()) == 3
    assert told.stderr.startswith("1 requests wait to be stored and are not in it")
    assert files(home / "spool"), "what waited was lost"
    (home / "spool" / DRAIN_LOCK).rmdir()
    assert len(done(home, gearshift, "export").stdout.splitlines()) == 4


def test_sums_are_not_made_anew_where_the_lock_cannot_be_had(home: Path) -> None:
    (home / "spool" / DRAIN_LOCK).unlink()
    (home / "spool" / DRAIN_LOCK).mkdir()
    said = refused(home, "ledger", "rebuild")
    assert said == f"the ledger {home / 'ledger.sqlite3'} cannot be written: Is a directory"


def test_sums_of_an_older_store_are_left_alone(home: Path) -> None:
    with sqlite3.connect(home / "ledger.sqlite3") as store:
        store.execute("UPDATE alembic_version SET version_num = '0002'")
        before = store.execute("SELECT * FROM rollup_hour").fetchall()
    said = refused(home, "ledger", "rebuild")
    assert "is of revision 0002 instead of 0003: start the service once" in said
    with sqlite3.connect(home / "ledger.sqlite3") as store:
        assert store.execute("SELECT * FROM rollup_hour").fetchall() == before


def test_a_name_in_the_path_that_a_url_would_read_otherwise_is_taken_as_it_is(
    tmp_path: Path,
) -> None:
    home = tmp_path / "50% ?mode=memory #1 ünï"
    spool = open_spool(place(str(home)))
    spool.record(entry(1))
    spool.close()
    assert len(done(home, gearshift, "export").stdout.splitlines()) == 1
    assert [one.id for one in stored(place(str(home)))] == [ID]
    assert (home / "ledger.sqlite3").is_file()
