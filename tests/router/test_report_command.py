"""`gearshift report`, as it is typed."""

import csv
import io
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.cli.report import report
from router.domain import Caller, Entry
from router.errors import ConfigError, GearshiftError, LedgerError
from router.ledger.filelock import FileLock
from router.ledger.place import Place, place
from router.ledger.upgrade import DRAIN_LOCK, upgrade
from tests.ledgers import DAY_US, entry, files, open_spool, postgres


def ask(home: Path, *words: str, url: str = "", config: str = "") -> Result:
    """What `gearshift report` answers to `words`, for the data directory `home`."""
    environ = {
        "GEARSHIFT_DATA_DIR": str(home),
        "GEARSHIFT_LEDGER_URL": url,
        "GEARSHIFT_CONFIG": config,
    }
    return CliRunner(env=environ).invoke(report, list(words))


def fresh(number: int, age_us: int = 0, **more: object) -> Entry:
    """An entry of just now."""
    return entry(number, at_us=time.time_ns() // 1_000 - 1_000_000 - age_us, **more)


def keep(home: Place, *kept: Entry) -> None:
    spool = open_spool(home)
    for one in kept:
        spool.record(one)
    spool.close()


def test_without_a_ledger_it_says_so_and_makes_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    asked = ask(data)
    assert asked.exit_code == 0
    assert "No ledger yet" in asked.stdout
    assert not data.exists()


def test_without_a_ledger_a_program_still_gets_json_and_nothing_else(tmp_path: Path) -> None:
    asked = ask(tmp_path / "data", "--format", "json")
    document = json.loads(asked.stdout)
    assert (document["requests"], document["cost_usd"], document["groups"]) == (0, None, [])
    assert "No ledger yet" in asked.stderr


def test_it_stores_what_waits_before_it_reports(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    keep(home, fresh(1), fresh(2))
    asked = ask(tmp_path, "--format", "json", "--by", "model, user")
    document = json.loads(asked.stdout)
    assert document["requests"] == 2
    assert document["groups"][0]["model"] == "small"
    assert document["groups"][0]["user"] == "ada"
    assert files(home.spool) == []
    assert asked.stderr == ""


def test_beside_a_running_service_it_says_what_it_does_not_see_yet(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    service = FileLock(home.spool / DRAIN_LOCK)
    assert service.take()
    keep(home, fresh(1), fresh(2))
    asked = ask(tmp_path, "--format", "json")
    assert json.loads(asked.stdout)["requests"] == 0
    assert "2 requests wait to be stored" in asked.stderr
    service.give_back()


def test_it_begins_seven_days_ago_unless_told_otherwise(tmp_path: Path) -> None:
    keep(place(str(tmp_path)), fresh(1), fresh(2, 2 * DAY_US), fresh(3, 8 * DAY_US))
    counts = [
        json.loads(ask(tmp_path, "--format", "json", *since).stdout)["requests"]
        for since in ([], ["--since", "24h"], ["--since", "2w"], ["--since", "2020-01-01"])
    ]
    assert counts == [2, 1, 3, 3]


def test_the_table_is_for_people(tmp_path: Path) -> None:
    keep(place(str(tmp_path)), fresh(1), fresh(2, simulated=True))
    asked = ask(tmp_path, "--by", "tier")
    assert asked.exit_code == 0
    assert "always hard (baseline)" in asked.stdout
    assert "1 simulated requests are left out" in asked.stdout
    assert "\x1b" not in asked.stdout
    assert "SIMULATED" in ask(tmp_path, "--simulated").stdout


def test_csv_can_go_to_a_file(tmp_path: Path) -> None:
    keep(place(str(tmp_path)), fresh(1, caller=Caller(user="ada", tags=("web", "beta"))))
    out = tmp_path / "report.csv"
    asked = ask(tmp_path, "--format", "csv", "--by", "tag", "--out", str(out))
    assert asked.stdout == ""
    found = list(csv.DictReader(io.StringIO(out.read_text())))
    assert {row["tag"] for row in found} == {"web", "beta"}


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    keep(place(str(tmp_path)), fresh(1))
    asked = ask(tmp_path, "--out", str(tmp_path / "none" / "report.txt"))
    assert asked.exit_code == 1
    assert isinstance(asked.exception, GearshiftError)
    assert "report.txt cannot be written: No such file" in str(asked.exception)


def test_the_baseline_is_that_of_the_configuration_unless_it_is_said(tmp_path: Path) -> None:
    keep(place(str(tmp_path)), fresh(1))
    config = tmp_path / "router.toml"
    config.write_text(CONFIGURATION)
    for words in (["--config", str(config)], []):
        asked = ask(tmp_path, "--format", "json", *words, config="" if words else str(config))
        assert json.loads(asked.stdout)["baseline"] == "medium"
    said = ask(tmp_path, "--format", "json", "--config", str(config), "--baseline", "easy")
    assert json.loads(said.stdout)["baseline"] == "easy"
    assert json.loads(ask(tmp_path, "--format", "json").stdout)["baseline"] == "hard"


def test_a_configuration_that_is_wrong_is_said(tmp_path: Path) -> None:
    asked = ask(tmp_path, "--config", str(tmp_path / "none.toml"))
    assert asked.exit_code == 1
    assert isinstance(asked.exception, ConfigError)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "soon"], "90m, 24h, 7d, 2w"),
        (["--by", "model,colour"], "model, tier, label, key, user, tag, day"),
        (["--format", "pdf"], "csv"),
        (["--baseline", "needs_info"], "easy"),
    ],
)
def test_a_word_that_is_not_understood_says_what_is(
    tmp_path: Path, words: list[str], said: str
) -> None:
    asked = ask(tmp_path, *words)
    assert asked.exit_code == 2
    assert said in " ".join(asked.stderr.replace("│", " ").split())


def test_a_store_that_is_away_is_an_error_and_not_an_empty_report(tmp_path: Path) -> None:
    asked = ask(tmp_path, url="postgresql://ada:secret@127.0.0.1:1/books")
    assert asked.exit_code == 1
    assert isinstance(asked.exception, LedgerError)
    assert "secret" not in str(asked.exception)


def test_it_reads_postgresql_by_url(tmp_path: Path) -> None:
    with postgres() as url:
        home = place(str(tmp_path), url)
        upgrade(home)
        keep(home, fresh(1))
        asked = ask(tmp_path, "--format", "json", url=url)
        assert json.loads(asked.stdout)["requests"] == 1


def test_help_has_an_example(tmp_path: Path) -> None:
    assert "gearshift report --since 24h" in ask(tmp_path, "--help").stdout


CONFIGURATION = """
baseline = "medium"

[tiers]
easy = ["small"]
medium = ["small"]
hard = ["small"]

[model.small]
upstream = "here"
name = "small"
context = 8192

[upstream.here]
base_url = "http://127.0.0.1:11434/v1"
"""
