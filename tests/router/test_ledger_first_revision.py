"""A ledger that the first version left behind: a real file with data, brought up to date."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from rich_click import Command

from router.cli.drift import drift
from router.cli.lessons import lessons
from router.cli.report import report
from router.domain import Entry
from router.errors import LedgerError
from router.ledger.place import Place, place
from router.ledger.schema import REVISION
from router.ledger.store import Store
from router.ledger.tally import tally_entries
from router.ledger.upgrade import upgrade
from tests.commands import done, typed
from tests.ledgers import DAY_US, drain, entry, open_spool, said, same_sums, stored

# The tables as revision 0001 made them, and the way in which it wrote an entry: written down here,
# because files that are out there do not change with our code.
TABLES = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
CREATE TABLE entry (
  id VARCHAR(64) NOT NULL, at_us BIGINT NOT NULL, day VARCHAR(10) NOT NULL,
  tier VARCHAR(8) NOT NULL, label VARCHAR(16), model VARCHAR(256) NOT NULL,
  reason VARCHAR(16) NOT NULL, caller_key VARCHAR(256), caller_user VARCHAR(256),
  status INTEGER NOT NULL, simulated BOOLEAN NOT NULL, estimated BOOLEAN NOT NULL,
  input_tokens BIGINT NOT NULL, cached_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL,
  reasoning_tokens BIGINT NOT NULL, cost_actual BIGINT, cost_easy BIGINT, cost_medium BIGINT,
  cost_hard BIGINT, document JSON NOT NULL, PRIMARY KEY (id));
CREATE INDEX entry_at ON entry (at_us, id);
CREATE TABLE entry_tag (
  entry_id VARCHAR(64) NOT NULL, tag VARCHAR(256) NOT NULL, PRIMARY KEY (entry_id, tag),
  FOREIGN KEY(entry_id) REFERENCES entry (id) ON DELETE CASCADE);
"""
INSERT = f"INSERT INTO entry VALUES ({', '.join('?' * 21)})"
PAGES = 1_201
"""More entries with text than two pages of the migration hold."""


def first_file(home: Path, *kept: Entry) -> Place:
    """The file of a ledger of revision 0001 with `kept` in it, each tagged `web`."""
    there = place(str(home))
    assert there.sqlite is not None
    there.spool.mkdir(parents=True)
    with sqlite3.connect(there.sqlite) as file:
        file.executescript(TABLES)
        file.executemany(INSERT, [row(one) for one in kept])
        file.executemany("INSERT INTO entry_tag VALUES (?, 'web')", [(one.id,) for one in kept])
    file.close()
    return there


