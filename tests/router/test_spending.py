"""How much is set aside for a request, and what is counted when it is over."""

import time

import msgspec
import pytest

from router.budgets import Window
from router.cache.spend_memory import MemorySpend
from router.config.access import Budget, Key, Limit
from router.config.schema import Config
from router.domain import PICO, Attempt, Cost, ModelId, PicoUsd
from router.errors import BudgetExceeded
from router.gateway.exchange import Exchange, Inbound
from router.gateway.intent import Intent
from router.gateway.spending import UNCAPPED, Spending
from router.policy.table import compile_policy
from router.prices.book import build_prices
from router.sandbox.profile import sandbox_config
from router.wire.request import parse_chat
from tests.router.test_prices import TODAY

SMALL, THINKING = ModelId("small-chat"), ModelId("kimi-k2-thinking")
MICRO = 10**6


def limited(**limits: float) -> Config:
    key = Key(name="team", budget=Budget(daily=Limit(**limits)))
    return msgspec.structs.replace(sandbox_config(), key=(key,))


class Case:
    """One request of `team`, and the counter that its budget is held against."""

    def __init__(self, config: Config, **fields: int) -> None:
        self.counter = MemorySpend()
        self.spending = Spending(config, build_prices(config, TODAY), self.counter)
        messages = [{"role": "user", "content": "x" * 4_000}]
        body = msgspec.json.encode({"model": "auto", "messages": messages, **fields})
        inbound = Inbound(body=body, headers={}, key="team", started=time.perf_counter())
        request = parse_chat(body, max_messages=9)
        self.exchange = Exchange(inbound, request, Intent(), compile_policy(config))

    @property
    def window(self) -> Window:
        return self.spending.bounds("team", self.exchange.at_us)[0].window

    async def held(self, model: ModelId) -> int:
        await self.spending.set_aside(self.exchange, model)
        return self.counter.fill(self.window).held

    def spent(self, actual: int | None, *, simulated: bool = True) -> int:
        """What the first window counts then: that of the service's own kind of money."""
        cost = Cost(actual=None if actual is None else PicoUsd(actual))
        self.spending.settle(self.exchange, cost, simulated=simulated)
        assert self.counter.fill(self.window).held == 0
        return self.counter.fill(self.window).spent


def most(case: Case, input_price: float, output_price: float, output: int) -> int:
    """Pico-USD for the estimated input with its margin, and `output` tokens."""
    fresh = -(-case.exchange.request.input_tokens * 11 // 10)
    return round(fresh * input_price * MICRO) + round(output * output_price * MICRO)


async def test_the_caller_s_cap_bounds_what_is_set_aside() -> None:
    case = Case(limited(hard_usd=5), max_tokens=300)
    assert await case.held(SMALL) == most(case, 0.10, 0.40, 300)


async def test_else_the_profile_s_cap_else_what_hardly_any_answer_takes() -> None:
    thinking = Case(limited(hard_usd=5))
    assert await thinking.held(THINKING) == most(thinking, 0.60, 2.50, 16_000)
    small = Case(limited(hard_usd=5))
    assert await small.held(SMALL) == most(small, 0.10, 0.40, UNCAPPED)


async def test_no_answer_is_longer_than_the_window() -> None:
    case = Case(limited(hard_usd=5_000), max_tokens=2_000_000_000)
    assert await case.held(SMALL) == most(case, 0.10, 0.40, 32_768)


async def test_the_next_attempt_is_set_aside_beside_what_the_last_one_cost() -> None:
    case = Case(limited(hard_usd=5))
    first = await case.held(SMALL)
    failed = Attempt(model=SMALL, tier="easy", fault="timeout", cost=PicoUsd(77))
    case.exchange.attempts.append(failed)
    assert await case.held(SMALL) == first + 77
    assert await case.held(THINKING) == most(case, 0.60, 2.50, 16_000) + 77
    assert await case.held(SMALL) == most(case, 0.60, 2.50, 16_000) + 77, "never less"
    assert case.spent(500) == 500


async def test_what_cannot_be_set_aside_whole_is_not_set_aside() -> None:
    case = Case(limited(hard_usd=0.002))
    first = await case.held(SMALL)
    with pytest.raises(BudgetExceeded):
        await case.held(THINKING)
    assert case.counter.fill(case.window).held == first
    assert case.spent(9) == 9


async def test_unknown_money_counts_nothing() -> None:
    assert Case(limited(hard_usd=5)).spent(None) == 0


async def test_the_money_of_a_sandbox_behind_a_real_service_has_limits_of_its_own() -> None:
    case = Case(msgspec.structs.replace(limited(hard_usd=0.01), simulated=False))
    day = case.window
    played = Window(f"{day}/simulated")
    await case.held(SMALL)
    assert case.spent(PICO // 100, simulated=True) == 0
    assert case.counter.fill(played).spent == PICO // 100
    assert [bound.window for bound in case.spending.now] == [day, played]
    case.exchange.holds.clear()
    with pytest.raises(BudgetExceeded, match=r"0\.0100 of 0\.0100 simulated USD are spent"):
        await case.held(SMALL)
    assert case.spent(70, simulated=False) == 70, "real money is not added to it"


async def test_under_a_soft_limit_alone_nothing_is_set_aside_and_all_is_counted() -> None:
    case = Case(limited(soft_usd=1e-9))
    assert await case.held(THINKING) == 0
    assert not case.spending.is_thrifty(case.exchange)
    assert case.spent(1_000) == 1_000
    assert case.spending.is_thrifty(case.exchange)


async def test_a_model_that_is_not_configured_or_priced_sets_nothing_aside() -> None:
    case = Case(limited(hard_usd=5))
    assert await case.held(ModelId("acme/large-3")) == 0
    full = Case(limited(hard_usd=0.0))
    full.counter.learn({full.window: 1})
    with pytest.raises(BudgetExceeded):
        await full.held(ModelId("acme/large-3"))


def test_keys_that_are_not_configured_are_under_the_budget_of_all() -> None:
    spending = Case(limited(hard_usd=5)).spending
    assert spending.bounds("gone", 0) == ()
    windows = [bound.window for bound in spending.bounds("team", 0)]
    assert windows == ["team/1970-01-01/simulated"]
