"""Exports that cannot be finished: what stands there before stays, and one line says why."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from router.cli.export import export
from router.cli.exports import Write, write_csv, write_jsonl, write_parquet
from router.domain import Entry
from router.errors import GearshiftError
from router.ledger.place import place
from tests.commands import done, typed
from tests.ledgers import entry, open_spool
from tests.processes import command, environ

WRITERS = (write_jsonl, write_csv, write_parquet)
BEFORE = b"what was there before"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A ledger whose two entries wait in the spool."""
    spool = open_spool(place(str(tmp_path / "data")))
    for number in (1, 2):
        spool.record(entry(number))
    spool.close()
    return tmp_path / "data"


def cut_off() -> Iterator[Entry]:
    """A store that goes away after the first entry."""
    yield entry(1)
    raise GearshiftError("the ledger has gone")


@pytest.mark.parametrize("write", WRITERS)
def test_a_store_that_goes_away_leaves_the_file_as_it_was(tmp_path: Path, write: Write) -> None:
    out = tmp_path / "out"
    out.write_bytes(BEFORE)
    with pytest.raises(GearshiftError, match="the ledger has gone"):
        write(cut_off(), out, with_prompts=False)
    assert out.read_bytes() == BEFORE
    assert list(tmp_path.iterdir()) == [out], "a draft was left behind"


@pytest.mark.parametrize("write", WRITERS)
def test_a_new_file_is_its_owners_alone_also_where_an_open_one_was(
    tmp_path: Path, write: Write
) -> None:
    out = tmp_path / "out"
    out.write_bytes(BEFORE)
    out.chmod(0o644)
    write([entry(1)], out, with_prompts=False)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_bytes() != BEFORE


@pytest.mark.parametrize("write", [write_jsonl, write_csv])
def test_a_full_disk_is_named_and_a_device_is_not_replaced(tmp_path: Path, write: Write) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")  # the device itself would be lost to all if this went wrong
    with pytest.raises(GearshiftError) as caught:
        write([entry(1)], full, with_prompts=False)
    assert str(caught.value) == f"{full} cannot be written: No space left on device"
    assert full.is_char_device()
    assert list(tmp_path.iterdir()) == [full]


def test_a_pipe_gets_the_entries_and_stays_a_pipe(home: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = Thread(target=lambda: heard.append(pipe.read_bytes()), daemon=True)
    reader.start()
    done(home, export, "--out", pipe)
    reader.join(20)
    lines = heard[0].splitlines()
    assert [msgspec.json.decode(line, type=Entry).id for line in lines] == [
        entry(1).id,
        entry(2).id,
    ]
    assert pipe.is_fifo()


@pytest.mark.parametrize("length", [250, 255])
def test_a_name_may_be_as_long_as_names_may_be(home: Path, tmp_path: Path, length: int) -> None:
    out = tmp_path / ("x" * length)
    assert done(home, export, "--out", out).stderr == f"2 entries written to {out}\n"
    assert len(out.read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("x" * 256, "File name too long"),
        ("no/such/folder/out.csv", "No such file or directory"),
        ("data/ledger.sqlite3/out.parquet", "Not a directory"),
    ],
)
def test_a_place_that_there_is_not_is_one_plain_line(
    home: Path, tmp_path: Path, name: str, why: str
) -> None:
    done(home, export)
    told = typed(home, export, "--out", tmp_path / name)
    assert isinstance(told.exception, GearshiftError)
    assert str(told.exception) == f"{tmp_path / name} cannot be written: {why}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", ""), "--out names no file"),
        (("--format", "parquet"), "Parquet is no text: name a file with --out"),
        (("--format", "xlsx"), "'xlsx' is not one of 'jsonl', 'csv', 'parquet'"),
        (("--since", "yesterday"), "'yesterday' is no time that is understood"),
        (("--until", "2026-02-30"), "'2026-02-30' is no time that is understood"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    home: Path, words: tuple[str, ...], said: str
) -> None:
    told = typed(home, export, *words)
    assert told.exit_code == 2
    assert said in " ".join(told.stderr.replace("│", " ").split())
    assert not (home / "ledger.sqlite3").exists()


def test_the_ending_says_the_form_unless_the_form_is_said(home: Path, tmp_path: Path) -> None:
    by_ending, by_word, neither = (tmp_path / name for name in ("a.csv", "b.csv", "c.txt"))
    done(home, export, "--out", by_ending)
    done(home, export, "--out", by_word, "--format", "jsonl")
    done(home, export, "--out", neither)
    assert by_ending.read_text().startswith("id,at,model,")
    assert by_word.read_text() == neither.read_text()
    assert by_word.read_text().startswith('{"id":')


def test_an_end_before_the_beginning_is_an_empty_export(home: Path) -> None:
    told = done(home, export, "--since", "2026-12-01", "--until", "2026-11-01")
    assert (told.stdout, told.stderr) == ("", "0 entries written\n")


@pytest.mark.parametrize("words", [("export",), ("costs", "show", "--json")])
def test_a_full_standard_output_is_one_plain_line_and_no_success(
    home: Path, words: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            command(*words),
            env=environ(home),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.stderr == "gearshift: standard output: No space left on device\n"
    assert ended.returncode == 1
