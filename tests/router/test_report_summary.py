"""The report's arithmetic: exact, honest about the unknown, the same from entries and from SQL."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.types import TIERS, Tier
from router.domain import PICO, Caller, Cost, Entry, PicoUsd, Usage
from router.ledger.facets import DIMENSIONS, Dimension, Span
from router.ledger.memory import MemoryLedger
from router.ledger.place import place
from router.ledger.store import Store
from router.ledger.tally import control_of
from router.ledger.upgrade import upgrade
from router.report.since import since_us
from router.report.summary import Question, read_report, summarise, usd
from tests.ledgers import (
    DAY_US,
    NOON_US,
    chosen,
    cost,
    drain,
    entries,
    entry,
    open_spool,
)

MICRO = Decimal("0.000001")


def test_cost_saving_and_controls_of_priced_requests() -> None:
    report = summarise(
        [
            entry(1, cost=cost(1, easy=1, medium=2, hard=4)),
            entry(2, cost=cost(6, easy=3, medium=5, hard=6)),
        ]
    )
    total = report.total
    assert (total.requests, total.unpriced_requests, total.compared_requests) == (2, 0, 2)
    assert total.cost_usd == 7 * MICRO
    assert total.baseline_cost_usd == 10 * MICRO
    assert total.saving_usd == 3 * MICRO
    assert total.saving_pct == 30
    assert total.controls.always_hard.saving_pct == 30
    assert total.controls.always_medium.cost_usd == 7 * MICRO
    assert total.controls.always_medium.saving_usd == 0
    assert total.controls.always_easy.saving_usd == -3 * MICRO
    assert total.controls.always_easy.saving_pct == -75


def test_the_baseline_is_the_control_that_was_asked_for() -> None:
    report = summarise([entry(1, cost=cost(1, easy=1, medium=2, hard=4))], baseline="medium")
    assert report.total.baseline_cost_usd == 2 * MICRO
    assert report.total.saving_pct == 50
    assert report.question.baseline == "medium"


def test_what_has_no_price_is_counted_and_left_out_of_every_sum() -> None:
    report = summarise(
        [
            entry(1, cost=cost(1, hard=4)),
            entry(2, cost=cost(None, hard=100)),
            entry(3, cost=cost(5, hard=None)),
        ]
    )
    total = report.total
    assert (total.requests, total.unpriced_requests, total.compared_requests) == (3, 1, 1)
    assert total.cost_usd == 6 * MICRO
    assert total.baseline_cost_usd == 4 * MICRO
    assert total.saving_usd == 3 * MICRO
    assert total.saving_pct == 75


def test_unknown_is_null_and_never_nothing() -> None:
    total = summarise([entry(1, cost=cost(None))]).total
    assert (total.requests, total.unpriced_requests) == (1, 1)
    assert total.cost_usd is None
    assert total.baseline_cost_usd is None
    assert total.saving_usd is None
    assert total.saving_pct is None
    assert total.controls.always_easy.cost_usd is None


def test_what_cost_nothing_is_nothing_and_saves_no_share() -> None:
    total = summarise([entry(1, cost=cost(0, hard=0))]).total
    assert total.cost_usd == 0
    assert total.saving_usd == 0
    assert total.saving_pct is None


def test_shares_are_rounded_to_the_hundredth_however_absurd_they_are() -> None:
    third = summarise([entry(1, cost=cost(1, hard=3))]).total
    assert third.saving_pct == Decimal("66.67")
    absurd = summarise([entry(1, cost=Cost(actual=PicoUsd(10**40), hard=PicoUsd(1)))]).total
    assert absurd.saving_pct is not None
    assert absurd.saving_pct < -(10**41)


def test_estimated_usage_is_counted() -> None:
    report = summarise(
        [
            entry(1),
            entry(2, usage=Usage(input=1, source="estimated")),
            entry(3, estimated=True),
        ]
    )
    assert report.total.estimated_requests == 2


def test_tokens_add_up() -> None:
    total = summarise([entry(1), entry(2)]).total
    assert (total.input_tokens, total.cached_tokens, total.output_tokens) == (200, 80, 100)


def test_simulated_money_is_shown_where_there_is_no_other() -> None:
    report = summarise([entry(1, simulated=True)])
    assert report.total.simulated
    assert (report.total.requests, report.excluded_requests) == (1, 0)


def test_simulated_money_is_left_out_where_there_is_real_money() -> None:
    kept = [entry(1, simulated=True), entry(2), entry(3, simulated=True)]
    real, rest = summarise(kept, ["model"]), summarise(kept, ["model"], simulated=True)
    assert (real.total.simulated, real.total.requests, real.excluded_requests) == (False, 1, 2)
    assert (rest.total.simulated, rest.total.requests, rest.excluded_requests) == (True, 2, 1)
    assert [group.figures.requests for group in real.groups] == [1]
    assert [group.figures.requests for group in rest.groups] == [2]


def test_groups_have_the_figures_of_their_requests_dearest_first() -> None:
    report = summarise(
        [
            entry(1, decision=chosen("easy", "small"), cost=cost(1, hard=4)),
            entry(2, decision=chosen("hard", "large"), cost=cost(9, hard=9)),
            entry(3, decision=chosen("easy", "small"), cost=cost(2, hard=4)),
            entry(4, decision=chosen("hard", "odd"), cost=cost(None)),
        ],
        ["tier", "model"],
    )
    assert [group.key for group in report.groups] == [
        {"tier": "hard", "model": "large"},
        {"tier": "easy", "model": "small"},
        {"tier": "hard", "model": "odd"},
    ]
    assert [group.figures.cost_usd for group in report.groups] == [9 * MICRO, 3 * MICRO, None]
    assert report.groups[1].figures.saving_pct == Decimal("62.5")


def test_days_are_utc_and_come_in_order() -> None:
    midnight = NOON_US + DAY_US // 2
    report = summarise(
        [
            entry(1, at_us=midnight, cost=cost(9)),
            entry(2, at_us=midnight - 1, cost=cost(1)),
        ],
        ["day"],
    )
    assert [group.key["day"] for group in report.groups] == ["2026-11-23", "2026-11-24"]


def test_what_an_entry_does_not_say_is_a_group_of_its_own() -> None:
    report = summarise(
        [entry(1, decision=chosen("hard", "large", "forced"), caller=Caller())],
        ["label", "key", "user", "tag"],
    )
    assert report.groups[0].key == {"label": None, "key": None, "user": None, "tag": None}


def test_nothing_at_all_is_a_report_too() -> None:
    report = summarise([], ["model"])
    assert (report.total.requests, report.total.cost_usd, report.groups) == (0, None, ())


@given(pico=st.integers(-(10**30), 10**30))
def test_dollars_are_exact_and_plain(pico: int) -> None:
    amount = usd(pico)
    assert Fraction(amount) == Fraction(pico, PICO)
    text = f"{amount:f}"
    assert "." not in text or not text.endswith(("0", "."))


@given(kept=st.lists(entries(), max_size=8), tier=st.sampled_from(TIERS))
def test_the_sums_are_those_of_the_entries_one_by_one(kept: list[Entry], tier: Tier) -> None:
    report = summarise(kept, baseline=tier)
    shown = [one for one in kept if one.simulated == report.total.simulated]
    real = [one for one in kept if not one.simulated]
    assert shown == (real or kept)
    prices = [one.cost.actual for one in shown if one.cost.actual is not None]
    pairs = [
        (one.cost.actual, control)
        for one in shown
        if one.cost.actual is not None and (control := control_of(one.cost, tier)) is not None
    ]
    assert report.total.unpriced_requests == len(shown) - len(prices)
    assert report.total.cost_usd == (usd(sum(prices)) if prices else None)
    assert report.total.compared_requests == len(pairs)
    saved = sum(control for _, control in pairs) - sum(actual for actual, _ in pairs)
    assert report.total.saving_usd == (usd(saved) if pairs else None)


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kept=st.lists(entries(), max_size=8, unique_by=lambda one: one.id),
    by=st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=3),
    tier=st.sampled_from(TIERS),
    simulated=st.booleans(),
)
def test_a_store_reports_what_its_entries_report(
    tmp_path_factory: pytest.TempPathFactory,
    kept: list[Entry],
    by: list[Dimension],
    tier: Tier,
    *,
    simulated: bool,
) -> None:
    home = place(str(tmp_path_factory.mktemp("ledger")))
    upgrade(home)
    spool = open_spool(home)
    for one in kept:
        spool.record(one)
    spool.close()
    drain(home)
    store = Store(home)
    added = read_report(store, Question(by=tuple(by), baseline=tier, simulated=simulated))
    assert added == summarise(store.entries(), by, tier, simulated=simulated)
    store.close()


def test_a_report_covers_its_span() -> None:
    ledger = MemoryLedger()
    for number in range(3):
        ledger.record(entry(number, at_us=NOON_US + number))
    span = Span(since_us=NOON_US + 1, until_us=NOON_US + 2)
    assert read_report(ledger, Question(span=span)).total.requests == 1


@pytest.mark.parametrize(
    ("said", "back_s"),
    [("90m", 5_400), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), (" 7D ", 604_800)],
)
def test_since_goes_back_from_now(said: str, back_s: int) -> None:
    assert since_us(said, NOON_US) == NOON_US - back_s * 1_000_000


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-11-23", NOON_US - DAY_US // 2),
        ("2026-11-23T12:00", NOON_US),
        ("2026-11-23T13:00+01:00", NOON_US),
        ("1950-01-01", 0),
        ("999999999w", 0),
    ],
)
def test_since_takes_dates_and_times(said: str, at: int) -> None:
    assert since_us(said, NOON_US) == at


@pytest.mark.parametrize("said", ["", "yesterday", "7", "7y", "-7d", "2026-13-01", "7d7d"])
def test_since_says_what_it_takes(said: str) -> None:
    with pytest.raises(ValueError, match="accepted: 90m, 24h, 7d, 2w, a date"):
        since_us(said, NOON_US)
