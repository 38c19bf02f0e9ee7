"""What every ledger promises, asked of each: in memory, over SQLite, over PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from classifier.types import TIERS
from router.domain import Caller, Cost, DecisionId, Doubt, Entry, Feedback, PicoUsd
from router.ledger.facets import DIMENSIONS, EVER, Dimension, Span
from router.ledger.memory import MemoryLedger
from router.ledger.place import Place, place
from router.ledger.store import Store
from router.ledger.tally import Tallied, tally_entries
from router.ledger.upgrade import upgrade
from router.ports import Ledger
from tests.ledgers import (
    DAY_US,
    NOON_US,
    chosen,
    drain,
    entries,
    entry,
    open_spool,
    postgres,
    said,
    same_sums,
)

KINDS = ("memory", "sqlite", "postgres")
PATIENT = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Reader(Protocol):
    """How entries are read back."""

    def entries(self, span: Span = EVER) -> Iterator[Entry]: ...

    def feedback(self, span: Span = EVER) -> Iterator[Feedback]: ...

    def tallies(self, by: Sequence[Dimension] = (), span: Span = EVER) -> tuple[Tallied, ...]: ...


class Subject:
    """A ledger that can be closed and read, as often as one likes."""

    def __init__(self, home: Place | None) -> None:
        self._home = home
        self._memory = MemoryLedger()

    def open(self) -> Ledger:
        return self._memory if self._home is None else open_spool(self._home)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        if self._home is None:
            yield self._memory
            return
        drain(self._home)
        store = Store(self._home)
        try:
            yield store
        finally:
            store.close()

    def keep(self, *kept: Entry | Feedback) -> None:
        ledger = self.open()
        assert all(ledger.record(one) for one in kept)
        ledger.close()

    def feedback(self, span: Span = EVER) -> list[Feedback]:
        with self.read() as reader:
            return list(reader.feedback(span))

    def all(self, span: Span = EVER) -> list[Entry]:
        with self.read() as reader:
            return list(reader.entries(span))


@pytest.fixture(params=KINDS)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "memory":
        yield Subject(None)
    elif request.param == "sqlite":
        yield Subject(made(tmp_path))
    else:
        with postgres() as url:
            yield Subject(made(tmp_path, url))


def made(folder: Path, url: str = "") -> Place:
    home = place(str(folder), url)
    upgrade(home)
    return home


def test_what_is_recorded_is_read_back_in_order_of_arrival(subject: Subject) -> None:
    subject.keep(entry(3), entry(1), entry(2))
    assert subject.all() == [entry(1), entry(2), entry(3)]


def test_an_id_is_kept_once_and_the_first_wins(subject: Subject) -> None:
    subject.keep(entry(1), entry(1, simulated=True), entry(2))
    subject.keep(entry(2, simulated=True), entry(1))
    assert subject.all() == [entry(1), entry(2)]


def test_a_ledger_that_was_closed_goes_on_where_it_was(subject: Subject) -> None:
    subject.keep(entry(1))
    assert subject.all() == [entry(1)]
    subject.keep(entry(2))
    assert subject.all() == [entry(1), entry(2)]


def test_a_span_begins_with_its_first_moment_and_ends_before_its_last(subject: Subject) -> None:
    subject.keep(*(entry(number, at_us=NOON_US + number * DAY_US) for number in range(4)))
    span = Span(since_us=NOON_US + DAY_US, until_us=NOON_US + 3 * DAY_US)
    assert [one.id for one in subject.all(span)] == [entry(1).id, entry(2).id]
    with subject.read() as reader:
        days = reader.tallies(("day",), span)
    assert {tallied.key for tallied in days} == {("2026-11-24",), ("2026-11-25",)}


def test_an_empty_ledger_has_no_entries_and_no_sums(subject: Subject) -> None:
    with subject.read() as reader:
        assert list(reader.entries()) == []
        assert reader.tallies(DIMENSIONS) == ()


def test_a_request_with_two_tags_counts_in_both_groups_and_once_in_all(subject: Subject) -> None:
    tagged = Caller(tags=("web", "beta", "web"))
    subject.keep(entry(1, caller=tagged), entry(2))
    with subject.read() as reader:
        by_tag = reader.tallies(("tag",))
        (total,) = reader.tallies()
    assert {one.key: one.tally.requests for one in by_tag} == {
        ("web",): 1,
        ("beta",): 1,
        (None,): 1,
    }
    assert total.tally.requests == 2


def test_sums_go_beyond_64_bits(subject: Subject) -> None:
    most = PicoUsd(2**62)
    dear = Cost(actual=most, easy=most, medium=most, hard=PicoUsd(most + 7))
    subject.keep(*(entry(number, cost=dear) for number in range(5)))
    with subject.read() as reader:
        (total,) = reader.tallies()
    assert total.tally.actual == 5 * 2**62
    assert total.tally.hard.control == 5 * 2**62 + 35


def test_real_and_simulated_requests_are_never_added(subject: Subject) -> None:
    subject.keep(entry(1), entry(2, simulated=True), entry(3, simulated=True))
    with subject.read() as reader:
        totals = reader.tallies()
    assert {one.simulated: one.tally.requests for one in totals} == {False: 1, True: 2}


def test_feedback_is_read_back_with_everything_it_says(subject: Subject) -> None:
    plain = said(1, at_us=NOON_US + 1)
    labelled = said(2, at_us=NOON_US + 2, opinion="bad", label="needs_info")
    judged = said(2, at_us=NOON_US, opinion=None, label="hard", witness="judge", model="wise")
    subject.keep(entry(1), entry(2), plain, labelled, judged)
    assert subject.feedback() == [judged, plain, labelled]


def test_feedback_may_come_before_its_entry(subject: Subject) -> None:
    subject.keep(said(1))
    assert subject.feedback() == []
    subject.keep(entry(1))
    assert subject.feedback() == [said(1)]


def test_what_belongs_to_no_entry_is_never_read(subject: Subject) -> None:
    subject.keep(entry(1), said(1), said(2))
    assert subject.feedback() == [said(1)]


def test_of_one_witness_the_latest_counts_however_it_arrives(subject: Subject) -> None:
    first, second = said(1, at_us=NOON_US), said(1, at_us=NOON_US + 1, opinion="bad")
    subject.keep(entry(1), entry(2), first, second, said(2, at_us=NOON_US + 9, label="easy"))
    subject.keep(said(2, at_us=NOON_US + 3), first, first)
    assert subject.feedback() == [second, said(2, at_us=NOON_US + 9, label="easy")]


def test_feedback_belongs_to_the_span_of_its_entry(subject: Subject) -> None:
    late = said(1, at_us=NOON_US + 5 * DAY_US)
    subject.keep(entry(1), entry(2, at_us=NOON_US + DAY_US), late, said(2))
    assert subject.feedback(Span(until_us=NOON_US + DAY_US)) == [late]


@PATIENT
@given(drawn=st.lists(entries(), max_size=6))
def test_any_entry_comes_back_as_it_was(subject: Subject, drawn: list[Entry]) -> None:
    # The ledger lives through all examples, and every entry of every one of them is new to it.
    kept = {uuid4().hex: one for one in drawn}
    subject.keep(*(replace(one, id=known) for known, one in kept.items()))
    back = {one.id: one for one in subject.all()}
    assert {
        known: replace(back[DecisionId(known)], id=one.id) for known, one in kept.items()
    } == kept


@PATIENT
@given(
    drawn=st.lists(entries(), max_size=6),
    by=st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=3),
    ends=st.tuples(*[st.none() | st.integers(NOON_US - 3 * DAY_US, NOON_US + 3 * DAY_US)] * 2),
)
def test_the_store_adds_up_what_adding_up_the_entries_gives(
    subject: Subject,
    drawn: list[Entry],
    by: list[Dimension],
    ends: tuple[int | None, int | None],
) -> None:
    # The ledger lives through all examples: what one of them keeps, the next adds up again.
    subject.keep(*(replace(one, id=uuid4().hex) for one in drawn))
    with subject.read() as reader:
        for span in (EVER, Span(since_us=ends[0], until_us=ends[1])):
            assert same_sums(reader.tallies(by, span), tally_entries(reader.entries(span), by))


def test_every_way_to_group_gives_the_sums_of_the_entries(subject: Subject) -> None:
    subject.keep(*(_varied(number) for number in range(60)))
    subject.keep(*(_varied(number) for number in range(40, 90)))  # some of them again
    hour = 3_600_000_000
    spans = (EVER, Span(since_us=NOON_US - hour // 3, until_us=NOON_US + 2 * DAY_US + hour // 7))
    with subject.read() as reader:
        known = {span: list(reader.entries(span)) for span in spans}
        assert len(known[EVER]) == 90
        for by in (pick for size in (0, 1, 2, 7) for pick in combinations(DIMENSIONS, size)):
            for span, kept in known.items():
                assert same_sums(reader.tallies(by, span), tally_entries(kept, by)), by


def _varied(number: int) -> Entry:
    """Entries over four days, of several models, tiers, callers and tags, some in shadow mode."""
    tier = TIERS[number % 3]
    money = PicoUsd(number * 10**9 + 7)
    return entry(
        number,
        at_us=NOON_US - DAY_US + number * DAY_US // 24,
        decision=chosen(tier, f"model-{number % 2}"),
        caller=Caller(
            key=("", "a", "b")[number % 3],
            user=f"user-{number % 5}",
            tags=("web", "beta")[: number % 3],
        ),
        cost=Cost(
            actual=None if number % 11 == 0 else money,
            easy=money,
            hard=None if number % 7 == 0 else PicoUsd(3 * money),
            routed=money if number % 4 == 0 else None,
            doubts={"hard": Doubt(shared=number, own=number * 10**8)},
        ),
        shadow=chosen("hard", "model-9") if number % 4 == 0 else None,
        simulated=number % 13 == 0,
    )
