"""`gearshift drift`: what it says of sides that differ in more than the traffic."""

import json
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from classifier.registry import PROMOTED
from classifier.types import Label, Tier, Version
from router.cli.drift import drift
from router.cli.model import ModelError
from router.domain import Entry, Facts
from router.ledger.place import place
from tests.commands import done, typed
from tests.ledgers import DAY_US, open_spool
from tests.registries import NEW, OLD, damage, good, keep
from tests.traffic import asked, in_loop, verdict_of

TIERS: dict[Label, Tier] = {"easy": "easy", "medium": "medium", "hard": "hard"}


def side(
    first: int, days_ago: float, label: Label = "easy", *, number: int = 50, **more: object
) -> list[Entry]:
    """So many human turns, of so many days ago."""
    start = time.time_ns() // 1_000 - int(days_ago * DAY_US)
    return [
        replace(
            asked(first + n, f"{label} question {n}", tier=TIERS[label], label=label, **more),  # type: ignore[arg-type]
            at_us=start - n,
        )
        for n in range(number)
    ]


def by_version(entries: list[Entry], version: Version, confidence: float = 0.7) -> list[Entry]:
    """The same, with verdicts of another version."""
    said = replace(verdict_of("easy", confidence), model_version=version)
    return [replace(one, decision=replace(one.decision, verdict=said)) for one in entries]


def record(home: Path, *sides: list[Entry]) -> None:
    spool = open_spool(place(str(home)))
    for one in (entry for entries in sides for entry in entries):
        spool.record(one)
    spool.close()


def lines(home: Path, *words: str) -> list[str]:
    return done(home, drift, *words).stdout.splitlines()


def line(said: list[str], start: str) -> str:
    """The one line that begins so."""
    (only,) = [one for one in said if one.startswith(start)]
    return only


def test_where_the_classifier_changed_the_reader_is_told(tmp_path: Path) -> None:
    record(
        tmp_path,
        by_version(side(0, 1), NEW, confidence=0.4),
        by_version(side(100, 20), OLD),
    )
    said = lines(tmp_path)
    assert said[0] == "ALARM: confidence drifted from earlier traffic"
    assert line(said, "the classifier changed") == (
        f"the classifier changed meanwhile ({OLD}, {NEW}): verdicts moved with it"
    )
    assert line(said, "  mean ") == "  mean 0.700 before, 0.400 now"
    report = json.loads(done(tmp_path, drift, "--json").stdout)
    assert (report["now"]["versions"], report["before"]["versions"]) == ({NEW: 50}, {OLD: 50})


def test_one_version_on_both_sides_is_not_worth_a_line(tmp_path: Path) -> None:
    record(tmp_path, side(0, 1), side(100, 20))
    said = lines(tmp_path)
    assert not [one for one in said if "changed meanwhile" in one]
    assert "steady" in line(said, "labels: PSI 0.000")
    assert line(said, "  easy ") == "  easy         100.0% before  100.0% now"


def test_without_kept_prompts_the_embedding_says_what_it_needs(tmp_path: Path) -> None:
    silent = [replace(one, prompt=None, kept=None) for one in side(0, 1)]
    record(tmp_path, silent, side(100, 20))
    assert "`ledger.store_prompts`" in line(lines(tmp_path), "embedding: not known of both sides")
    assert json.loads(done(tmp_path, drift, "--json").stdout)["embedding"] is None


def test_other_words_of_the_same_mix_are_an_alarm_of_the_embedding_alone(tmp_path: Path) -> None:
    now = [replace(one, prompt=f"Sortiere die Liste {n} der Zahlen aufsteigend.")
           for n, one in enumerate(side(0, 1))]  # fmt: skip
    record(tmp_path, now, side(100, 20))
    said = lines(tmp_path)
    assert said[0] == "ALARM: embedding drifted from earlier traffic"
    assert line(said, "embedding: ").endswith("ALARM; 50 prompts now, 50 before")


def test_steps_of_tool_loops_count_on_no_side(tmp_path: Path) -> None:
    steps = [replace(in_loop(200 + n, "hard question"), at_us=one.at_us)
             for n, one in enumerate(side(200, 1))]  # fmt: skip
    record(tmp_path, side(0, 1), steps, side(100, 20))
    said = lines(tmp_path)
    assert "50 requests now, 50 before" in said
    assert line(said, "embedding: ").endswith("50 prompts now, 50 before")


def test_a_day_may_bound_the_other_side(tmp_path: Path) -> None:
    record(tmp_path, side(0, 1), side(100, 20), side(200, 40, "hard"))
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 30 * 86_400))
    assert "50 requests now, 50 before" in lines(tmp_path, "--against", day)
    said = lines(tmp_path, "--against", "60d")
    assert "50 requests now, 100 before" in said
    assert said[0] == "ALARM: labels, embedding drifted from earlier traffic"


def test_longer_requests_are_told_by_their_bins(tmp_path: Path) -> None:
    record(tmp_path, side(0, 1, facts=Facts(input_tokens=5_000)), side(100, 20))
    said = lines(tmp_path)
    assert said[0] == "ALARM: lengths drifted from earlier traffic"
    assert line(said, "  4096 ").split() == ["4096", "0.0%", "before", "100.0%", "now"]


def test_against_the_model_means_the_one_in_service(tmp_path: Path) -> None:
    """One without facts of its training cannot be a side, and a damaged one is named."""
    record(tmp_path, side(0, 1, "hard"))
    built_in = json.loads(done(tmp_path, drift, "--against", "model", "--json").stdout)
    assert built_in["against"].startswith("what 2026")
    folder = keep(tmp_path / "registry", good(OLD))
    damage(folder)
    (tmp_path / "registry" / PROMOTED).write_text(OLD)
    (folder / "manifest.json").write_text("{")
    refused = typed(tmp_path, drift, "--against", "model")
    assert isinstance(refused.exception, ModelError)
    assert "manifest.json" in str(refused.exception)


@pytest.mark.parametrize("easy", [0, 3])
def test_one_unusual_request_alarms_nobody(tmp_path: Path, easy: int) -> None:
    """Its share is far from the usual one, but so few say nothing of shares."""
    usual = [*side(100, 20, number=40), *side(200, 20, "hard", number=10)]
    record(tmp_path, side(0, 1, "hard", number=1), side(10, 1, number=easy), usual)
    said = lines(tmp_path)
    assert said[0] == "No alarm: nothing drifted far from earlier traffic"
    assert f"{easy + 1} requests now, 50 before" in said
