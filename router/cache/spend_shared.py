"""What was spent, counted in Redis for all instances."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from router.breaker import Breaker
from router.budgets import Bound, Fill, Hold, Window, is_over
from router.cache.link import Link, Word
from router.cache.spend_scripts import HOLD, TELL
from router.config.schema import Cache

SLOT_S: Final = 900
"""Money is set aside in slots of this length and forgotten after two: what a killed instance had
set aside is free again after half an hour at most, and few answers take as long as one slot."""
_ALONE: Final = -1
"""Slot of what was set aside without Redis: long over, so nothing is given back there."""
_KEPT_S: Final = 86_400
"""How long a window's sum outlives the window: for those whose clocks are behind."""
_Slot: TypeAlias = tuple[Window, int]


class _Batch(Struct, frozen=True, kw_only=True):
    """What is told in one step. Told again under its number, it counts once."""

    number: int
    spent: dict[Window, int]
    back: dict[_Slot, int]


class RedisSpend:
    """The counter that instances share. Implements SpendCounter.

    `_known` is what Redis last said, `_untold` what was spent here since and is not yet known to
    have arrived. While Redis is gone both together are what this instance goes by.
    """

    def __init__(
        self, url: str, settings: Cache, *, now_s: Callable[[], float] = time.time
    ) -> None:
        """Nothing is opened yet. Raises ConfigError for a URL that cannot be read."""
        breaker = Breaker(failures=settings.breaker_failures, open_ms=settings.breaker_open_ms)
        self._link = Link(url, timeout_ms=settings.redis_timeout_ms, breaker=breaker)
        self._now_s = now_s
        self._instance = os.urandom(8).hex()
        self._known: dict[Window, int] = {}
        self._untold: Counter[Window] = Counter()
        self._held: Counter[Window] = Counter()
        self._back: Counter[_Slot] = Counter()
        self._forget_at_s: dict[Window, int] = {}
        self._batch: _Batch | None = None
        self._number = 0
        self._teller: asyncio.Task[None] | None = None

    @property
    def degraded(self) -> str | None:
        """That this instance counts alone, while it does."""
        if not self._link.down:
            return None
        return f"redis at {self._link.place} is failing: each instance counts budgets for itself"

    def fill(self, window: Window) -> Fill:
        """How full `window` is: what Redis said, what was spent since, what is set aside here."""
        told = self._batch.spent.get(window, 0) if self._batch else 0
        spent = self._known.get(window, 0) + told + self._untold[window]
        return Fill(window=window, spent=spent, held=self._held[window])

    async def hold(self, bounds: Sequence[Bound], amount: int) -> Hold | Fill:
        """Set `amount` aside at Redis, or here alone when that does not answer."""
        slot = self._slot()
        asking = asyncio.ensure_future(self._ask_holding(bounds, amount, slot))
        try:
            numbers = await asyncio.shield(asking)
        except asyncio.CancelledError:
            # Whoever asked has left; Redis may have set it aside all the same.
            hold = Hold(bounds=tuple(bounds), amount=amount, slot=slot)
            asking.add_done_callback(lambda asked: self._return(asked, hold))
            raise
        if not numbers:
            found = next((b for b in bounds if is_over(b, self.fill(b.window), amount)), None)
            if found is not None:
                return self.fill(found.window)
            slot = _ALONE
        elif numbers[0]:
            full, spent, held = numbers[0], numbers[1::2], numbers[2::2]
            window = bounds[full - 1].window
            return Fill(window=window, spent=spent[full - 1], held=held[full - 1])
        self._held.update({bound.window: amount for bound in bounds})
        return Hold(bounds=tuple(bounds), amount=amount, slot=slot)

    def settle(self, hold: Hold, spent: int, *, simulated: bool = False) -> None:
        """Count `spent` here at once, and tell Redis behind."""
        for bound in hold.bounds:
            self._expect(bound)
            self._held[bound.window] -= hold.amount
            self._untold[bound.window] += spent if bound.simulated == simulated else 0
            if hold.amount and self._lives(hold.slot):
                self._back[bound.window, hold.slot] += hold.amount
        self._wake()

    def learn(self, totals: Mapping[Window, int]) -> None:
        """Know it from now on; Redis is told when it is next asked."""
        self._see(totals.items())

    async def refresh(self, bounds: Sequence[Bound]) -> None:
        """Tell what waits, ask for these windows, forget all others."""
        await self._tell()
        if await self._ask_holding(bounds, 0, self._slot()):
            kept = {bound.window for bound in bounds} | set(self._untold)
            self._known = {window: sum_ for window, sum_ in self._known.items() if window in kept}
            self._held = +self._held

    async def flush(self) -> None:
        """Wait until what waits was told, or Redis did not answer."""
        if self._teller is not None:
            await asyncio.wait((self._teller,))

    async def close(self) -> None:
        """Tell what waits, then hang up."""
        await self.flush()
        await self._tell()
        await self._link.close()

    async def _ask_holding(self, bounds: Sequence[Bound], amount: int, slot: int) -> list[int]:
        """The numbers that HOLD answers; none when Redis does not."""
        if not bounds:
            return []
        keys: list[Word] = []
        arguments: list[Word] = [amount, 2 * SLOT_S]
        for bound in bounds:
            self._expect(bound)
            window, hard = bound.window, bound.cap.hard
            keys += [_sum(window), _slot(window, slot), _slot(window, slot - 1)]
            known = self._known.get(window, 0)
            arguments += [b"" if hard is None else hard, known, self._forget_at_s[window]]
        numbers = await self._run(HOLD, keys, arguments)
        spent = zip((bound.window for bound in bounds), numbers[1::2], strict=False)
        self._see(spent)
        return numbers

    def _return(self, asked: asyncio.Future[list[int]], hold: Hold) -> None:
        """Give back what was set aside for nobody."""
        if not asked.cancelled() and (numbers := asked.result()) and not numbers[0]:
            self._held.update({bound.window: hold.amount for bound in hold.bounds})
            self.settle(hold, 0)

    def _wake(self) -> None:
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """Tell batch after batch, until nothing waits or Redis does not answer."""
        while batch := self._take():
            slots = list(batch.back.items())
            keys: list[Word] = [f"gearshift:spend-told:{self._instance}".encode()]
            keys += [_sum(window) for window in batch.spent]
            keys += [_slot(window, slot) for (window, slot), _ in slots]
            arguments: list[Word] = [batch.number, _KEPT_S, len(batch.spent)]
            for window, spent in batch.spent.items():
                arguments += [spent, self._known.get(window, 0), self._forget_at_s[window]]
            arguments += [amount for _, amount in slots]
            numbers = await self._run(TELL, keys, arguments)
            if not numbers:
                return
            if self._batch is batch:
                self._batch = None
                self._see(zip(batch.spent, numbers[1:], strict=True))

    def _take(self) -> _Batch | None:
        """The batch that is to be told: the last one again, for as long as nobody heard it."""
        if self._batch is None and (self._untold or self._back):
            self._number += 1
            self._batch = _Batch(
                number=self._number, spent=dict(self._untold), back=dict(self._back)
            )
            self._untold.clear()
            self._back.clear()
        return self._batch

    async def _run(self, script: bytes, keys: list[Word], arguments: list[Word]) -> list[int]:
        reply = await self._link.ask(b"EVAL", script, len(keys), *keys, *arguments)
        return [] if reply is None else [int(word) for word in reply.split()]

    def _see(self, spent: Iterable[tuple[Window, int]]) -> None:
        """Sums only grow, so the larger of two is the newer."""
        for window, total in spent:
            self._known[window] = max(total, self._known.get(window, 0))

    def _expect(self, bound: Bound) -> None:
        self._forget_at_s[bound.window] = bound.until_us // 1_000_000 + _KEPT_S

    def _slot(self) -> int:
        return int(self._now_s()) // SLOT_S

    def _lives(self, slot: int) -> bool:
        return slot >= self._slot() - 1


def _sum(window: Window) -> bytes:
    return f"gearshift:spend:{window}".encode()


def _slot(window: Window, slot: int) -> bytes:
    return f"gearshift:spend-held:{window}:{slot}".encode()
