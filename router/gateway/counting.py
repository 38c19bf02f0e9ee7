"""Keeps the counters of budgets right: from the ledger at the start, with other instances then."""

import asyncio
import logging
from typing import Final

from router.budgets import used_share
from router.errors import LedgerError
from router.gateway.spending import Spending
from router.ledger.place import Place
from router.ledger.spent import read_spent
from router.ports import SpendCounter
from router.telemetry.metrics import Metrics

PAUSE_S: Final = 1.0
"""Soft limits and metrics may lag by this much behind what other instances spend."""
AGAIN: Final = 5
"""Pauses until the ledger is asked again that could not be read."""

log = logging.getLogger(__name__)


class Counting:
    """One worker's counters and what is known against them. Does nothing where no budget is."""

    def __init__(self, spending: Spending, counter: SpendCounter, place: Place) -> None:
        self._spending = spending
        self._counter = counter
        self._place = place
        self._trouble: str | None = None

    @property
    def reasons(self) -> list[str]:
        """What is worse than it should be, in plain words."""
        if not self._spending.limited:
            return []
        said = [self._trouble, self._counter.degraded]
        unpriced = [
            f"{model} has no price: no budget counts what it costs"
            for model in self._spending.unpriced
        ]
        return [*(each for each in said if each), *unpriced]

    async def start(self) -> None:
        """Learn from the ledger what was spent before. A ledger that fails delays no start."""
        if self._spending.limited:
            await self._learn()
            await self._counter.refresh(self._spending.now)

    async def keep(self) -> None:
        """Hear what others spend, and tell them, until cancelled."""
        pauses = 0
        while self._spending.limited:
            await asyncio.sleep(PAUSE_S)
            await self._counter.refresh(self._spending.now)
            pauses += 1
            if self._trouble and pauses % AGAIN == 0:
                await self._learn()

    def report(self, metrics: Metrics) -> None:
        """Set the gauges."""
        for bound in self._spending.now if self._spending.limited else ():
            used = used_share(bound, self._counter.fill(bound.window))
            metrics.budget(bound, used)

    async def close(self) -> None:
        """Tell the others what was not told yet."""
        await self._counter.close()

    async def _learn(self) -> None:
        """The store is asked in a thread: a month of entries may take it a while."""
        bounds = self._spending.of_both_kinds
        try:
            totals = await asyncio.to_thread(read_spent, self._place, bounds)
        except LedgerError as error:
            self._trouble = "budgets may count too little: the ledger cannot be read"
            log.warning("%s: %s", self._trouble, error)
            return
        self._trouble = None
        for bound in bounds:
            if totals.get(bound.window):
                self._spending.see(bound.simulated)
        self._counter.learn(totals)
