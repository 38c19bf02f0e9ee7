"""From an exchange to its entry."""

from classifier.types import Prompt
from router.domain import Decision, Entry, Kept
from router.gateway.exchange import Exchange
from router.gateway.services import Services
from router.policy.table import PolicyTable
from router.prices.settlement import settle
from router.redaction import Redactor


def entry_of(exchange: Exchange, decision: Decision, services: Services) -> Entry:
    """The entry of an exchange, as far as it has come."""
    usage, cost = settle(
        services.prices,
        services.lengths,
        decision,
        exchange.attempts,
        facts=exchange.facts,
    )
    prompt, kept = _text(exchange.prompt, services.redact)
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
        simulated=exchange.simulated or services.config.simulated,
        policy_version=exchange.table.version,
        prompt=prompt,
        kept=kept,
    )


def _text(prompt: Prompt | None, redact: Redactor | None) -> tuple[str | None, Kept | None]:
    """What may be written of a prompt: its text, and what was scored beside it."""
    if prompt is None or redact is None:
        return None, None
    return redact(prompt.text), Kept(context=redact(prompt.context), length=prompt.length)


def undecided(table: PolicyTable) -> Decision:
    """Stands in an entry whose request was broken off before the policy could be asked."""
    tier = table.policy.no_verdict_tier
    return Decision(tier=tier, model=table.tiers[tier][0].model, reason="no_verdict")
