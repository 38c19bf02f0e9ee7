"""`gearshift drift`, as it is typed."""

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from classifier.types import Label, Tier
from router.cli.drift import drift
from router.errors import GearshiftError, LedgerError
from router.ledger.place import place
from tests.ledgers import DAY_US, open_spool
from tests.traffic import asked


def ask(home: Path, *words: str) -> Result:
    environ = {"GEARSHIFT_DATA_DIR": str(home), "GEARSHIFT_LEDGER_URL": ""}
    return CliRunner(env=environ).invoke(drift, list(words))


def keep(folder: Path, first: int, days_ago: float, label: Label, number: int = 60) -> None:
    """Entries of so many days ago, all with one label."""
    tiers: dict[Label, Tier] = {"easy": "easy", "hard": "hard"}
    spool = open_spool(place(str(folder)))
    now = time.time_ns() // 1_000
    for n in range(number):
        one = asked(first + n, f"{label} question {n}", tier=tiers[label], label=label)
        spool.record(replace(one, at_us=now - int(days_ago * DAY_US) - n))
    spool.close()


def test_steady_traffic_is_no_alarm(tmp_path: Path) -> None:
    keep(tmp_path, 0, 1, "easy")
    keep(tmp_path, 100, 20, "easy")
    done = ask(tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("No alarm")
    assert "60 requests now, 60 before" in done.stdout


def test_an_alarm_is_said_first_and_is_no_failure(tmp_path: Path) -> None:
    keep(tmp_path, 0, 1, "hard")
    keep(tmp_path, 100, 20, "easy")
    done = ask(tmp_path, "--since", "7d", "--against", "30d")
    assert done.exit_code == 0
    assert done.stdout.startswith("ALARM: labels")
    said = json.loads(ask(tmp_path, "--json").stdout)
    assert said["alarm"] is True
    assert "labels" in said["alarms"]
    assert said["labels"]["psi"] > 0.25
    assert said["embedding"]["texts_now"] == 60


def test_against_the_model_its_training_labels_are_the_other_side(tmp_path: Path) -> None:
    keep(tmp_path, 0, 1, "hard")
    said = json.loads(ask(tmp_path, "--against", "model", "--json").stdout)
    assert said["alarms"] == ["labels"]
    assert said["embedding"] is None
    assert said["before"]["requests"] > 10_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--against"),
        (("--since", "1h"), "--since"),
        (("--against", "soon"), "model"),
        (("--against", "2099-01-01"), "in between"),
    ],
)
def test_where_there_is_nothing_to_compare_it_says_what_to_ask_for(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    keep(tmp_path, 0, 1, "easy", number=3)
    done = ask(tmp_path, *words)
    assert isinstance(done.exception, GearshiftError)
    assert says in str(done.exception)


def test_without_a_ledger_it_says_so(tmp_path: Path) -> None:
    assert isinstance(ask(tmp_path / "none").exception, LedgerError)
