"""`gearshift simulate` as it is typed: what it says, what it writes, how it refuses."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from pyarrow import parquet

from router.cli.simulate import simulate
from router.errors import GearshiftError
from tests.commands import done, typed
from tests.replays import CONFIG, EASY, HARD, exchange, written


@pytest.fixture
def log(tmp_path: Path) -> Path:
    lines: list[object] = [
        exchange(EASY, user="ada", session="a"),
        exchange(HARD, user="bob", session="b", model="vendor/thinking"),
        b"{broken",
        exchange(EASY, user="ada", session="c"),
        {"no": "request"},
    ]
    return written(tmp_path / "log.jsonl", lines)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(CONFIG)
    return path


def summary(result: Result) -> dict[str, object]:
    found: dict[str, object] = json.loads(result.stdout)
    return found


def refusal(result: Result) -> str:
    assert isinstance(result.exception, GearshiftError), result.output or result.exception
    return str(result.exception)


def test_a_log_becomes_figures_reports_and_entries(tmp_path: Path, log: Path, policy: Path) -> None:
    out = tmp_path / "sim"
    result = done(tmp_path, simulate, log, "--policy", policy, "--out", out, "--json")
    told = summary(result)
    assert told == json.loads((out / "summary.json").read_text())
    assert (told["rows"], told["bad_rows"], told["requests"]) == (3, 2, 3)
    assert told["unpriced_requests"] == 0
    rows = parquet.read_table(out / "entries.parquet").to_pylist()
    assert [row["line"] for row in rows] == [1, 2, 4]
    assert [row["user"] for row in rows] == ["ada", "bob", "ada"]
    assert rows[0]["tier"] == "easy"
    cost = sum(row["cost_pico_usd"] for row in rows)
    assert told["cost_usd"] == pytest.approx(cost / 10**12, abs=1e-12)
    hard = sum(row["hard_pico_usd"] for row in rows)
    assert told["baseline_cost_usd"] == pytest.approx(hard / 10**12, abs=1e-12)
    assert not (out / ".state").exists()


def test_bad_lines_are_listed_with_file_line_and_reason(
    tmp_path: Path, log: Path, policy: Path
) -> None:
    out = tmp_path / "sim"
    done(tmp_path, simulate, log, "--policy", policy, "--out", out)
    with (out / "bad_rows.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["file"], row["line"]) for row in found] == [(str(log), "3"), (str(log), "5")]
    assert "`request` is missing" in found[1]["reason"]


def test_strict_stops_at_the_first_bad_line(tmp_path: Path, log: Path, policy: Path) -> None:
    result = typed(tmp_path, simulate, log, "--policy", policy, "--strict")
    assert refusal(result).startswith(f"{log}:3: ")


def test_a_second_run_scores_nothing_and_says_the_same(
    tmp_path: Path, log: Path, policy: Path
) -> None:
    first = done(tmp_path, simulate, log, "--policy", policy, "--json")
    kept = list((tmp_path / "verdicts").iterdir())
    assert len(kept) == 1
    before = kept[0].read_bytes()
    again = done(tmp_path, simulate, log, "--policy", policy, "--json")
    assert summary(first) == summary(again)
    assert kept[0].read_bytes() == before


def test_people_read_a_table(tmp_path: Path, log: Path, policy: Path) -> None:
    said = done(tmp_path, simulate, log, "--policy", policy).output
    assert "3 requests (exchange), 2 bad lines" in said
    assert "mine serves 2 easy" in said
    assert "always hard" in said


def test_policies_are_compared_and_presets_have_names(
    tmp_path: Path, log: Path, policy: Path
) -> None:
    told = summary(done(tmp_path, simulate, log, "--policy", "k2", "--policy", policy, "--json"))
    policies = told["policies"]
    assert isinstance(policies, list)
    assert [each["policy"] for each in policies] == ["k2", "mine"]
    assert told["cost_usd"] == policies[0]["cost_usd"]


def test_without_a_policy_the_default_preset_is_tried_and_no_key_is_asked_for(
    tmp_path: Path, log: Path
) -> None:
    assert "k2 serves" in done(tmp_path, simulate, log).output


def test_the_baseline_can_be_chosen(tmp_path: Path, log: Path, policy: Path) -> None:
    words = (log, "--policy", policy, "--baseline", "medium", "--json")
    told = summary(done(tmp_path, simulate, *words))
    assert told["baseline"] == "medium"


def test_a_trace_takes_its_labels_from_the_mix_and_says_so(tmp_path: Path, policy: Path) -> None:
    lines = [
        {"timestamp": at, "input_length": 900, "output_length": 100, "hash_ids": [0, at]}
        for at in range(1_000)
    ]
    log = written(tmp_path / "trace.jsonl", lines)
    words = (log, "--policy", policy, "--mix", "easy=.5,hard=.5")
    said = done(tmp_path, simulate, *words).output
    assert "their labels are drawn from an assumed mix (50% easy, 50% hard)" in said
    told = summary(done(tmp_path, simulate, *words, "--json"))
    assert told["quality"] is None
    shares = told["mix"]
    assert isinstance(shares, dict)
    assert shares["easy"] + shares["hard"] == 1_000
    assert 430 < shares["easy"] < 570


def test_batch_answers_are_joined_to_their_requests(tmp_path: Path, policy: Path) -> None:
    folder = tmp_path / "batch"
    folder.mkdir()
    said = exchange(EASY)
    asked = {"method": "POST", "url": "/v1/chat/completions", "body": said["request"]}
    written(folder / "a_input.jsonl", [{"custom_id": f"r{at}"} | asked for at in range(3)])
    reply = {"status_code": 200, "body": said["response"]}
    answers = [{"custom_id": f"r{at}", "response": reply} for at in (2, 0, 9)]
    written(folder / "b_output.jsonl", answers)
    out = tmp_path / "sim"
    result = done(tmp_path, simulate, folder, "--policy", policy, "--out", out)
    rows = parquet.read_table(out / "entries.parquet").to_pylist()
    assert [row["logged_output_tokens"] for row in rows] == [200, None, 200]
    assert "1 answers belong to no request" in result.output


REFUSED = {
    "missing.jsonl": (None, "there is no file"),
    "empty.jsonl": (b"", "is empty"),
    "binary.bin": (b"\x7fELF\0\0\0", "is binary"),
    "odd.jsonl": (b'{"something": 1}\n', "its format is not known; name it"),
    "bad.jsonl": (b'{"request": 1}\n', "holds no request that can be read"),
    "spans.jsonl": (b'{"resourceSpans": []}\n', "holds no request"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_log_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content, reason = REFUSED[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    said = refusal(typed(tmp_path, simulate, tmp_path / name))
    assert reason in said
    assert str(tmp_path / name) in said
    assert "\n" not in said


def refusals(log: Path, folder: Path) -> Iterator[tuple[tuple[str | Path, ...], str]]:
    (folder / "file").touch()
    (folder / "broken.toml").write_text("[")
    yield (log, "--policy", folder / "gone.toml"), "gone.toml: there is no such file"
    yield (log, "--policy", folder / "broken.toml"), "not valid TOML"
    yield (log, "--mix", "easy=2"), "--mix: 'easy=2' is no share"
    yield (log, "--mix", "easy=.5"), "they must add up to 1"
    yield (log, "--out", folder / "file" / "sim"), "cannot be written"


def test_wrong_words_are_refused_in_one_line(tmp_path: Path, log: Path) -> None:
    for words, reason in refusals(log, tmp_path):
        said = refusal(typed(tmp_path, simulate, *words))
        assert reason in said
        assert "\n" not in said
