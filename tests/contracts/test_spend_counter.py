"""What every counter of budgets promises, asked of each of them; Redis is a real one."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from router.budgets import Fill, Hold
from router.cache.spend_memory import MemorySpend
from router.cache.spend_shared import RedisSpend
from router.config.schema import Cache
from router.ports import SpendCounter
from tests.budgets import AT_US, daily, held, monthly, refused
from tests.redis_server import RedisServer

# The machine that runs the suite may be busy: what is tested here is not speed.
SETTINGS = Cache(redis_timeout_ms=5_000)
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(params=["memory", "redis"])
async def counter(
    request: pytest.FixtureRequest, server: RedisServer
) -> AsyncIterator[SpendCounter]:
    server.client().flushall()
    shared = request.param == "redis"
    made: SpendCounter = RedisSpend(server.url, SETTINGS) if shared else MemorySpend()
    yield made
    await made.close()


async def test_nothing_is_spent_at_first(counter: SpendCounter) -> None:
    window = daily().window
    assert counter.fill(window) == Fill(window=window)
    assert counter.degraded is None


async def test_what_is_set_aside_counts_until_it_is_settled(counter: SpendCounter) -> None:
    today = daily(100)
    first = await held(counter, today, amount=70)
    full = await refused(counter, today, amount=31)
    assert (full.window, full.spent, full.held) == (today.window, 0, 70)
    counter.settle(first, 20)
    assert counter.fill(today.window) == Fill(window=today.window, spent=20, held=0)
    await counter.refresh([today])
    await held(counter, today, amount=80)
    assert (await refused(counter, today, amount=1)).spent == 20


async def test_the_last_pico_may_be_spent_and_no_more(counter: SpendCounter) -> None:
    today = daily(10**18)
    counter.settle(await held(counter, today, amount=10**18 - 1), 10**18 - 1)
    await counter.refresh([today])
    await held(counter, today, amount=1)
    assert (await refused(counter, today, amount=200)).spent == 10**18 - 1


async def test_a_hold_is_had_in_all_windows_or_in_none(counter: SpendCounter) -> None:
    today, month, all_ = daily(100), monthly(50), daily(1_000, scope="")
    full = await refused(counter, today, month, all_, amount=60)
    assert full.window == month.window
    assert counter.fill(today.window).held == 0
    counter.settle(await held(counter, today, month, all_, amount=40), 40)
    await counter.refresh([today, month, all_])
    assert [counter.fill(each.window).spent for each in (today, month, all_)] == [40, 40, 40]
    await held(counter, all_, amount=900)


async def test_windows_of_other_keys_and_days_are_apart(counter: SpendCounter) -> None:
    today = daily(100)
    await held(counter, today, amount=100)
    await held(counter, daily(100, scope="other"), amount=100)
    await held(counter, daily(100, at_us=AT_US + DAY_US), amount=100)
    await refused(counter, today, amount=1)


async def test_of_a_hundred_at_once_only_as_many_pass_as_there_is_money_for(
    counter: SpendCounter,
) -> None:
    today = daily(95)
    said = await asyncio.gather(*(counter.hold([today], 10) for _ in range(100)))
    holds = [each for each in said if isinstance(each, Hold)]
    assert len(holds) == 9
    for hold in holds:
        counter.settle(hold, 10)
    await counter.refresh([today])
    assert counter.fill(today.window) == Fill(window=today.window, spent=90)


async def test_without_a_hard_limit_nothing_is_refused(counter: SpendCounter) -> None:
    today = daily(None, soft=1)
    counter.settle(await held(counter, today, amount=10**17), 10**17)
    await held(counter, today, amount=10**17)
    assert counter.fill(today.window).spent == 10**17


async def test_what_was_not_asked_for_can_be_settled(counter: SpendCounter) -> None:
    today = daily(None, soft=1)
    for _ in range(3):
        counter.settle(Hold(bounds=(today,), amount=0), 5)
    await counter.refresh([today])
    assert counter.fill(today.window) == Fill(window=today.window, spent=15)


async def test_each_kind_of_money_is_counted_in_its_own_windows(counter: SpendCounter) -> None:
    real, played = daily(100), daily(100, simulated=True)
    hold = await held(counter, real, played, amount=60)
    assert (await refused(counter, played, amount=41)).held == 60
    counter.settle(hold, 50, simulated=True)
    await counter.refresh([real, played])
    assert counter.fill(real.window) == Fill(window=real.window)
    assert counter.fill(played.window) == Fill(window=played.window, spent=50)
    counter.settle(await held(counter, real, played, amount=50), 30)
    assert (counter.fill(real.window).spent, counter.fill(played.window).spent) == (30, 50)


async def test_the_ledger_s_word_counts_where_it_is_more(counter: SpendCounter) -> None:
    today = daily(100)
    counter.learn({today.window: 60})
    assert (await refused(counter, today, amount=41)).spent == 60
    counter.learn({today.window: 50})
    assert counter.fill(today.window).spent == 60
    counter.settle(await held(counter, today, amount=40), 30)
    await counter.refresh([today])
    assert counter.fill(today.window).spent == 90


async def test_a_window_that_is_over_is_forgotten(counter: SpendCounter) -> None:
    yesterday, today = daily(at_us=AT_US - DAY_US), daily()
    counter.settle(await held(counter, yesterday, amount=5), 5)
    counter.settle(await held(counter, today, amount=7), 7)
    await counter.refresh([today])
    await counter.refresh([today])
    assert counter.fill(yesterday.window).spent == 0
    assert counter.fill(today.window).spent == 7


async def test_a_closed_counter_is_quiet(counter: SpendCounter) -> None:
    hold = await held(counter, daily(), amount=5)
    await counter.close()
    counter.settle(hold, 5)
    await counter.refresh([daily()])
    await counter.close()
