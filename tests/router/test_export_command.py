"""`gearshift export`, as it is typed, and what other programs read of it."""

import csv
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from router.cli.export import export
from router.domain import Caller, Entry, Kept
from router.errors import GearshiftError
from router.ledger.place import place
from router.ledger.upgrade import upgrade
from tests.commands import done, typed
from tests.ledgers import DAY_US, NOON_US, cost, drain, entry, open_spool

SPOKEN = entry(
    2,
    at_us=NOON_US + DAY_US,
    prompt="What does the walrus hum?",
    kept=Kept(context="a walrus of yore", length=25),
    caller=Caller(key="team", user="=1+1", tags=("web", "beta")),
)
UNPRICED = entry(3, at_us=NOON_US + 2 * DAY_US, cost=cost(None, hard=4))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A ledger of three entries, a day apart."""
    there = place(str(tmp_path / "data"))
    upgrade(there)
    spool = open_spool(there)
    for one in (UNPRICED, SPOKEN, entry(1)):
        spool.record(one)
    spool.close()
    drain(there)
    return tmp_path / "data"


def read(lines: str) -> list[Entry]:
    return [msgspec.json.decode(line, type=Entry) for line in lines.splitlines()]


def test_jsonl_holds_the_entries_as_they_are_but_for_their_text(home: Path) -> None:
    told = done(home, export)
    assert "walrus" not in told.stdout
    assert read(told.stdout) == [
        entry(1),
        msgspec.structs.replace(SPOKEN, prompt=None, kept=None),
        UNPRICED,
    ]
    assert told.stderr == "3 entries written\n"


def test_text_comes_along_where_it_is_asked_for(home: Path) -> None:
    assert read(done(home, export, "--with-prompts").stdout)[1] == SPOKEN


def test_a_span_is_exported_alone(home: Path) -> None:
    words = ("--since", "2026-11-24", "--until", "2026-11-25T12:00")
    assert [one.id for one in read(done(home, export, *words).stdout)] == [SPOKEN.id]


def test_what_waits_in_the_spool_is_exported_too(home: Path) -> None:
    spool = open_spool(place(str(home)))
    spool.record(entry(4, at_us=NOON_US + 3 * DAY_US))
    spool.close()
    assert read(done(home, export).stdout)[-1].id == entry(4).id


def test_csv_has_amounts_to_the_last_digit_and_no_formulas(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "november.csv"
    done(home, export, "--out", out)
    first, second, third = csv.DictReader(out.read_text().splitlines())
    assert (first["at"], first["cost_usd"]) == ("2026-11-23T12:00:00.000001Z", "0.000001000000")
    assert (second["user"], second["tags"]) == ("'=1+1", '["web","beta"]')
    assert (third["cost_usd"], third["hard_usd"]) == ("", "0.000004000000")
    assert "prompt" not in first
    assert out.stat().st_mode & 0o777 == 0o600


def test_parquet_keeps_decimals_times_and_tags(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "november.parquet"
    done(home, export, "--out", out, "--with-prompts")
    rows = pq.read_table(out).to_pylist()
    assert [row["cost_usd"] for row in rows] == [Decimal("0.000001"), Decimal("0.000001"), None]
    assert rows[0]["at"] == datetime(2026, 11, 23, 12, 0, 0, 1, tzinfo=UTC)
    assert (rows[1]["user"], rows[1]["tags"]) == ("=1+1", ["web", "beta"])
    assert (rows[1]["prompt"], rows[0]["prompt"]) == ("What does the walrus hum?", None)


def test_an_entry_that_cannot_be_read_is_left_out_and_named(home: Path, tmp_path: Path) -> None:
    with sqlite3.connect(home / "ledger.sqlite3") as file:
        file.execute("UPDATE entry SET document = '{\"id\":1' WHERE id = ?", (SPOKEN.id,))
    file.close()
    out = tmp_path / "november.jsonl"
    told = typed(home, export, "--out", out)
    assert isinstance(told.exception, GearshiftError)
    assert f"1 entries could not be read and are left out, the first of them {SPOKEN.id}" in str(
        told.exception
    )
    assert [one.id for one in read(out.read_text())] == [entry(1).id, UNPRICED.id]


def test_a_file_that_cannot_be_made_is_named_and_nothing_is_left_behind(
    home: Path, tmp_path: Path
) -> None:
    told = typed(home, export, "--out", tmp_path / "missing" / "x.csv")
    assert isinstance(told.exception, GearshiftError)
    assert "x.csv cannot be written: No such file or directory" in str(told.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_parquet_goes_to_a_file_only(home: Path) -> None:
    told = typed(home, export, "--format", "parquet")
    assert told.exit_code == 2
    assert "name a file with --out" in told.stderr


def test_without_a_ledger_it_says_so(tmp_path: Path) -> None:
    told = typed(tmp_path / "nothing", export)
    assert "there is no ledger yet" in str(told.exception)
