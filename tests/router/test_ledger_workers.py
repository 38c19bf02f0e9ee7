"""The ledger of real processes: killed, restarted, several at once."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from router.config.schema import Ledger
from router.ledger.local import LocalLedger
from router.ledger.place import Place, place
from router.ledger.upgrade import upgrade
from tests.ledgers import drain, entry, eventually, files, postgres, stored, worker


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        url = stack.enter_context(postgres()) if request.param == "postgres" else ""
        made = place(str(tmp_path), url)
        upgrade(made)
        yield made


@contextmanager
def running(*words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """A worker; killed at the end if it still lives."""
    child = worker(*words)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            pipe.close()


def serving(home: Place) -> AbstractContextManager["subprocess.Popen[str]"]:
    """A worker that records and drains."""
    return running("serve", home.spool.parent, home.url.replace("+psycopg", ""))


def said(child: "subprocess.Popen[str]") -> Iterator[str]:
    """What a worker says, line by line; a line that its death cut is not said."""
    assert child.stdout is not None
    return (line.strip() for line in child.stdout if line.endswith("\n"))


def kill(child: "subprocess.Popen[str]") -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()


def ids(home: Place) -> list[str]:
    return [one.id for one in stored(home)]


def test_every_entry_that_was_recorded_before_a_kill_is_stored_once(home: Place) -> None:
    with running("record", home.spool.parent) as child:
        lines = said(child)
        recorded = [next(lines) for _ in range(300)]
        kill(child)
        recorded += lines
    assert len(files(home.spool)) > 1
    drain(home)
    kept = ids(home)
    assert len(kept) == len(set(kept))
    assert set(recorded) <= set(kept)
    assert len(kept) <= len(recorded) + 1
    assert files(home.spool) == []


def test_when_the_worker_that_drains_is_killed_another_takes_over(home: Place) -> None:
    with serving(home) as first:
        lines = said(first)
        recorded = []
        for word in lines:
            if word == "drains":
                break
            recorded.append(word)
        with serving(home) as second:
            others = said(second)
            heard = [next(others) for _ in range(20)]
            assert "drains" not in heard
            kill(first)
            recorded += lines
            for word in others:
                heard.append(word)
                if word == "drains":
                    break
            assert second.stdin is not None
            second.stdin.write("enough\n")
            second.stdin.flush()
            heard += others
            assert second.wait(timeout=60) == 0
    heard.remove("drains")
    kept = ids(home)
    assert len(kept) == len(set(kept))
    assert set(recorded) | set(heard) <= set(kept)
    assert files(home.spool) == []


def test_what_a_killed_worker_left_is_drained_by_the_next_service(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    with running("record", tmp_path) as child:
        lines = said(child)
        recorded = [next(lines) for _ in range(50)]
        kill(child)
        recorded += lines
    ledger = LocalLedger(home, Ledger(drain_interval_ms=10))
    ledger.start()
    eventually(lambda: not files(home.spool))
    ledger.close()
    assert set(recorded) <= set(ids(home))


def test_a_closed_ledger_leaves_an_empty_spool(home: Place) -> None:
    ledger = LocalLedger(home, Ledger())
    ledger.start()
    for number in range(50):
        ledger.record(entry(number))
    ledger.close()
    assert [int(one, 16) for one in ids(home)] == list(range(50))
    assert files(home.spool) == []
    state = ledger.state()
    assert (state.spool.recorded, state.lag.entries, state.degraded) == (50, 0, ())


def test_a_ledger_that_was_never_started_keeps_its_entries_for_the_next(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    ledger = LocalLedger(home, Ledger())
    ledger.record(entry(1))
    ledger.close()
    drain(home)
    assert stored(home) == [entry(1)]


def test_a_store_that_is_away_is_said_and_the_entries_follow_when_it_is_back(
    tmp_path: Path,
) -> None:
    home = place(str(tmp_path))
    ledger = LocalLedger(home, Ledger(drain_interval_ms=10))
    ledger.start()
    ledger.record(entry(1))
    eventually(lambda: bool(ledger.state().degraded))
    assert ledger.state().lag.entries == 1
    # The drainer holds the lock that a migration takes: one is made beside it and moved there.
    beside = place(str(tmp_path / "beside"))
    upgrade(beside)
    assert beside.sqlite is not None
    assert home.sqlite is not None
    beside.sqlite.rename(home.sqlite)
    eventually(lambda: not ledger.state().degraded)
    eventually(lambda: ledger.state().lag.entries == 0)
    assert ledger.state().drains
    ledger.close()
    assert stored(home) == [entry(1)]


def test_a_spool_that_cannot_be_written_is_said_and_tried_again(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    for path in home.spool.iterdir():
        path.unlink()
    home.spool.rmdir()
    home.spool.write_text("in the way")
    ledger = LocalLedger(home, Ledger(drain_interval_ms=10))
    ledger.start()
    ledger.record(entry(1))
    assert any("cannot be written" in reason for reason in ledger.state().degraded)
    assert ledger.state().spool.ringed == 1
    home.spool.unlink()
    eventually(lambda: not ledger.state().degraded)
    ledger.close()
    assert stored(home) == [entry(1)]
