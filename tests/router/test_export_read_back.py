"""What is exported is what the ledger has: every entry, every digit, in every form."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cli.entries import entries_in
from router.cli.export import export
from router.cli.exports import write_csv, write_jsonl, write_parquet
from router.domain import Caller, Cost, Entry, PicoUsd, Usage
from router.errors import GearshiftError
from router.ledger.flat import columns, usd
from router.ledger.place import place
from router.ledger.upgrade import upgrade
from router.spreadsheet import inert
from tests.commands import done
from tests.ledgers import NOON_US, entries, entry, open_spool

FEW = settings(deadline=None, max_examples=25)
NAMES = [column.name for column in columns(with_prompts=True)]
LARGEST = 2**63 - 1


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One for all examples: what is written anew replaces what was there."""
    with TemporaryDirectory() as made:
        yield Path(made)


def as_csv(kept: Sequence[Entry], folder: Path) -> list[dict[str, str]]:
    write_csv(kept, folder / "out.csv", with_prompts=True)
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_parquet(kept: Sequence[Entry], folder: Path) -> list[dict[str, object]]:
    write_parquet(kept, folder / "out.parquet", with_prompts=True)
    found: list[dict[str, object]] = pq.read_table(folder / "out.parquet").to_pylist()
    return found


@FEW
@given(kept=st.lists(entries(), max_size=4))
def test_jsonl_is_read_back_entry_by_entry(folder: Path, kept: list[Entry]) -> None:
    write_jsonl(kept, folder / "out.jsonl", with_prompts=True)
    assert list(entries_in(folder / "out.jsonl")) == kept


@FEW
@given(kept=st.lists(entries(), max_size=4))
def test_csv_has_a_row_an_entry_whatever_callers_wrote(folder: Path, kept: list[Entry]) -> None:
    rows = as_csv(kept, folder)
    assert [row["id"] for row in rows] == [one.id for one in kept]
    for row, one in zip(rows, kept, strict=True):
        assert list(row) == NAMES
        assert row["user"] == inert(one.caller.user)
        assert msgspec.json.decode(row["tags"]) == list(one.caller.tags)
        assert row["prompt"] == inert(one.prompt)
        known = None if one.cost.actual is None else Decimal(one.cost.actual).scaleb(-12)
        assert (Decimal(row["cost_usd"]) if row["cost_usd"] else None) == known


@FEW
@given(kept=st.lists(entries(), max_size=4))
def test_parquet_has_the_same_values_with_types(folder: Path, kept: list[Entry]) -> None:
    rows = as_parquet(kept, folder)
    assert [row["id"] for row in rows] == [one.id for one in kept]
    for row, one in zip(rows, kept, strict=True):
        assert list(row) == NAMES
        assert row["tags"] == list(one.caller.tags)
        assert row["easy_usd"] == usd(one.cost.easy)
        assert row["input_tokens"] == one.usage.input
        assert row["simulated"] is one.simulated
        at = row["at"]
        assert isinstance(at, datetime)
        assert int(at.timestamp()) == one.at_us // 1_000_000
        assert at.microsecond == one.at_us % 1_000_000


def test_unknown_is_empty_and_nothing_is_nought(folder: Path) -> None:
    kept = [entry(1, cost=Cost(actual=None)), entry(2, cost=Cost(actual=PicoUsd(0)))]
    assert [row["cost_usd"] for row in as_csv(kept, folder)] == ["", "0.000000000000"]
    assert [row["cost_usd"] for row in as_parquet(kept, folder)] == [None, Decimal(0)]


def test_the_smallest_and_the_largest_amount_keep_every_digit(folder: Path) -> None:
    amounts = (1, LARGEST)
    kept = [entry(n, cost=Cost(actual=PicoUsd(amount))) for n, amount in enumerate(amounts)]
    digits = ["0.000000000001", "9223372.036854775807"]
    assert [row["cost_usd"] for row in as_csv(kept, folder)] == digits
    assert [row["cost_usd"] for row in as_parquet(kept, folder)] == [*map(Decimal, digits)]


