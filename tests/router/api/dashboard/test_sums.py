"""The money of the dashboard is the money of the report."""

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from router.api.dashboard.sums import BY, DAYS, LONGEST, Sums, add_up, added, span_of
from router.domain import Entry
from router.ledger.facets import Span, day_of
from router.ledger.memory import MemoryLedger
from router.ledger.tally import Pair, Tally
from router.report.summary import Question, Report, read_report
from tests.ledgers import DAY_US, NOON_US, chosen, cost, entries, entry

MIDNIGHT_US = NOON_US - DAY_US // 2


def summed(*kept: Entry, now_us: int = NOON_US) -> Sums:
    return add_up(ledger(kept).tallies(BY, span_of(now_us)), now_us, "hard")


def ledger(kept: Sequence[Entry]) -> MemoryLedger:
    held = MemoryLedger()
    for one in kept:
        held.record(one)
    return held


def reported(kept: Sequence[Entry], days: int, *, simulated: bool) -> Report:
    """What `gearshift report` says of so many days."""
    span = Span(since_us=MIDNIGHT_US - (days - 1) * DAY_US)
    of_kind = [one for one in kept if one.simulated == simulated]
    question = Question(by=("tier",), simulated=simulated, span=span)
    return read_report(ledger(of_kind), question)


@given(st.lists(entries(), max_size=12))
def test_every_period_says_what_the_report_says(kept: list[Entry]) -> None:
    # None is younger than now.
    moved = [msgspec.structs.replace(one, at_us=one.at_us - 3 * DAY_US) for one in kept]
    sums = summed(*moved)
    for period, days in zip(sums.periods, DAYS.values(), strict=True):
        said = reported(moved, days, simulated=sums.simulated)
        assert period.report.total == said.total
        assert {group.key["tier"]: group.figures for group in period.report.groups} == {
            group.key["tier"]: group.figures for group in said.groups
        }


def test_periods_are_whole_days_of_utc_and_today_is_one() -> None:
    sums = summed(
        entry(1, at_us=MIDNIGHT_US),
        entry(2, at_us=MIDNIGHT_US - 1),
        entry(3, at_us=MIDNIGHT_US - 6 * DAY_US),
        entry(4, at_us=MIDNIGHT_US - 6 * DAY_US - 1),
        entry(5, at_us=MIDNIGHT_US - 29 * DAY_US),
        entry(6, at_us=MIDNIGHT_US - 29 * DAY_US - 1),
    )
    assert [period.report.total.requests for period in sums.periods] == [1, 3, 5]
    assert [period.since for period in sums.periods] == ["2026-11-23", "2026-11-17", "2026-10-25"]


def test_the_days_are_all_there_in_order_and_add_up_to_their_period() -> None:
    sums = summed(
        entry(1), entry(2, decision=chosen("hard", "big")), entry(3, at_us=MIDNIGHT_US - 5)
    )
    assert len(sums.days) == LONGEST
    assert [day.day for day in sums.days] == sorted(day.day for day in sums.days)
    assert sums.days[-1].day == day_of(NOON_US)
    assert sums.days[-1].tiers["hard"].requests == 1
    assert sums.days[0].total.requests == 0
    assert sums.days[0].total.cost_usd is None
    whole = sum(day.total.cost_usd or 0 for day in sums.days)
    assert whole == sums.periods[-1].report.total.cost_usd


def test_real_money_of_the_last_days_leaves_simulated_money_out_everywhere() -> None:
    sums = summed(entry(1, simulated=True), entry(2, at_us=MIDNIGHT_US - 20 * DAY_US))
    assert not sums.simulated
    assert sums.excluded_requests == 1
    # Nothing real happened today, and what the sandbox did is not shown in its place.
    assert [period.report.total.requests for period in sums.periods] == [0, 0, 1]


def test_simulated_money_alone_is_shown_as_such() -> None:
    sums = summed(entry(1, simulated=True))
    assert sums.simulated
    assert sums.excluded_requests == 0
    assert all(period.report.total.simulated for period in sums.periods)


def test_nothing_at_all_is_not_simulated() -> None:
    sums = summed()
    assert not sums.simulated
    assert sums.periods[0].report.total.cost_usd is None


def test_what_has_no_price_is_not_free() -> None:
    sums = summed(entry(1, cost=cost(None)), entry(2, cost=cost(None)))
    total = sums.periods[0].report.total
    assert (total.requests, total.unpriced_requests) == (2, 2)
    assert total.cost_usd is None
    assert total.saving_usd is None


def test_every_number_of_a_tally_is_added() -> None:
    pair = Pair(requests=1, actual=2, control=3, shared=4, own=0.5)
    one = Tally(requests=5, priced=4, input=7, actual=2**70, hard=pair, routed=pair)
    two = added(one, one)
    assert msgspec.to_builtins(two, builtin_types=(int,))["actual"] == 2**71
    assert two.hard == Pair(requests=2, actual=4, control=6, shared=8, own=1.0)
    assert two.routed == two.hard
    assert (two.requests, two.priced, two.input, two.easy) == (10, 8, 14, Pair())
