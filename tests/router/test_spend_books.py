"""Counters of budgets against plain books: whatever is asked in whatever order, sums are right."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest

from router.budgets import Bound, Fill, Hold
from router.cache.spend_memory import MemorySpend
from router.cache.spend_shared import SLOT_S, RedisSpend
from router.config.schema import Cache
from router.ports import SpendCounter
from tests.budgets import AT_US, daily, held, monthly, refused
from tests.redis_server import RedisServer

PATIENT = Cache(redis_timeout_ms=5_000, breaker_failures=1_000, breaker_open_ms=1)
TEAM, ALL, MONTH = daily(100), daily(150, scope=""), monthly(1_000)
SANDBOX = daily(100, simulated=True)
BOUNDS = (TEAM, ALL, MONTH)
COMBINATIONS = ((TEAM, ALL, MONTH), (ALL,), (TEAM,), (SANDBOX, ALL), ())


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(params=["memory", "redis"])
async def counter(
    request: pytest.FixtureRequest, server: RedisServer
) -> AsyncIterator[SpendCounter]:
    server.client().flushall()
    made: SpendCounter = (
        RedisSpend(server.url, PATIENT) if request.param == "redis" else MemorySpend()
    )
    yield made
    await made.close()


@dataclass
class Books:
    """What ought to be."""

    spent: Counter[Bound] = field(default_factory=Counter)
    held: Counter[Bound] = field(default_factory=Counter)
    open: list[Hold] = field(default_factory=list)

    def has_room(self, bounds: tuple[Bound, ...], amount: int) -> bool:
        return all(
            one.cap.hard is None or self.spent[one] + self.held[one] + amount <= one.cap.hard
            for one in bounds
        )


async def step(dice: random.Random, counter: SpendCounter, books: Books) -> None:
    if books.open and dice.random() < 0.4:
        hold = books.open.pop(dice.randrange(len(books.open)))
        spent, simulated = dice.randrange(hold.amount + 5), dice.random() < 0.2
        counter.settle(hold, spent, simulated=simulated)
        for bound in hold.bounds:
            books.held[bound] -= hold.amount
            books.spent[bound] += spent if bound.simulated == simulated else 0
        return
    bounds, amount = dice.choice(COMBINATIONS), dice.choice([0, 1, 7, 30, 101])
    found = await counter.hold(bounds, amount)
    assert isinstance(found, Hold) == books.has_room(bounds, amount)
    if isinstance(found, Hold):
        books.open.append(found)
        books.held.update(dict.fromkeys(bounds, amount))
    else:
        assert found.window in {bound.window for bound in bounds}


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_spent_and_set_aside_is_what_the_books_say(
    counter: SpendCounter, seed: int
) -> None:
    dice, books = random.Random(seed), Books()
    for _ in range(80):
        await step(dice, counter, books)
        await counter.refresh((*BOUNDS, SANDBOX))
    for bound in (*BOUNDS, SANDBOX):
        said = counter.fill(bound.window)
        assert (said.spent, said.held) == (books.spent[bound], books.held[bound])


async def test_what_was_refused_leaves_no_trace(counter: SpendCounter) -> None:
    hold = await held(counter, TEAM, ALL, amount=99)
    for _ in range(50):
        assert isinstance(await counter.hold((ALL, TEAM), 2), Fill)
    counter.settle(hold, 0)
    await counter.refresh(BOUNDS)
    assert counter.fill(ALL.window) == Fill(window=ALL.window)
    await held(counter, TEAM, amount=100)


async def test_of_two_windows_that_are_full_one_is_named_with_its_own_numbers(
    counter: SpendCounter,
) -> None:
    await held(counter, TEAM, ALL, amount=100)
    found = await counter.hold((TEAM, ALL), 60)
    assert isinstance(found, Fill)
    assert (found.window, found.held) == (TEAM.window, 100)
    only_all = await counter.hold((ALL,), 51)
    assert isinstance(only_all, Fill)
    assert (only_all.window, only_all.spent, only_all.held) == (ALL.window, 0, 100)


async def test_a_limit_of_nothing_lets_only_nothing_through(counter: SpendCounter) -> None:
    nothing = daily(0, scope="none")
    assert isinstance(await counter.hold((nothing,), 1), Fill)
    assert isinstance(await counter.hold((nothing,), 0), Hold)


async def test_an_answer_that_costs_more_than_was_set_aside_is_counted_whole(
    counter: SpendCounter,
) -> None:
    counter.settle(await held(counter, TEAM, amount=10), 10**18)
    await counter.refresh([TEAM])
    assert counter.fill(TEAM.window) == Fill(window=TEAM.window, spent=10**18)
    assert isinstance(await counter.hold((TEAM,), 0), Fill)


async def test_sums_are_exact_where_floats_are_not(counter: SpendCounter) -> None:
    wide = daily(10**18, scope="wide")
    for amount in (2**53, 1, 1, 1):
        counter.settle(await held(counter, wide, amount=amount), amount)
        await counter.refresh([wide])
    assert counter.fill(wide.window).spent == 2**53 + 3


@pytest.mark.parametrize("value", ["", "much", "1.5", "-3", "9" * 30, " 7", "1e3", "0x10"])
@pytest.mark.parametrize("name", ["gearshift:spend:{0}", "gearshift:spend-held:{0}:{1}"])
async def test_what_another_program_wrote_in_place_of_a_sum_counts_as_lost(
    server: RedisServer, name: str, value: str
) -> None:
    server.client().flushall()
    counter = RedisSpend(server.url, PATIENT, now_s=lambda: AT_US / 1e6)
    spoilt = name.format(TEAM.window, AT_US // 1_000_000 // SLOT_S)
    counter.settle(await held(counter, TEAM, amount=60), 60)
    await counter.flush()
    server.client().set(spoilt, value)
    found = await refused(counter, TEAM, amount=41)
    assert (found.spent, found.held) == (60, 0), "what this instance knows was lost with it"
    counter.settle(await held(counter, TEAM, amount=40), 40)
    await counter.close()
    assert int(server.client().get(f"gearshift:spend:{TEAM.window}") or 0) == 100


async def test_a_batch_that_meets_an_error_is_not_half_counted_and_told_again(
    server: RedisServer,
) -> None:
    server.client().flushall()
    name = f"gearshift:spend:{TEAM.window}"
    server.client().rpush(name, "a list, and no sum at all")
    counter = RedisSpend(server.url, PATIENT)
    counter.settle(await held(counter, ALL, TEAM, amount=60), 60)
    await counter.flush()
    assert (await refused(counter, TEAM, amount=41)).spent == 60, "it counts alone meanwhile"
    server.client().delete(name)
    await counter.close()
    for window in (ALL.window, TEAM.window):
        assert int(server.client().get(f"gearshift:spend:{window}") or 0) == 60


async def test_the_instances_of_a_restart_go_on_where_the_last_one_was(
    server: RedisServer,
) -> None:
    server.client().flushall()
    for turn in range(1, 5):
        counter = RedisSpend(server.url, PATIENT)
        counter.settle(await held(counter, TEAM, amount=20), 20)
        await counter.close()
        assert int(server.client().get(f"gearshift:spend:{TEAM.window}") or 0) == 20 * turn
    last = RedisSpend(server.url, PATIENT)
    assert isinstance(await last.hold((TEAM,), 21), Fill)
    await held(last, TEAM, amount=20)
    await last.close()
