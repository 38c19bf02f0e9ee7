"""What the ledger has of the requests that a provider billed: sums over attempts, by the hour.

Attempts, not requests: a request that fell back was billed by two hosts, and its entry names the
model that answered. Requests that the sandbox answered are on no invoice.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from router.domain import Attempt, Entry, ModelId

HOUR_US: Final = 3_600_000_000


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the attempts, and what the ledger says that they cost, pico-USD."""

    attempts: int = 0
    cost: int = 0

    def plus(self, other: "Part") -> "Part":
        """Both together."""
        return Part(attempts=self.attempts + other.attempts, cost=self.cost + other.cost)


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the attempts at one model in one stretch of time."""

    all: Part = Part()
    """Every attempt that the host had; those that never reached it cost nothing."""
    input: int = 0
    cached: int = 0
    output: int = 0
    unpriced: int = 0
    """Attempts that used tokens whose price is unknown."""
    estimated: Part = Part()
    """Answers whose tokens the host did not tell."""
    failed: Part = Part()
    """Attempts that ended in a fault of the host or of the way to it; what they used is a guess."""
    abandoned: Part = Part()
    """Attempts whose caller left; likewise."""

    def plus(self, other: "Booked") -> "Booked":
        """Both together."""
        return Booked(
            all=self.all.plus(other.all),
            input=self.input + other.input,
            cached=self.cached + other.cached,
            output=self.output + other.output,
            unpriced=self.unpriced + other.unpriced,
            estimated=self.estimated.plus(other.estimated),
            failed=self.failed.plus(other.failed),
            abandoned=self.abandoned.plus(other.abandoned),
        )


Hour: TypeAlias = int
"""Start of an hour, microseconds since the epoch."""
Hours: TypeAlias = Mapping[tuple[Hour, ModelId], Booked]
Days: TypeAlias = Mapping[tuple[str, str], Booked]
"""By day and by the provider's name of the model."""


def book(entries: Iterable[Entry]) -> Hours:
    """The sums of every hour and model. An attempt counts in the hour in which it began."""
    found: dict[tuple[Hour, ModelId], Booked] = {}
    for entry in entries:
        if entry.simulated or entry.estimated:
            continue
        at_us = entry.at_us
        for attempt in entry.outcome.attempts:
            slot = (at_us - at_us % HOUR_US, attempt.model)
            found[slot] = found.get(slot, Booked()).plus(_booked(attempt))
            at_us += int(attempt.duration_ms * 1_000)
    return found


def _booked(attempt: Attempt) -> Booked:
    usage = attempt.usage
    used = bool(usage.input or usage.output)
    part = Part(attempts=int(used), cost=attempt.cost or 0)
    left = attempt.fault == "client_left"
    failed = attempt.fault is not None and not left
    guessed = usage.source == "estimated" and attempt.fault is None
    return Booked(
        all=part,
        input=usage.input,
        cached=usage.cached,
        output=usage.output,
        unpriced=int(used and attempt.cost is None),
        estimated=part if guessed else Part(),
        failed=part if failed else Part(),
        abandoned=part if left else Part(),
    )
