"""Sums do not depend on how entries came in, nor on whether they were kept or made anew."""

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from classifier.types import TIERS
from router.domain import Caller, Cost, Doubt, Entry, PicoUsd, Usage
from router.ledger.facets import EVER, Dimension, Span
from router.ledger.place import Place, place
from router.ledger.rows import Record
from router.ledger.store import Store
from router.ledger.sums import cover
from router.ledger.tally import Tallied, tally_entries
from router.ledger.upgrade import remake_rollups, upgrade
from router.report.summary import Figures, Question, compose
from tests.ledgers import DAY_US, NOON_US, chosen, cost, entry, same_sums

HOUR_US = DAY_US // 24
GROUPINGS: tuple[tuple[Dimension, ...], ...] = (
    (),
    ("day",),
    ("user", "day"),
    ("tag",),
    ("user", "tag"),
    ("model", "tier", "label", "key"),
)
SPANS = (
    EVER,
    Span(since_us=NOON_US),
    Span(since_us=NOON_US - DAY_US + 1, until_us=NOON_US + DAY_US - 1),
    Span(since_us=NOON_US - HOUR_US, until_us=NOON_US + HOUR_US),
    Span(since_us=NOON_US + 5, until_us=NOON_US + 5),
    Span(until_us=NOON_US - 40 * DAY_US),
)


def varied(seed: int, count: int = 45) -> list[Entry]:
    """Entries of five days, at the seams of hours and days more often than not."""
    dice = random.Random(seed)
    return [_one(dice, number) for number in range(count)]


def _one(dice: random.Random, number: int) -> Entry:
    seam = NOON_US + dice.randint(-60, 60) * HOUR_US
    tier = dice.choice(TIERS)
    amounts = [dice.choice([None, 0, 1, dice.randrange(2**62)]) for _ in range(4)]
    actual, easy, medium, hard = (None if one is None else PicoUsd(one) for one in amounts)
    doubts = {
        one: Doubt(shared=dice.randrange(2**50), own=dice.randrange(2**50))
        for one in TIERS
        if dice.random() < 0.5
    }
    return entry(
        number,
        at_us=seam + dice.choice([-1, 0, 1, dice.randrange(HOUR_US)]),
        decision=chosen(tier, dice.choice(["small", "large", "größe"])),
        caller=Caller(
            key=dice.choice(["", "team"]),
            user=dice.choice(["", "ada", "ünï\0🧭", "x" * 300]),
            tags=tuple(dice.sample(["a", "b", "", "a"], dice.randint(0, 4))),
        ),
        cost=Cost(actual=actual, easy=easy, medium=medium, hard=hard, doubts=doubts),
        usage=Usage(input=dice.randrange(2**40), output=dice.randrange(9), source="billed"),
        simulated=dice.random() < 0.3,
    )


@pytest.fixture
def home(tmp_path: Path) -> Place:
    made = place(str(tmp_path))
    upgrade(made)
    return made


def insert(home: Place, batches: Sequence[Sequence[Entry]]) -> None:
    store = Store(home, "write")
    try:
        for batch in batches:
            store.insert([Record(entry=one, document=_document(one)) for one in batch])
    finally:
        store.close()


def _document(one: Entry) -> str:
    return f'{{"id":"{one.id}"}}'  # no sum reads it


def sums(home: Place, by: Sequence[Dimension], span: Span = EVER) -> tuple[Tallied, ...]:
    store = Store(home)
    try:
        return store.tallies(by, span)
    finally:
        store.close()


def all_sums(home: Place) -> list[tuple[Tallied, ...]]:
    return [sums(home, by, span) for by in GROUPINGS for span in SPANS]


def expected(kept: Sequence[Entry]) -> list[tuple[Tallied, ...]]:
    return [
        tally_entries([one for one in kept if span.holds(one.at_us)], by)
        for by in GROUPINGS
        for span in SPANS
    ]


def alike(found: list[tuple[Tallied, ...]], wanted: list[tuple[Tallied, ...]]) -> bool:
    return all(same_sums(*pair) for pair in zip(found, wanted, strict=True))


@pytest.mark.parametrize("seed", range(2))
def test_sums_are_those_of_the_entries_in_whatever_batches_they_came(
    home: Place, seed: int
) -> None:
    kept = varied(seed)
    dice = random.Random(seed)
    mixed = dice.sample(kept, len(kept))
    cuts = sorted(dice.sample(range(1, len(kept)), 5))
    ends = zip([0, *cuts], [*cuts, len(kept)], strict=True)
    insert(home, [mixed[start:end] for start, end in ends])
    assert alike(all_sums(home), expected(kept))
    insert(home, [mixed[:20], kept])
    assert alike(all_sums(home), expected(kept)), "what was stored again was added again"
    remake_rollups(home)
    assert alike(all_sums(home), expected(kept)), "made anew they are others"


