"""Budgets on the live path: money is set aside before a request is sent, and counted after it.

What is set aside is the most that the request can cost, as far as that is known. So however many
requests come at once, together they do not pass a hard limit: each finds what the others hold.
"""

from math import ceil
from time import time_ns
from typing import Final

from router.budgets import EVERYBODY, Bound, Fill, Hold, caps_of, is_soft, refusal
from router.budgets import bound as bound_of
from router.config.schema import Config
from router.domain import PICO, Cost, ModelId, Usage
from router.gateway.exchange import Exchange
from router.ports import SpendCounter
from router.prices.book import Book

UNCAPPED: Final = 4_096
"""Output tokens that are set aside where neither the caller nor the profile has a cap: about twenty
times a typical answer (prices.tiers.TYPICAL)."""
_MOST: Final = 1_000_000 * PICO
"""The largest limit that can be configured: more need not be set aside to be refused, and counters
hold no more than 64 bits."""
_DAY_US: Final = 86_400_000_000


class Spending:
    """The budgets of a configuration, and the counter that they are held against."""

    def __init__(self, config: Config, prices: Book, counter: SpendCounter) -> None:
        self._config = config
        self._prices = prices
        self._counter = counter
        self._caps = caps_of(config)
        self._margin = 1 + config.policy.context_margin
        self.limited = config.limited
        """Whether there is any budget; without one nothing here costs anything."""
        self._kinds: tuple[bool, ...] = (config.simulated,)
        self._day = -1
        self._bounds: dict[str, tuple[Bound, ...]] = {}

    @property
    def now(self) -> tuple[Bound, ...]:
        """Every window that is open at the moment."""
        at_us = time_ns() // 1000
        each = (bound for name in self._caps for bound in self.bounds(name, at_us))
        return tuple({bound.window: bound for bound in each}.values())

    @property
    def of_both_kinds(self) -> tuple[Bound, ...]:
        """The windows of real and of simulated money, whichever are counted."""
        at_us = time_ns() // 1000
        caps = {cap for caps in self._caps.values() for cap in caps}
        return tuple(bound_of(cap, at_us, simulated=kind) for cap in caps for kind in (False, True))

    @property
    def unpriced(self) -> tuple[ModelId, ...]:
        """Models whose cost no budget can count, where there are budgets."""
        one = Usage(input=1, output=1)
        models = self._config.model if self.limited else ()
        return tuple(model for model in models if self._prices.cost(model, one) is None)

    def bounds(self, key: str, at_us: int) -> tuple[Bound, ...]:
        """The windows that a request of `key` belongs to when it arrives at `at_us`."""
        day = at_us // _DAY_US
        if day != self._day:
            self._bounds = {
                name: tuple(
                    bound_of(cap, at_us, simulated=kind) for kind in self._kinds for cap in caps
                )
                for name, caps in self._caps.items()
            }
            self._day = day
        found = self._bounds.get(key)
        return self._bounds[EVERYBODY] if found is None else found

    def is_thrifty(self, exchange: Exchange) -> bool:
        """Whether a soft limit is reached, as far as this process knows: it is not waited for."""
        if not self.limited:
            return False
        bounds = self.bounds(exchange.inbound.key, exchange.at_us)
        return any(is_soft(bound, self._counter.fill(bound.window)) for bound in bounds)

    async def set_aside(self, exchange: Exchange, model: ModelId) -> None:
        """Set aside what an attempt at `model` may cost, beyond what the request holds already.

        Raises BudgetExceeded. Only hard limits are asked about: without any this never waits.
        """
        if not self.limited:
            return
        bounds = self.bounds(exchange.inbound.key, exchange.at_us)
        if all(bound.cap.hard is None for bound in bounds):
            return
        before = sum(attempt.cost or 0 for attempt in exchange.attempts)
        held = sum(hold.amount for hold in exchange.holds)
        amount = before + self._most(exchange, model) - held
        if amount <= 0 and exchange.holds:
            return
        said = await self._counter.hold(bounds, max(0, amount))
        if isinstance(said, Fill):
            full = next(bound for bound in bounds if bound.window == said.window)
            raise refusal(full, said, amount, time_ns() // 1000)
        exchange.holds.append(said)

    def settle(self, exchange: Exchange, cost: Cost, *, simulated: bool) -> None:
        """Count what a request did cost, and give back what was set aside for it.

        An unknown cost counts nothing.
        """
        if not self.limited:
            return
        for hold in exchange.holds:
            self._counter.settle(hold, 0)
        self.see(simulated)
        bounds = self.bounds(exchange.inbound.key, exchange.at_us)
        last = Hold(bounds=bounds, amount=0)
        self._counter.settle(last, cost.actual or 0, simulated=simulated)

    def see(self, simulated: bool) -> None:
        """Count that kind of money from now on, if it is not counted yet.

        That a host is a sandbox only its answers tell; and limits are to hold in a trial too.
        """
        if simulated not in self._kinds:
            self._kinds = (*self._kinds, simulated)
            self._day = -1

    def _most(self, exchange: Exchange, model: ModelId) -> int:
        """The most that one attempt can cost, pico-USD; 0 where the price is unknown."""
        request, profile = exchange.request, self._config.model.get(model)
        cap = request.max_tokens or (profile.max_tokens if profile else 0) or UNCAPPED
        output = request.answers * (min(cap, profile.context) if profile else cap)
        usage = Usage(input=ceil(request.input_tokens * self._margin), output=output)
        return min(self._prices.cost(model, usage) or 0, _MOST)
