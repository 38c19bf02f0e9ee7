"""The program: rows by name from a cache, and the table of what there is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.variants import store
from tests.synthetic import examples, save_examples

ROOT = Path(__file__).parents[2]


def run(folder: Path, *more: str, val: int = 6) -> "subprocess.CompletedProcess[str]":
    data = save_examples(folder / "rows.jsonl", examples(20))
    seen = save_examples(folder / "seen.jsonl", examples(val, seed=7))
    words = ["--data", str(data), "--val", str(seen), "--cache", str(folder / "cache"), *more]
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_variants", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_row_is_made_and_written_with_its_command(tmp_path: Path) -> None:
    out = tmp_path / "2026-11-26-variants"
    shown = run(tmp_path, "--only", "shipped", "--out", str(out))
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("\n| ") == 2
    assert out.with_name("2026-11-26-variants.md").read_text() in shown.stdout + "\n"
    (row,) = json.loads(out.with_name("2026-11-26-variants.json").read_bytes())["rows"]
    assert row["val"]["rows"] == 24
    assert "--data rows.jsonl --val seen.jsonl" in row["command"]
    assert str(tmp_path) not in json.dumps(row)


def test_a_cache_of_other_data_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path, "--only", "shipped").returncode == 0
    again = run(tmp_path, "--only", "shipped", val=7)
    assert again.returncode == 1
    assert again.stderr.strip().splitlines()[-1].endswith("name another folder, or delete it")


def test_a_file_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    shown = run(tmp_path, "--only", "shipped", "--data", str(tmp_path / "none.jsonl"))
    assert shown.returncode == 1
    assert "none.jsonl" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_data_is_told_by_what_it_says_not_by_its_name(tmp_path: Path) -> None:
    one = save_examples(tmp_path / "one.jsonl", examples(3))
    two = save_examples(tmp_path / "two.jsonl", examples(3))
    other = save_examples(tmp_path / "other.jsonl", examples(4))
    store.claim(tmp_path / "cache", [one])
    store.claim(tmp_path / "cache", [two])
    with pytest.raises(store.StoreError, match="other data"):
        store.claim(tmp_path / "cache", [other])
