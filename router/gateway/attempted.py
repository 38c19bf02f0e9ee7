"""One try at one model: how it ended is told to its circuit breaker and to the entry at once."""

from typing import Final

from msgspec.structs import replace

from router.breaker import Permit
from router.domain import Attempt, Decision, Fault, Usage
from router.errors import UpstreamError
from router.gateway.circuits import Circuits
from router.gateway.exchange import Exchange
from router.prices.book import Book
from router.wire.tokens import estimate_usage

_NOTHING: Final = Usage()


class Attempted:
    """A try that has begun. Ends once."""

    def __init__(
        self,
        exchange: Exchange,
        decision: Decision,
        prices: Book,
        circuits: Circuits,
        permit: Permit,
    ) -> None:
        self._exchange = exchange
        self._decision = decision
        self._prices = prices
        self._circuits = circuits
        self._permit = permit
        self._began_ms = exchange.elapsed_ms()

    def end(
        self,
        *,
        status: int = 0,
        fault: Fault | None = None,
        usage: Usage = _NOTHING,
        retry_after_s: float | None = None,
    ) -> None:
        """Note how it ended."""
        model = self._decision.model
        self._circuits.leave(model, self._permit, fault, retry_after_s)
        self._exchange.attempts.append(
            Attempt(
                model=model,
                tier=self._decision.tier,
                status=status,
                fault=fault,
                duration_ms=round(self._exchange.elapsed_ms() - self._began_ms, 3),
                usage=usage,
                cost=self._prices.cost(model, usage),
            )
        )

    def fail(self, error: UpstreamError) -> None:
        """Note that it failed before anything of an answer went to the caller."""
        status = error.upstream_status
        usage = billed(self._exchange, _NOTHING) if error.worked else _NOTHING
        after_s = error.retry_after_s
        self.end(status=status, fault=error.fault, usage=usage, retry_after_s=after_s)

    def abandon(self) -> None:
        """Note that the caller left before the first byte: the host has the prompt, and goes on."""
        self.end(fault="client_left", usage=billed(self._exchange, _NOTHING))

    def crash(self) -> None:
        """Note that we failed, not the host: what it was asked for is paid all the same."""
        self.end(fault="internal", usage=billed(self._exchange, _NOTHING))


def billed(
    exchange: Exchange, usage: Usage, output_bytes: int = 0, reasoning_bytes: int = 0
) -> Usage:
    """The upstream's own count, or, where it sent none, an estimate that says so: never zero.

    Where a host does not tell reasoning from the rest, as Kimi's does not, its share of the output
    is that of the bytes. No price depends on it.
    """
    if usage.source != "billed":
        usage = estimate_usage(exchange.request.input_tokens, output_bytes)
    if not reasoning_bytes or usage.reasoning:
        return usage
    share = min(1.0, reasoning_bytes / max(1, output_bytes))
    return replace(usage, reasoning=round(usage.output * share))
