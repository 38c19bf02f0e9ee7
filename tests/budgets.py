"""Caps and windows to test with."""

import time

from router.budgets import Bound, Cap, Fill, Hold, Period, bound
from router.ports import SpendCounter

NOON_US = 1_795_694_400_000_000
"""2026-11-26T12:00:00Z."""
AT_US = time.time_ns() // 1_000
"""Now, because Redis forgets windows that are over."""
USD = 10**12


def daily(
    hard: int | None = 100,
    *,
    soft: int | None = None,
    scope: str = "team",
    at_us: int = AT_US,
    simulated: bool = False,
) -> Bound:
    """The day's window of a key with these limits, pico-USD."""
    return bound(_cap("daily", hard, soft, scope), at_us, simulated=simulated)


def monthly(
    hard: int | None = 100, *, soft: int | None = None, scope: str = "team", at_us: int = AT_US
) -> Bound:
    """The same of a month."""
    return bound(_cap("monthly", hard, soft, scope), at_us)


def _cap(period: Period, hard: int | None, soft: int | None, scope: str) -> Cap:
    return Cap(scope=scope, period=period, soft=soft, hard=hard)


async def held(counter: SpendCounter, *bounds: Bound, amount: int) -> Hold:
    """A hold that must be had."""
    said = await counter.hold(bounds, amount)
    assert isinstance(said, Hold), said
    return said


async def refused(counter: SpendCounter, *bounds: Bound, amount: int) -> Fill:
    """The window that is too full for a hold that must not be had."""
    said = await counter.hold(bounds, amount)
    assert isinstance(said, Fill), said
    return said