def row(one: Entry) -> tuple[object, ...]:
    verdict = one.decision.verdict
    day = time.strftime("%Y-%m-%d", time.gmtime(one.at_us // 1_000_000))
    facets = (one.id, one.at_us, day, one.decision.tier, verdict.label if verdict else None)
    names = (one.decision.model, one.decision.reason, one.caller.key, one.caller.user)
    usage = (one.usage.input, one.usage.cached, one.usage.output, one.usage.reasoning)
    cost = (one.cost.actual, one.cost.easy, one.cost.medium, one.cost.hard)
    document = msgspec.json.encode(one).decode()
    return (*facets, *names, one.outcome.status, one.simulated, False, *usage, *cost, document)


def rows(there: Place, query: str) -> list[tuple[Any, ...]]:
    assert there.sqlite is not None
    with sqlite3.connect(there.sqlite) as file:
        found = file.execute(query).fetchall()
    file.close()
    return found


def lately(number: int, **more: object) -> Entry:
    """Entry `number`, of an hour ago."""
    at_us = time.time_ns() // 1_000 - 3_600_000_000 + number
    return entry(number, at_us=at_us, **more)


def spoken(number: int) -> Entry:
    return lately(number, prompt=f"What does the walrus hum at {number} o'clock?")


def test_every_entry_is_there_afterwards_with_its_text_however_many_there_are(
    tmp_path: Path,
) -> None:
    kept = [spoken(n) if n % 4 else lately(n) for n in range(PAGES * 4 // 3)]
    there = first_file(tmp_path, *kept)
    upgrade(there)
    assert stored(there) == kept
    texts = sum(one.prompt is not None for one in kept)
    assert texts > 1_000
    assert rows(there, "SELECT count(*) FROM prompt") == [(texts,)]
    assert rows(there, "SELECT count(*) FROM entry WHERE document LIKE '%walrus%'") == [(0,)]
    assert rows(there, "SELECT count(*), min(tag) FROM entry_tag") == [(len(kept), "web")]


def test_what_a_report_adds_up_is_not_changed_by_it(tmp_path: Path) -> None:
    there = first_file(tmp_path, *map(spoken, range(9)), *map(lately, range(9, 20)))
    sums = "SELECT count(*), sum(input_tokens), sum(cost_actual), sum(cost_hard) FROM entry"
    before = rows(there, sums)
    upgrade(there)
    assert rows(there, sums) == before
    store = Store(there)
    (total,) = store.tallies()
    (tagged,) = store.tallies(("tag",))
    for by in ((), ("user", "day"), ("key", "tier", "label", "model")):
        assert same_sums(store.tallies(by), tally_entries(store.entries(), by))
    store.close()
    assert (total.tally.requests, total.tally.actual) == (before[0][0], before[0][2])
    assert (tagged.key, tagged.tally) == (("web",), total.tally)


def test_what_is_stored_after_it_is_added_to_what_was_there(tmp_path: Path) -> None:
    there = first_file(tmp_path, *map(lately, range(5)))
    upgrade(there)
    spool = open_spool(there)
    for number in range(3, 8):
        spool.record(lately(number))
    spool.close()
    drain(there)
    store = Store(there)
    (total,) = store.tallies()
    (by_user,) = store.tallies(("user",))
    store.close()
    assert total.tally.requests == by_user.tally.requests == 8


def test_text_is_forgotten_by_the_time_of_its_entry_and_not_by_that_of_the_migration(
    tmp_path: Path,
) -> None:
    old = replace(spoken(1), at_us=time.time_ns() // 1_000 - 40 * DAY_US)
    there = first_file(tmp_path, old, spoken(2))
    upgrade(there)
    store = Store(there, "write")
    assert store.forget_prompts(time.time_ns() // 1_000 - 30 * DAY_US) == 1
    store.close()
    assert [one.prompt for one in stored(there)] == [None, spoken(2).prompt]


def test_feedback_on_what_was_asked_before_teaches_after_it(tmp_path: Path) -> None:
    there = first_file(tmp_path, spoken(1), spoken(2))
    spool = open_spool(there)
    spool.record(said(1, opinion="bad", label="hard"))
    spool.close()
    told = done(tmp_path, lessons, "--since", "1d")  # what waits in the spool is stored first
    (line,) = told.stdout.splitlines()
    learned = msgspec.json.decode(line)
    assert (learned["prompt"], learned["label"]) == (spoken(1).prompt, "hard")
    assert rows(there, "SELECT version_num FROM alembic_version") == [(REVISION,)]


@pytest.mark.parametrize("command", [lessons, report, drift], ids=lambda one: str(one.name))
def test_a_command_that_only_reads_changes_no_file_and_says_what_does(
    tmp_path: Path, command: Command
) -> None:
    there = first_file(tmp_path, spoken(1))
    assert there.sqlite is not None
    before = there.sqlite.read_bytes()
    result = typed(tmp_path, command)
    assert isinstance(result.exception, LedgerError)
    assert f"is of revision 0001 instead of {REVISION}" in str(result.exception)
    assert "start the service once" in str(result.exception)
    assert there.sqlite.read_bytes() == before


def test_a_migration_that_fails_halfway_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Documents that are no JSON come from a damaged disk; nothing may be half moved then."""
    there = first_file(tmp_path, *map(spoken, range(5)))
    assert there.sqlite is not None
    with sqlite3.connect(there.sqlite) as file:
        file.execute('UPDATE entry SET document = \'{"x":1,"prompt":"\' WHERE rowid = 3')
    file.close()
    documents = rows(there, "SELECT document FROM entry ORDER BY id")
    with pytest.raises(LedgerError, match="an entry of it cannot be read"):
        upgrade(there)
    assert rows(there, "SELECT document FROM entry ORDER BY id") == documents
    assert rows(there, "SELECT version_num FROM alembic_version") == [("0001",)]
    tables = "SELECT name FROM sqlite_master WHERE name IN ('prompt', 'feedback')"
    assert rows(there, tables) == []
