"""What a simulation writes row by row: bad lines and entries; and answers that are brought in."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pyarrow import parquet

from router.domain import Usage
from router.replay.bad_rows import SHOWN, BadRows
from router.replay.entries import GROUP_ROWS, Entries
from router.replay.joining import Answers, answers_first
from router.replay.logged import Answered, LogError
from router.replay.part import ABSENT, BadLine, Part
from router.replay.sources import Source, Unit, find, shown
from tests.replays import EASY, exchange, replayed, surveyed, terms, written


def unit(path: str) -> Unit:
    return Unit(source=Source(path=path, size=1), format="exchange")


def broken(part: Part, *bad: BadLine, lines: int = 10) -> Part:
    return msgspec.structs.replace(part, bad=bad, lines=lines)


@pytest.fixture
def part(tmp_path: Path) -> Part:
    return surveyed(written(tmp_path / "log.jsonl", [exchange(EASY)]))


def test_lines_are_counted_through_the_units_of_a_file(tmp_path: Path, part: Part) -> None:
    bad = BadRows(tmp_path)
    bad.add(broken(part, BadLine(2, "first")), unit("a"))
    bad.add(broken(part, BadLine(0, "other file")), unit("b"))
    bad.add(broken(part, BadLine(4, "second")), unit("a"))
    bad.add(broken(part), unit("a"))
    assert bad.count == 3
    assert [(row.file, row.line) for row in bad.first] == [("a", 3), ("b", 1), ("a", 15)]
    assert bad.line(unit("a")) == 30


def test_all_bad_lines_are_in_the_file_and_the_first_in_the_summary(
    tmp_path: Path, part: Part
) -> None:
    bad = BadRows(tmp_path)
    many = tuple(BadLine(at, "=cmd|x") for at in range(SHOWN + 50))
    bad.add(broken(part, *many, lines=len(many)), unit("a"))
    assert len(bad.first) == SHOWN
    with (tmp_path / "bad_rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == bad.count == SHOWN + 50
    # A spreadsheet must not take what stood in a log for a formula.
    assert rows[0]["reason"] == "'=cmd|x"


def test_without_a_folder_bad_lines_are_counted_all_the_same(part: Part) -> None:
    bad = BadRows(None)
    bad.add(broken(part, BadLine(1, "x")), unit("a"))
    assert bad.count == 1


def test_strict_names_file_and_line(part: Part) -> None:
    with pytest.raises(LogError, match="a:8: no good"):
        BadRows(None, strict=True).add(broken(part, BadLine(7, "no good")), unit("a"))


def test_entries_say_who_when_and_what_and_null_where_nobody_knows(tmp_path: Path) -> None:
    lines = [
        exchange(EASY, user="ada", key="team"),
        {"request": {"model": "m", "messages": [{"role": "user", "content": "x " * 500_000}]}},
    ]
    columns = replayed(written(tmp_path / "log.jsonl", lines), terms(), terms(name="other"))
    entries = Entries(tmp_path, ("mine", "other"))
    entries.add(columns, "log.jsonl", np.array([1, 2]))
    entries.close()
    rows = parquet.read_table(tmp_path / "entries.parquet").to_pylist()
    assert [(row["policy"], row["line"]) for row in rows] == [
        ("mine", 1),
        ("mine", 2),
        ("other", 1),
        ("other", 2),
    ]
    first, second = rows[:2]
    assert first["at"] == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert (first["user"], first["key"], first["model"]) == ("ada", "team", "flash")
    assert first["hard_pico_usd"] == 1_000 * 600_000 + 800 * 2_500_000
    assert 0 < first["success_easy"] <= first["success_hard"] <= 1
    for name in ("at", "tier", "model", "reason", "cost_pico_usd", "logged_pico_usd"):
        assert second[name] is None
    assert second["user"] == second["logged_model"] == ""


def test_entries_of_many_parts_are_one_file(tmp_path: Path) -> None:
    columns = replayed(written(tmp_path / "log.jsonl", [exchange(EASY)] * 1_000))
    entries = Entries(tmp_path, ("mine",))
    parts = GROUP_ROWS // 1_000 + 2
    for _ in range(parts):
        entries.add(columns, "log", np.arange(1_000))
    assert not (tmp_path / "entries.parquet").exists()
    entries.close()
    assert parquet.ParquetFile(tmp_path / "entries.parquet").metadata.num_rows == parts * 1_000


def batch(tmp_path: Path) -> Part:
    body = {"model": "m", "messages": [{"role": "user", "content": EASY}]}
    lines = [{"custom_id": name, "url": "/chat/completions", "body": body} for name in "ab"]
    return surveyed(written(tmp_path / "batch.jsonl", lines))


def test_answers_meet_their_requests_and_the_others_are_left(tmp_path: Path) -> None:
    answers = Answers()
    said = Answered(model="vendor/flash", usage=Usage(input=9, output=4, source="billed"))
    waiting = {name: msgspec.msgpack.encode(said) for name in ("b", "z")}
    part = batch(tmp_path)
    joined = answers.join(msgspec.structs.replace(part, answers=waiting))
    assert joined.replied.tokens[:, 2].tolist() == [ABSENT, 4]
    assert joined.names[joined.replied.model[1]] == "vendor/flash"
    assert part.replied.tokens[:, 2].tolist() == [ABSENT, ABSENT]
    assert answers.left == 1


def test_files_of_answers_are_read_first() -> None:
    sources = [Source(path=name, size=1) for name in "abc"]
    ordered = answers_first(list(zip(sources, (False, True, False), strict=True)))
    assert [source.path for source in ordered] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("logs/a.jsonl", "logs/a.jsonl"),
        ("s3://bucket/a.jsonl", "s3://bucket/a.jsonl"),
        ("https://host/a?X-Amz-Signature=secret#x", "https://host/a"),
        ("https://user:secret@host:8443/a", "https://host:8443/a"),
    ],
)
def test_a_url_is_told_without_what_opens_it(path: str, told: str) -> None:
    assert shown(path) == told


def test_a_url_that_cannot_be_listed_is_told_without_what_opens_it() -> None:
    with pytest.raises(LogError, match=r"nowhere://bucket/a\.jsonl cannot be listed") as told:
        find(["nowhere://me:secret@bucket/a.jsonl?signature=secret"])
    assert "secret" not in str(told.value)
