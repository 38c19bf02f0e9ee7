"""Entry → Explanation: one decision as a person wants it told. Pure.

Amounts are exact decimals in US dollars, and null where unknown. What the tiers that were not
taken would have cost is an estimate; where the ledger says how unsure it is, its 95 % interval
stands beside it.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import hypot

import msgspec

from classifier.metrics import Z95
from classifier.types import TIERS, Tier, Verdict
from router.domain import Candidate, Cost, Decision, Entry, Fault, ModelId, Obstacle, Reason, Usage
from router.report.reasons import FAULTS, OBSTACLES, why
from router.report.summary import moment, usd


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A tier that was considered."""

    tier: Tier
    model: ModelId
    taken: bool
    obstacle: Obstacle | None
    words: str
    """What became of it."""
    cost_usd: Decimal | None
    """What the request cost there, or would have cost."""
    cost_usd_low: Decimal | None
    cost_usd_high: Decimal | None
    """The interval of an estimate; null where the cost is exact or its doubt is unknown."""


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at one upstream."""

    model: ModelId
    tier: Tier
    status: int
    fault: Fault | None
    words: str
    duration_ms: float
    usage: Usage
    cost_usd: Decimal | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request went where it went, and what came of it."""

    id: str
    at: str
    """When it arrived, ISO 8601, UTC."""
    summary: str
    """All of it in a sentence or two."""
    reason: Reason
    verdict: Verdict | None
    facts: tuple[str, ...]
    """What else the policy saw that mattered, each in a few words."""
    choices: tuple[Choice, ...]
    attempts: tuple[Try, ...]
    timings_ms: dict[str, float]
    """Milliseconds of each stage that ran."""
    status: int
    cost_usd: Decimal | None
    simulated: bool
    estimated: bool
    """Whether its tokens, and so its costs, were estimated instead of billed."""
    prompt: str | None
    """The scored text, where it is kept."""


def explain(entry: Entry) -> Explanation:
    """The account of `entry`."""
    decision = entry.decision
    return Explanation(
        id=entry.id,
        at=moment(entry.at_us),
        summary=" ".join(_sentences(entry)),
        reason=decision.reason,
        verdict=_verdict(entry),
        facts=tuple(_facts(entry)),
        choices=choices_of(decision, entry.cost),
        attempts=tuple(_attempts(entry)),
        timings_ms={
            name.removesuffix("_ms"): value
            for name, value in msgspec.structs.asdict(entry.timings).items()
            if value
        },
        status=entry.outcome.status,
        cost_usd=_usd(entry.cost.actual),
        simulated=entry.simulated,
        estimated=entry.estimated or entry.usage.source == "estimated",
        prompt=entry.prompt,
    )


def choices_of(decision: Decision, cost: Cost) -> tuple[Choice, ...]:
    """The tiers that were considered, from easy to hard, with what each costs by `cost`.

    A model that was named or pinned stands for its tier in the place of the one seen there.
    """
    known = {candidate.tier: candidate for candidate in decision.candidates}
    seen = known.get(decision.tier)
    if seen is None or seen.model != decision.model:
        known[decision.tier] = Candidate(tier=decision.tier, model=decision.model)
    return tuple(_choice(known[tier], decision, cost) for tier in TIERS if tier in known)


def tier_cost(cost: Cost, tier: Tier) -> int | None:
    """What `tier` cost, or would have cost, in pico-USD."""
    return {"easy": cost.easy, "medium": cost.medium, "hard": cost.hard}[tier]


def document(explanation: Explanation) -> str:
    """The explanation as one JSON object; amounts are plain numbers with every digit."""
    return msgspec.json.format(msgspec.json.encode(_node(explanation)), indent=2).decode() + "\n"


def _node(value: object) -> object:
    match value:
        case Decimal():
            return msgspec.Raw(f"{value:f}".encode())
        case msgspec.Struct():
            return {name: _node(getattr(value, name)) for name in value.__struct_fields__}
        case tuple():
            return [_node(one) for one in value]
    return value


