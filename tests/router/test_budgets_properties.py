"""What holds of budgets whatever the amounts and the moments."""

import calendar
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from router.budgets import (
    EVERYBODY,
    Bound,
    Cap,
    Fill,
    Hold,
    Period,
    bound,
    caps_of,
    is_over,
    is_soft,
    refusal,
    usd,
    used_share,
)
from router.cache.spend_memory import MemorySpend
from router.config.access import Budget, Key, Limit
from router.domain import PICO
from router.sandbox.profile import sandbox_config
from tests.budgets import NOON_US, daily, monthly

amounts = st.integers(0, 10**18)
moments = st.integers(0, 4 * 10**15)
periods = st.sampled_from(("daily", "monthly"))
DAY_US = 86_400 * 10**6


def cap(period: Period, hard: int | None = 100, soft: int | None = None) -> Cap:
    return Cap(scope="team", period=period, soft=soft, hard=hard)


@given(at_us=moments, other_us=moments, period=periods)
def test_two_moments_share_a_window_exactly_if_they_share_the_day_or_the_month(
    at_us: int, other_us: int, period: Period
) -> None:
    days = [datetime.fromtimestamp(us // 10**6, UTC).date() for us in (at_us, other_us)]
    alike = len({day if period == "daily" else (day.year, day.month) for day in days}) == 1
    windows = {bound(cap(period), us).window for us in (at_us, other_us)}
    assert (len(windows) == 1) == alike


@given(at_us=moments)
def test_a_month_is_as_long_as_the_calendar_says(at_us: int) -> None:
    month = bound(cap("monthly"), at_us)
    at = datetime.fromtimestamp(at_us // 10**6, UTC)
    days = calendar.monthrange(at.year, at.month)[1]
    assert month.until_us - month.since_us == days * DAY_US
    first = bound(cap("daily"), month.since_us)
    assert first.since_us == month.since_us
    assert bound(cap("daily"), month.until_us - 1).until_us == month.until_us


@given(spent=amounts, held=amounts, amount=amounts, hard=amounts)
def test_what_is_over_stays_over_as_more_is_spent(
    spent: int, held: int, amount: int, hard: int
) -> None:
    window = daily(hard)
    fill = Fill(window=window.window, spent=spent, held=held)
    over = is_over(window, fill, amount)
    assert over == (spent + held + amount > hard)
    more = structs.replace(fill, spent=spent + 1)
    assert is_over(window, more, amount) or not over
    assert not is_over(daily(None), fill, amount)


@given(spent=amounts, soft=st.integers(1, 10**18))
def test_a_soft_limit_is_reached_at_its_amount_and_held_money_is_not_spent(
    spent: int, soft: int
) -> None:
    window = daily(None, soft=soft)
    assert is_soft(window, Fill(window=window.window, spent=spent, held=10**18)) == (spent >= soft)
    assert (used_share(window, Fill(window=window.window, spent=spent)) >= 1) or spent < soft


@given(spent=amounts, held=amounts, hard=amounts, amount=amounts, now_us=st.integers(0, DAY_US - 1))
def test_who_is_refused_is_told_when_to_come_back_and_no_later_than_the_window_ends(
    spent: int, held: int, hard: int, amount: int, now_us: int
) -> None:
    window = daily(hard, at_us=NOON_US)
    told = refusal(
        window, Fill(window=window.window, spent=spent, held=held), amount, window.since_us + now_us
    )
    assert told.status == 429
    assert told.lasting == (spent + amount > hard)
    assert told.retry_after_s is not None
    assert 2.0 <= told.retry_after_s <= max(2.0, (DAY_US - now_us) / 10**6)
    assert f"{usd(spent)} of {usd(hard)} USD" in str(told)
    assert str(told).endswith(".")


@pytest.mark.parametrize(
    ("pico", "text"),
    [(0, "0.0000"), (1, "0.0000"), (10**8, "0.0001"), (PICO, "1.0000"), (10**18, "1000000.0000")],
)
def test_money_is_read_with_four_decimals(pico: int, text: str) -> None:
    assert usd(pico) == text


@pytest.mark.parametrize(
    ("written", "pico"),
    [(0.1, PICO // 10), (0.29, 290_000_000_000), (1e-12, 1), (1e-13, 0), (1e6, 10**18)],
)
def test_a_limit_is_what_was_written_to_the_last_pico(written: float, pico: int) -> None:
    config = structs.replace(sandbox_config(), budget=Budget(daily=Limit(hard_usd=written)))
    ((only,),) = caps_of(config).values()
    assert (only.scope, only.hard, only.soft) == (EVERYBODY, pico, None)


@given(st.lists(st.booleans(), min_size=4, max_size=4))
def test_every_limit_that_is_written_is_a_cap_and_no_other(which: list[bool]) -> None:
    limits = [Limit(soft_usd=1.0) if one else Limit() for one in which]
    own = Budget(daily=limits[0], monthly=limits[1])
    common = Budget(daily=limits[2], monthly=limits[3])
    config = structs.replace(sandbox_config(), key=(Key(name="team", budget=own),), budget=common)
    caps = caps_of(config)
    assert len(caps["team"]) == sum(which)
    assert len(caps[EVERYBODY]) == sum(which[2:])
    assert caps["team"][len(caps["team"]) - len(caps[EVERYBODY]) :] == caps[EVERYBODY]


steps = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans(), st.integers(0, 2)),
    max_size=40,
)


@given(steps=steps, hard=st.integers(0, 200))
async def test_whatever_is_held_and_settled_in_whatever_order_the_sums_are_right(
    steps: list[tuple[int, int, bool, int]], hard: int
) -> None:
    """Each step sets something aside, and may settle one that waits; all are settled at the end."""
    counter = MemorySpend()
    day, month = daily(hard), monthly(2 * hard)
    open_: list[Hold] = []
    refused = 0
    for amount, paid, settles, which in steps:
        bounds: tuple[Bound, ...] = ((day,), (month,), (day, month))[which]
        said = await counter.hold(bounds, amount)
        if isinstance(said, Hold):
            open_.append(said)
        else:
            refused += 1
            (full,) = [one for one in bounds if one.window == said.window]
            assert is_over(full, counter.fill(full.window), amount)
        if settles and open_:
            counter.settle(open_.pop(0), paid)
        for one in (day, month):
            held = sum(hold.amount for hold in open_ if one in hold.bounds)
            assert counter.fill(one.window).held == held
    for hold in open_:
        counter.settle(hold, hold.amount)
    assert counter.fill(day.window).held == counter.fill(month.window).held == 0
    assert refused + len(open_) <= len(steps)
    counter.learn({day.window: 0})
    before = counter.fill(day.window).spent
    counter.learn({day.window: before + 5})
    assert counter.fill(day.window).spent == before + 5, "the ledger knew of more"


@given(costs=st.lists(st.integers(0, 50), max_size=30), hard=st.integers(0, 300))
async def test_who_pays_no_more_than_was_held_never_passes_a_hard_limit(
    costs: list[int], hard: int
) -> None:
    counter, window = MemorySpend(), daily(hard)
    paid = 0
    for cost in costs:
        said = await counter.hold((window,), cost)
        if isinstance(said, Hold):
            counter.settle(said, cost)
            paid += cost
        else:
            assert paid + cost > hard
    assert counter.fill(window.window).spent == paid <= hard