def test_counts_as_large_as_the_ledger_takes_are_whole_numbers(folder: Path) -> None:
    kept = [entry(1, usage=Usage(input=LARGEST, output=LARGEST, source="billed"))]
    assert as_csv(kept, folder)[0]["input_tokens"] == str(LARGEST)
    assert as_parquet(kept, folder)[0]["output_tokens"] == LARGEST


def test_nothing_is_a_whole_file_too(folder: Path) -> None:
    write_jsonl([], folder / "none.jsonl", with_prompts=False)
    assert (folder / "none.jsonl").read_bytes() == b""
    assert as_csv([], folder) == []
    assert (folder / "out.csv").read_text() == ",".join(NAMES) + "\n"
    assert as_parquet([], folder) == []
    assert pq.read_schema(folder / "out.parquet").names == NAMES


def test_more_rows_than_are_in_memory_at_a_time_lose_none_at_the_seam(folder: Path) -> None:
    write_parquet(repeat(entry(1), 20_001), folder / "many.parquet", with_prompts=False)
    found = pq.ParquetFile(folder / "many.parquet")
    rows = [found.metadata.row_group(group).num_rows for group in range(found.num_row_groups)]
    assert rows == [20_000, 1]


def test_without_prompts_there_is_no_column_for_them(folder: Path) -> None:
    write_csv([entry(1, prompt="secret")], folder / "plain.csv", with_prompts=False)
    text = (folder / "plain.csv").read_text()
    assert "secret" not in text
    assert "prompt" not in text.splitlines()[0].split(",")


def test_a_span_ends_before_its_end_to_the_microsecond(tmp_path: Path) -> None:
    there = place(str(tmp_path))
    upgrade(there)
    spool = open_spool(there)
    for number, after_us in enumerate((-1, 0, 499_999, 500_000)):
        spool.record(entry(number, at_us=NOON_US + after_us))
    spool.close()
    words = ("--since", "2026-11-23T12:00:00", "--until", "2026-11-23T12:00:00.500000")
    lines = done(tmp_path, export, *words).stdout.splitlines()
    found = [msgspec.json.decode(line, type=Entry).at_us - NOON_US for line in lines]
    assert found == [0, 499_999]


def test_a_zone_that_is_said_is_heeded(tmp_path: Path) -> None:
    spool = open_spool(place(str(tmp_path)))
    spool.record(entry(1))
    spool.close()
    for moment, count in (("2026-11-23T20:00+08:00", 1), ("2026-11-23T20:00", 0)):
        assert len(done(tmp_path, export, "--since", moment).stdout.splitlines()) == count


def test_entries_are_read_from_packed_files_and_blank_lines_passed_over(tmp_path: Path) -> None:
    kept = [entry(1), entry(2, caller=Caller(user="ünï\u2028cödé"))]
    lines = [msgspec.json.encode(one) for one in kept]
    file = tmp_path / "log.jsonl.gz"
    file.write_bytes(gzip.compress(b"\n\n" + b"\r\n".join(lines)))
    assert list(entries_in(file)) == kept


@pytest.mark.parametrize("keep", [1, 20, 200])
def test_a_packed_file_that_was_cut_is_named(tmp_path: Path, keep: int) -> None:
    file = tmp_path / "log.jsonl.gz"
    file.write_bytes(gzip.compress(msgspec.json.encode(entry(1)) + b"\n")[:keep])
    with pytest.raises(GearshiftError) as caught:
        list(entries_in(file))
    assert str(caught.value).startswith(f"{file} cannot be read: ")


def test_the_line_that_is_no_entry_is_named_after_those_before_it(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    whole = msgspec.json.encode(entry(1))
    file.write_bytes(whole + b"\n\n" + whole[:-9] + b"\n")
    found = entries_in(file)
    assert next(found) == entry(1)
    with pytest.raises(GearshiftError, match=r"line 3 is no entry of a ledger: "):
        next(found)