def _choice(candidate: Candidate, decision: Decision, cost: Cost) -> Choice:
    taken = candidate.tier == decision.tier
    amount = tier_cost(cost, candidate.tier)
    low, high = _interval(amount, candidate.tier, cost)
    obstacle = candidate.obstacle
    words = "chosen" if taken else "could have served"
    return Choice(
        tier=candidate.tier,
        model=candidate.model,
        taken=taken,
        obstacle=obstacle,
        words=OBSTACLES[obstacle] if obstacle else words,
        cost_usd=_usd(amount),
        cost_usd_low=_usd(low),
        cost_usd_high=_usd(high),
    )


def _interval(amount: int | None, tier: Tier, cost: Cost) -> tuple[int | None, int | None]:
    """The two kinds of doubt of one request are independent: their variances add."""
    doubt = cost.doubts.get(tier)
    if amount is None or doubt is None:
        return None, None
    half = round(Z95 * hypot(doubt.shared, doubt.own))
    return max(0, amount - half), amount + half


def _verdict(entry: Entry) -> Verdict | None:
    if entry.decision.verdict is None and entry.shadow is not None:
        return entry.shadow.verdict
    return entry.decision.verdict


def _sentences(entry: Entry) -> Iterator[str]:
    decision, outcome = entry.decision, entry.outcome
    sent = "Sent to" if outcome.attempts else "Meant for"
    yield f"{sent} {decision.model} ({decision.tier}): {why(decision)}."
    shadow = entry.shadow
    if shadow is not None:
        yield f"Routing would have taken {shadow.model} ({shadow.tier}): {why(shadow)}."
    if not outcome.attempts:
        yield f"No upstream was tried; the caller got status {outcome.status}."
    elif outcome.fault is not None:
        yield f"The answer {_broken(outcome.fault)}; the caller got status {outcome.status}."
    elif len(outcome.attempts) > 1:
        yield f"It took {len(outcome.attempts)} attempts."


def _broken(fault: Fault) -> str:
    if fault == "client_left":
        return "was not read to its end: the caller left"
    return f"failed, because the model {FAULTS[fault]}"


def _attempts(entry: Entry) -> Iterator[Try]:
    for attempt in entry.outcome.attempts:
        yield Try(
            model=attempt.model,
            tier=attempt.tier,
            status=attempt.status,
            fault=attempt.fault,
            words="answered" if attempt.fault is None else FAULTS[attempt.fault],
            duration_ms=attempt.duration_ms,
            usage=attempt.usage,
            cost_usd=_usd(attempt.cost),
        )


def _facts(entry: Entry) -> Iterator[str]:
    facts = entry.facts
    yield f"about {facts.input_tokens:,} input tokens"
    if facts.max_tokens is not None:
        yield f"at most {facts.max_tokens:,} output tokens"
    if facts.dial != "auto":
        yield f"dial auto:{facts.dial}"
    yield from _listed("has", facts.modalities)
    yield from _listed("needs", facts.capabilities)
    yield from _listed("rules that matched:", [str(rule) for rule in facts.rules])
    yield from _listed("known to be down:", facts.unavailable)
    if facts.open_tool_loop:
        yield "an open tool loop"
    if facts.pin is not None:
        yield f"pinned to {facts.pin}"
    if facts.warm is not None:
        yield f"about {facts.warm.tokens:,} tokens cached at {facts.warm.model}"
    if facts.thrift:
        yield "a soft limit of a budget is reached"
    if entry.cache != "off":
        yield f"verdict cache: {entry.cache}"


def _listed(head: str, words: Sequence[str]) -> Iterator[str]:
    if words:
        yield f"{head} {', '.join(words)}"


def _usd(pico: int | None) -> Decimal | None:
    return None if pico is None else usd(pico)
