"""Circuit breaker: who has failed several times in a row is left alone for a while.

A state machine over numbers: it does no I/O, waits for nothing, and time is handed in. Whoever
calls something fragile asks `enter` first, and reports with the permit that it was given.
"""

import time
from collections.abc import Callable
from typing import Literal, NewType, TypeAlias

Permit = NewType("Permit", int)
"""The right to one call. A report counts only in the state in which its permit was given."""
BreakerState: TypeAlias = Literal["closed", "open", "trial"]


class Breaker:
    """Closed, until `failures` in a row; then open for a while; then one trial decides.

    A call that was let through before the state changed says nothing about the state after it,
    so its report is ignored: a straggler's timeout does not prolong an outage, and a late success
    does not end one.
    """

    __slots__ = ("_clock", "_era", "_failures", "_limit", "_open_s", "_retry_at")

    def __init__(
        self, *, failures: int, open_ms: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._open_s = open_ms / 1000
        self._clock = clock
        self._failures = 0
        self._retry_at: float | None = None
        self._era = 0

    def state(self) -> BreakerState:
        """Now, `closed`: calls pass; `open`: none does; `trial`: the next one does, as a trial."""
        if self._retry_at is None:
            return "closed"
        return "open" if self._clock() < self._retry_at else "trial"

    def enter(self) -> Permit | None:
        """A permit for one call, or none while calls are refused.

        A trial that never reports (its task was cancelled) does not block those after it: its
        permit is good for the time that the breaker stays open, then another trial is let through.
        """
        if self._retry_at is not None:
            if self._clock() < self._retry_at:
                return None
            self._open(self._open_s)
        return Permit(self._era)

    def succeed(self, permit: Permit) -> None:
        """The call worked: the row of failures ends, and a trial closes the breaker."""
        if permit != self._era:
            return
        self._failures = 0
        if self._retry_at is not None:
            self._retry_at = None
            self._era += 1

    def fail(self, permit: Permit, *, open_ms: float | None = None) -> None:
        """The call failed: the last of the row, or a trial, opens the breaker.

        `open_ms` replaces the configured time, where the other side said when to come back.
        """
        if permit != self._era:
            return
        self._failures += 1
        if self._retry_at is not None or self._failures >= self._limit:
            self._open(self._open_s if open_ms is None else open_ms / 1000)

    def release(self, permit: Permit) -> None:
        """The call was given up for reasons of the caller: a trial may be made again at once."""
        if permit == self._era and self._retry_at is not None:
            self._retry_at = self._clock()

    @property
    def opens_in_s(self) -> float:
        """Seconds until a trial is let through; 0 when calls pass now."""
        return 0.0 if self._retry_at is None else max(0.0, self._retry_at - self._clock())

    def _open(self, seconds: float) -> None:
        self._retry_at = self._clock() + seconds
        self._era += 1
