"""From an exchange to its entry: what was tried, what was used, what it cost."""

from router.domain import Attempt, Decision, Entry, Fault, Usage
from router.gateway.exchange import Exchange
from router.gateway.services import Services
from router.policy.table import PolicyTable
from router.prices.book import Book
from router.prices.settlement import settle
from router.wire.tokens import estimate_usage


class Attempted:
    """One try at one model, from its start to its place in the entry."""

    def __init__(self, exchange: Exchange, decision: Decision, prices: Book) -> None:
        self._exchange = exchange
        self._decision = decision
        self._prices = prices
        self._began_ms = exchange.elapsed_ms()

    def end(self, *, status: int = 0, fault: Fault | None = None, usage: Usage = Usage()) -> None:  # noqa: B008  frozen
        """Note how it ended."""
        model = self._decision.model
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


def billed(exchange: Exchange, usage: Usage, output_bytes: int = 0) -> Usage:
    """The upstream's own count, or, where it sent none, an estimate that says so: never zero."""
    if usage.source == "billed":
        return usage
    return estimate_usage(exchange.request.input_tokens, output_bytes)


def entry_of(exchange: Exchange, decision: Decision, services: Services) -> Entry:
    """The entry of an exchange, as far as it has come."""
    usage, cost = settle(
        services.prices,
        services.lengths,
        decision,
        exchange.attempts,
        max_tokens=exchange.request.max_tokens,
    )
    config, prompt = services.config, exchange.prompt
    return Entry(
        id=exchange.id,
        at_us=exchange.at_us,
        decision=decision,
        facts=exchange.facts,
        outcome=exchange.outcome(),
        usage=usage,
        cost=cost,
        timings=exchange.timings(),
        caller=exchange.caller(),
        cache=exchange.cache,
        simulated=exchange.simulated or config.simulated,
        policy_version=services.table.version,
        prompt=prompt.text if prompt is not None and config.ledger.store_prompts else None,
    )


def undecided(table: PolicyTable) -> Decision:
    """Stands in an entry whose request was broken off before the policy could be asked."""
    tier = table.policy.no_verdict_tier
    return Decision(tier=tier, model=table.tiers[tier][0].model, reason="no_verdict")
