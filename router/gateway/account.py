"""From an exchange to its entry."""

from router.domain import Decision, Entry
from router.gateway.exchange import Exchange
from router.gateway.services import Services
from router.policy.table import PolicyTable
from router.prices.settlement import settle


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
