"""Reading the ledger again and again: over a real store, with its troubles."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from router.api.dashboard.reader import SHOWN, Reader
from router.api.dashboard.window import SIZE
from router.domain import DecisionId, Entry, Kept
from router.errors import LedgerError
from router.ledger.facets import EVER, Dimension, Span
from router.ledger.memory import MemoryLedger
from router.ledger.place import Place, place
from router.ledger.store import Store
from router.ledger.tally import Tallied
from router.ledger.upgrade import upgrade
from tests.ledgers import drain, entry, open_spool


@pytest.fixture
def home(tmp_path: Path) -> Place:
    at = place(str(tmp_path))
    upgrade(at)
    return at


def keep(home: Place, *kept: Entry) -> None:
    spool = open_spool(home)
    for one in kept:
        spool.record(one)
    spool.close()
    drain(home)


def now(number: int, **more: object) -> Entry:
    return entry(number, at_us=time.time_ns() // 1_000, **more)


def reader(home: Place) -> Reader:
    return Reader(lambda: Store(home), "hard")


def test_it_shows_the_last_decisions_and_their_money(home: Place) -> None:
    keep(home, *(now(n) for n in range(SHOWN + 5)))
    seen = reader(home).read()
    assert [one.id for one in seen.recent] == [f"{n:032x}" for n in range(SHOWN + 4, 4, -1)]
    assert seen.window.requests == SHOWN + 5
    assert seen.sums is not None
    assert seen.sums.periods[0].report.total.requests == SHOWN + 5
    assert not seen.trouble


def test_where_nothing_changed_it_gives_the_same_snapshot(home: Place) -> None:
    reading = reader(home)
    keep(home, now(1))
    seen = reading.read()
    assert reading.read() is seen
    keep(home, now(2))
    fresh = reading.read()
    assert [one.id for one in fresh.recent] == [f"{n:032x}" for n in (2, 1)]
    # Sums are not taken each time; they are not forgotten either.
    assert fresh.sums is seen.sums


def test_trouble_is_told_and_what_was_known_stays(home: Place) -> None:
    reading = reader(home)
    keep(home, now(1))
    seen = reading.read()
    file = home.sqlite
    assert file is not None
    hidden = file.rename(file.with_suffix(".away"))
    reading.close()
    lost = reading.read()
    assert "does not answer" in lost.trouble
    assert lost.recent == seen.recent
    assert reading.read() is lost
    hidden.rename(file)
    back = reading.read()
    assert not back.trouble
    assert back.recent == seen.recent


def test_a_ledger_that_cannot_be_opened_at_first_is_told(tmp_path: Path) -> None:
    seen = reader(place(str(tmp_path / "nowhere"))).read()
    assert seen.trouble
    assert seen.sums is None


def test_kept_text_is_shown_and_goes_with_its_days(home: Place) -> None:
    reading = reader(home)
    keep(home, now(1, prompt="what is this", kept=Kept(length=12)))
    assert reading.read().recent[0].prompt == "what is this"
    writing = Store(home, "write")
    writing.forget_prompts(time.time_ns() // 1_000 + 1)
    writing.close()
    keep(home, now(2))
    assert [one.prompt for one in reading.read().recent] == [None, None]


def test_a_decision_is_found_by_its_id(home: Place) -> None:
    keep(home, now(1, prompt="why", kept=Kept(length=3)), now(2))
    reading = reader(home)
    found = reading.find(DecisionId(f"{1:032x}"))
    assert found is not None
    assert found.prompt == "why"
    assert reading.find(DecisionId("nothing")) is None
    assert reading.find(DecisionId("'; DROP TABLE entry; --")) is None


class Counting(MemoryLedger):
    """A ledger that says what it was asked."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()
        self.broken = broken
        self.asked: list[int] = []
        self.sums = 0

    def find(self, ids: Sequence[DecisionId]) -> tuple[Entry, ...]:
        self.asked.append(len(ids))
        return super().find(ids)

    def tallies(self, by: Sequence[Dimension] = (), span: Span = EVER) -> tuple[Tallied, ...]:
        if self.broken:
            raise LedgerError("it rained")
        self.sums += 1
        return super().tallies(by, span)


def test_what_is_known_is_not_read_again_and_all_of_it_is_bounded() -> None:
    ledger = Counting()
    for n in range(SIZE + 200):
        ledger.record(entry(n))
    reading = Reader(lambda: ledger, "hard")
    assert reading.read().window.requests == SIZE
    assert ledger.asked == [SHOWN, SIZE - SHOWN]
    ledger.asked.clear()
    ledger.record(entry(SIZE + 200))
    assert reading.read().window.requests == SIZE
    assert ledger.asked == [SHOWN, 0]
    assert ledger.sums == 1


def test_trouble_between_two_questions_loses_nothing() -> None:
    ledger = Counting(broken=True)
    ledger.record(entry(1))
    reading = Reader(lambda: ledger, "hard")
    assert reading.read().trouble == "it rained"
    ledger.broken = False
    seen = reading.read()
    assert not seen.trouble
    assert len(seen.recent) == 1
    assert seen.sums is not None


def test_a_failed_find_gives_its_connection_back() -> None:
    closed: list[bool] = []

    class Broken(MemoryLedger):
        def find(self, ids: Sequence[DecisionId]) -> tuple[Entry, ...]:
            raise LedgerError("gone")

        def close(self) -> None:
            closed.append(True)

    opening: Callable[[], Broken] = Broken
    with pytest.raises(LedgerError, match="gone"):
        Reader(opening, "hard").find(DecisionId("x"))
    assert closed == [True]
