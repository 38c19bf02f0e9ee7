"""One request on its way through the live path: what is known of it, until it is an entry."""

import os
from collections.abc import Mapping
from time import perf_counter, time_ns

from msgspec import Struct

from classifier.types import Prompt, Verdict
from router.domain import (
    Attempt,
    CacheState,
    Caller,
    Decision,
    DecisionId,
    Facts,
    Fault,
    Outcome,
    Timings,
)
from router.gateway.intent import Intent
from router.policy.table import PolicyTable
from router.wire.request import HINT_LENGTH, ChatRequest


class Inbound(Struct, frozen=True, kw_only=True):
    """What arrived, before it was read."""

    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    key: str
    """Name of the API key that opened the door; empty when all doors are open."""
    started: float
    """When it arrived, on the clock of `perf_counter`."""


class Exchange:
    """A request from its acceptance to its entry. The only value of the path that changes."""

    def __init__(
        self, inbound: Inbound, request: ChatRequest, intent: Intent, table: PolicyTable
    ) -> None:
        self.at_us = time_ns() // 1000
        self.id = new_id(self.at_us)
        self.started = inbound.started
        self.inbound = inbound
        self.request = request
        self.intent = intent
        self.table = table
        """The policy that it is decided by, to its end: another may be in force by then."""
        self.parse_ms = self.elapsed_ms()
        self.prompt: Prompt | None = None
        self.verdict: Verdict | None = None
        self.cache: CacheState = "off"
        self.cache_ms = 0.0
        self.score_ms = 0.0
        self.first_byte_ms = 0.0
        self.facts = Facts(input_tokens=request.input_tokens)
        self.names: tuple[bytes | None, bytes | None] | None = None
        """The conversation's, once they were asked for; see `router.gateway.conversations`."""
        self.decision: Decision | None = None
        self.attempts: list[Attempt] = []
        self.status = 200
        self.fault: Fault | None = None
        self.finish: str | None = None
        self.simulated = False
        """Whether a sandbox answered, by its own word."""
        self.begun = False
        """Whether the caller has seen a status."""
        self.recorded = False

    def leave(self) -> None:
        """Note that the caller is gone; 499 is what nginx made of it, and log readers know."""
        self.fault = "client_left"
        if not self.begun:
            self.status = 499

    def elapsed_ms(self) -> float:
        """Milliseconds since the request arrived, to the microsecond."""
        return round((perf_counter() - self.started) * 1000, 3)

    def outcome(self) -> Outcome:
        """What the caller got, as far as it has come."""
        return Outcome(
            status=self.status,
            streamed=self.request.stream,
            finish=self.finish,
            fault=self.fault,
            attempts=tuple(self.attempts),
        )

    def timings(self) -> Timings:
        """Where the time went."""
        return Timings(
            parse_ms=self.parse_ms,
            cache_ms=self.cache_ms,
            score_ms=self.score_ms,
            first_byte_ms=self.first_byte_ms,
            total_ms=self.elapsed_ms(),
        )

    def caller(self) -> Caller:
        """Who asked."""
        headers = self.inbound.headers
        session = headers.get("x-session-id") or headers.get("x-session-affinity")
        return Caller(
            key=self.inbound.key,
            user=self.request.user,
            session=(session or self.request.session)[:HINT_LENGTH],
            tags=self.request.tags,
        )


def new_id(at_us: int) -> DecisionId:
    """32 hex digits: milliseconds since the epoch, then 80 random bits."""
    return DecisionId(f"{at_us // 1000:012x}{os.urandom(10).hex()}")
