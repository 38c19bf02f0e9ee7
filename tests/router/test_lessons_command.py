"""`gearshift lessons`, as it is typed."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from classifier.corpus import read
from router.cli.lessons import lessons
from router.domain import Entry, Feedback
from router.errors import GearshiftError, LedgerError
from router.ledger.place import place
from router.traffic.lessons import learn, rows_from_ledger
from tests.ledgers import open_spool, said
from tests.traffic import asked

SINCE = ("--since", "2026-11-01")
TEXT = "Prove that there are infinitely many primes."


def ask(home: Path, *words: str) -> Result:
    environ = {"GEARSHIFT_DATA_DIR": str(home), "GEARSHIFT_LEDGER_URL": ""}
    return CliRunner(env=environ).invoke(lessons, [*SINCE, *words])


def keep(folder: Path, *kept: Entry | Feedback) -> None:
    spool = open_spool(place(str(folder)))
    for one in kept:
        spool.record(one)
    spool.close()


def test_the_file_is_what_training_reads_and_nobody_else_may(tmp_path: Path) -> None:
    taught = [asked(1, "Why?", TEXT), asked(2, "Say hello.")]
    heard = [said(1, opinion="bad", label="hard"), said(2, label="easy")]
    keep(tmp_path, *taught, *heard)
    out = tmp_path / "lessons.jsonl"
    done = ask(tmp_path, "--out", str(out))
    assert done.exit_code == 0, done.output
    assert read([out]) == learn(taught, heard)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "2 rows, 2 of them with a label" in done.stderr


def test_what_was_left_open_on_purpose_stays_open_in_the_file(tmp_path: Path) -> None:
    kept: list[Entry | Feedback] = [
        asked(1, TEXT, tier="medium"),
        asked(2, "Say hello."),
        said(1),
        said(2, opinion="bad"),
    ]
    keep(tmp_path, *kept)
    out = tmp_path / "lessons.jsonl"
    out.touch(mode=0o644)
    assert ask(tmp_path, "--out", str(out)).exit_code == 0
    rows = rows_from_ledger(place(str(tmp_path)))
    assert [(row.label, row.needs_info) for row in rows] == [(None, 0), ("medium", None)]
    assert read([out]) == rows
    assert stat.S_IMODE(out.stat().st_mode) == 0o600, "also where the file was there before"


def test_without_a_file_it_prints_them_and_nothing_else(tmp_path: Path) -> None:
    keep(tmp_path, asked(1, TEXT), said(1, opinion="bad", label="hard"))
    done = ask(tmp_path)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 1
    assert '"label":"hard"' in done.stdout


@pytest.mark.parametrize(
    ("kept", "error", "says"),
    [
        ((), LedgerError, "no ledger yet"),
        ((asked(1, TEXT),), GearshiftError, "feedback"),
        ((asked(1, TEXT, prompt=None, kept=None), said(1)), GearshiftError, "store_prompts"),
    ],
)
def test_where_nothing_was_learned_it_says_what_is_missing(
    tmp_path: Path, kept: tuple[Entry | Feedback, ...], error: type[Exception], says: str
) -> None:
    if kept:
        keep(tmp_path, *kept)
    done = ask(tmp_path)
    assert isinstance(done.exception, error)
    assert says in str(done.exception)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    keep(tmp_path, asked(1, TEXT), said(1, label="easy"))
    done = ask(tmp_path, "--out", str(tmp_path / "none" / "x.jsonl"))
    assert isinstance(done.exception, GearshiftError)
    assert "cannot be written" in str(done.exception)