def test_what_is_deleted_by_hand_is_gone_from_every_sum_that_is_made_anew(home: Place) -> None:
    kept = varied(9)
    insert(home, [kept])
    gone = {one.id for one in kept[::3]}
    with sqlite3.connect(home.sqlite or "") as store:
        store.executemany("DELETE FROM entry WHERE id = ?", [(one,) for one in gone])
        store.executemany("DELETE FROM entry_tag WHERE entry_id = ?", [(one,) for one in gone])
    remake_rollups(home)
    assert alike(all_sums(home), expected([one for one in kept if one.id not in gone]))


def test_of_an_emptied_ledger_nothing_is_left_in_the_sums(home: Place) -> None:
    insert(home, [varied(1)])
    with sqlite3.connect(home.sqlite or "") as store:
        store.execute("DELETE FROM entry_tag")
        store.execute("DELETE FROM entry")
    remake_rollups(home)
    with sqlite3.connect(home.sqlite or "") as store:
        for level in ("rollup_hour", "rollup_user", "rollup_tag"):
            assert store.execute(f"SELECT count(*) FROM {level}").fetchone() == (0,)
    assert all(found == () for found in all_sums(home))


def test_nothing_to_store_changes_nothing(home: Place) -> None:
    insert(home, [[], varied(2), []])
    assert alike(all_sums(home), expected(varied(2)))


@pytest.mark.parametrize("after_us", [-1, 0, 1])
def test_an_entry_at_midnight_belongs_to_one_day(home: Place, after_us: int) -> None:
    midnight = NOON_US + DAY_US // 2
    insert(home, [[entry(1, at_us=midnight + after_us)]])
    (found,) = sums(home, ("day",))
    assert found.key == ("2026-11-23" if after_us < 0 else "2026-11-24",)
    before, since = Span(until_us=midnight), Span(since_us=midnight)
    assert len(sums(home, (), before)) == (after_us < 0)
    assert len(sums(home, (), since)) == (after_us >= 0)


@pytest.mark.parametrize("at_us", [0, 1, -1, -DAY_US])
def test_the_epoch_and_what_lies_before_it_are_days_like_others(home: Place, at_us: int) -> None:
    insert(home, [[entry(1, at_us=at_us), entry(2)]])
    days = {found.key for found in sums(home, ("day",))}
    assert days == {("1970-01-01" if at_us >= 0 else "1969-12-31",), ("2026-11-23",)}


@pytest.mark.parametrize("grain_us", [HOUR_US, DAY_US])
@pytest.mark.parametrize("seed", range(3))
def test_every_moment_of_a_span_is_covered_once(grain_us: int, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(200):
        first, since, length, reach = (dice.randrange(5 * DAY_US) for _ in range(4))
        known = Span(since_us=first, until_us=first + reach + 1)
        span = Span(since_us=since, until_us=since + length)
        covered = cover(span, known, grain_us)
        parts = [*covered.edges, *([covered.whole] if covered.whole else [])]
        ends = [(part.since_us or 0, part.until_us or 0) for part in parts]
        for at in (first, first + reach, since, since + length - 1, dice.randrange(5 * DAY_US)):
            wanted = span.holds(at) and known.holds(at)
            assert sum(start <= at < end for start, end in ends) == wanted or not known.holds(at)


def figures(kept: Sequence[Entry]) -> Figures:
    question = Question(by=(), baseline="hard", simulated=False, span=EVER)
    return compose(tally_entries(kept), (), question).total


@pytest.mark.parametrize("seed", range(6))
def test_a_reports_interval_holds_its_own_figure_and_is_never_turned_round(seed: int) -> None:
    kept = [replace(one, simulated=False) for one in varied(seed)]
    found = figures(kept)
    low, high = found.bounds.saving_usd_low, found.bounds.saving_usd_high
    assert found.saving_usd is not None
    assert low is not None
    assert high is not None
    assert low <= found.saving_usd <= high


def test_a_counterfactual_without_doubt_has_an_interval_of_one_point_or_none() -> None:
    known = entry(1, decision=chosen("easy", "m"), cost=cost(1, easy=1, medium=2, hard=4))
    found = figures([known])
    assert str(found.saving_usd) == "0.000003"
    assert {found.bounds.saving_usd_low, found.bounds.saving_usd_high} <= {None, found.saving_usd}


def test_no_request_and_no_price_are_told_apart() -> None:
    nothing, unpriced = (
        figures([]),
        figures([entry(1, cost=cost(None), decision=chosen("easy", "m"))]),
    )
    assert (nothing.requests, nothing.unpriced_requests) == (0, 0)
    assert (unpriced.requests, unpriced.unpriced_requests) == (1, 1)
    assert nothing.saving_usd is None
    assert unpriced.saving_usd is None
