"""Budgets in Redis: shared by instances, through every trouble that Redis can have."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from router.budgets import Fill, Hold
from router.cache.spend_shared import SLOT_S, RedisSpend
from router.config.schema import Cache
from tests.budgets import AT_US, daily, held, monthly, refused
from tests.redis_server import RedisServer
from tests.verdicts import Clock
from tests.waiting import until_said

PATIENT = Cache(redis_timeout_ms=5_000, breaker_open_ms=1)
HASTY = Cache(redis_timeout_ms=30, breaker_failures=1_000)
TODAY = daily(100)
WINDOW = TODAY.window


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
async def pair(redis: RedisServer) -> AsyncIterator[tuple[RedisSpend, RedisSpend]]:
    """The counters of two instances."""
    one, other = RedisSpend(redis.url, PATIENT), RedisSpend(redis.url, PATIENT)
    yield one, other
    await one.close()
    await other.close()


def total(redis: RedisServer) -> int:
    return int(redis.client().get(f"gearshift:spend:{WINDOW}") or 0)


async def spend(counter: RedisSpend, amount: int) -> None:
    counter.settle(Hold(bounds=(TODAY,), amount=0), amount)
    await counter.flush()


async def caught_up(counter: RedisSpend, spent: int) -> None:
    """Wait until the counter has told and heard everything, and knows of `spent`."""

    async def knows() -> bool:
        await counter.refresh([TODAY])
        return counter.fill(WINDOW).spent == spent and counter.degraded is None

    await until_said(knows)


async def test_what_one_instance_holds_and_spends_the_other_cannot(
    pair: tuple[RedisSpend, RedisSpend], redis: RedisServer
) -> None:
    one, other = pair
    hold = await held(one, TODAY, amount=60)
    full = await refused(other, TODAY, amount=50)
    assert (full.spent, full.held) == (0, 60)
    one.settle(hold, 30)
    await one.flush()
    await held(other, TODAY, amount=70)
    assert total(redis) == 30
    assert other.fill(WINDOW) == Fill(window=WINDOW, spent=30, held=70)


async def test_two_hundred_at_once_at_two_instances_pass_no_limit(
    pair: tuple[RedisSpend, RedisSpend], redis: RedisServer
) -> None:
    said = await asyncio.gather(*(pair[n % 2].hold([TODAY], 7) for n in range(200)))
    holds = [(n, each) for n, each in enumerate(said) if isinstance(each, Hold)]
    assert len(holds) == 14
    for n, hold in holds:
        pair[n % 2].settle(hold, 7)
    for counter in pair:
        await counter.flush()
    assert total(redis) == 98


async def test_what_redis_keeps_has_an_end(redis: RedisServer) -> None:
    counter = RedisSpend(redis.url, PATIENT)
    counter.settle(await held(counter, TODAY, monthly(), amount=5), 5)
    await counter.close()
    client = redis.client()
    keys = client.keys("*")
    assert isinstance(keys, list)
    assert {str(key).split(":")[1] for key in keys} == {"spend", "spend-held", "spend-told"}
    assert all(client.ttl(key) > 0 for key in keys)


async def test_without_redis_each_counts_for_itself_and_then_all_is_added(
    pair: tuple[RedisSpend, RedisSpend], redis: RedisServer
) -> None:
    one, other = pair
    await spend(one, 10)
    await caught_up(other, 10)
    redis.stop()
    holds = [(counter, await held(counter, TODAY, amount=60)) for counter in pair]
    assert (await refused(one, TODAY, amount=40)).held == 60
    for counter, hold in holds:
        counter.settle(hold, 25)
    await refused(one, TODAY, amount=70)  # 10 that it knew, 25 of its own
    for _ in range(PATIENT.breaker_failures):
        await one.refresh([TODAY])
    assert "each instance counts budgets for itself" in (one.degraded or "")
    redis.start()
    await caught_up(other, 35)  # Redis lost its sum: it is put right by who knows it
    await caught_up(one, 60)
    await caught_up(other, 60)
    assert total(redis) == 60


async def test_a_sum_that_redis_lost_is_put_right_before_anybody_passes(
    pair: tuple[RedisSpend, RedisSpend], redis: RedisServer
) -> None:
    await spend(pair[0], 90)
    redis.client().flushall()
    assert (await refused(pair[0], TODAY, amount=20)).spent == 90
    assert (await refused(pair[1], TODAY, amount=20)).spent == 90
    await held(pair[1], TODAY, amount=10)


async def test_what_arrived_although_its_answer_was_lost_is_counted_once(
    redis: RedisServer,
) -> None:
    counter = RedisSpend(redis.url, HASTY)
    await spend(counter, 1)
    await caught_up(counter, 1)
    redis.pause()
    await spend(counter, 5)  # sent; the answer does not come in time
    assert counter.fill(WINDOW).spent == 6
    await spend(counter, 7)
    redis.resume()
    await caught_up(counter, 13)
    await caught_up(counter, 13)
    assert total(redis) == 13
    await counter.close()


async def test_what_a_killed_instance_had_set_aside_is_free_after_two_slots(
    redis: RedisServer,
) -> None:
    clock = Clock()
    killed = RedisSpend(redis.url, PATIENT, now_s=clock)
    other = RedisSpend(redis.url, PATIENT, now_s=clock)
    await held(killed, TODAY, amount=80)
    clock.now += SLOT_S
    await refused(other, TODAY, amount=30)
    clock.now += SLOT_S
    await held(other, TODAY, amount=30)
    for counter in (killed, other):
        await counter.close()


async def test_what_was_held_alone_is_not_given_back_at_redis(redis: RedisServer) -> None:
    one, other = RedisSpend(redis.url, PATIENT), RedisSpend(redis.url, PATIENT)
    await held(other, TODAY, amount=50)
    redis.client().rename(
        f"gearshift:spend-held:{WINDOW}:{one._slot()}", "aside"
    )  # the slot is gone for a moment, and of a wrong type
    redis.client().lpush(f"gearshift:spend-held:{WINDOW}:{one._slot()}", "x")
    alone = await held(one, TODAY, amount=30)
    redis.client().rename("aside", f"gearshift:spend-held:{WINDOW}:{one._slot()}")
    one.settle(alone, 0)
    await one.flush()
    await refused(one, TODAY, amount=51)
    for counter in (one, other):
        await counter.close()


async def test_a_redis_that_does_not_answer_delays_no_longer_than_its_timeout(
    redis: RedisServer,
) -> None:
    counter = RedisSpend(redis.url, Cache(redis_timeout_ms=30))
    redis.pause()
    async with asyncio.timeout(10):
        for _ in range(8):
            await held(counter, TODAY, amount=1)
    assert counter.fill(WINDOW).held == 8
    redis.resume()
    await counter.close()


async def test_what_was_set_aside_for_who_has_left_meanwhile_is_given_back(
    redis: RedisServer,
) -> None:
    counter = RedisSpend(redis.url, PATIENT)
    await held(counter, TODAY, amount=10)
    redis.pause()
    asking = asyncio.create_task(counter.hold([TODAY], 70))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    redis.resume()

    async def free() -> bool:
        return isinstance(await counter.hold([TODAY], 90), Hold)

    await until_said(free)
    await refused(counter, TODAY, amount=1)
    await counter.close()


async def test_the_windows_of_a_day_that_is_over_are_told_still(redis: RedisServer) -> None:
    counter = RedisSpend(redis.url, PATIENT)
    yesterday = daily(at_us=AT_US - 86_400_000_000)
    hold = await held(counter, yesterday, amount=9)
    await counter.refresh([TODAY])
    counter.settle(hold, 9)
    await counter.close()
    assert redis.client().get(f"gearshift:spend:{yesterday.window}") == b"9"
