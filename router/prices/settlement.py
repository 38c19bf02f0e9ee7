"""What a request cost over all attempts, and what it would have cost on each tier."""

from collections.abc import Sequence

from msgspec import Struct

from classifier.types import Tier
from router.domain import (
    Attempt,
    Cost,
    Decision,
    Doubt,
    Facts,
    ModelId,
    PicoUsd,
    Usage,
    UsageSource,
)
from router.prices.book import Book
from router.prices.caps import under_cap
from router.prices.lengths import Lengths


class _World(Struct, frozen=True):
    """What is known of a request when one asks what another tier would have cost."""

    book: Book
    lengths: Lengths
    answer: Attempt
    max_tokens: int | None
    warm_tokens: int
    """Input tokens that a model which had served the conversation would have found cached."""
    alone: bool
    """Whether the model that answered had served the turn before: what it found is the truth."""


def settle(
    book: Book,
    lengths: Lengths,
    decision: Decision,
    attempts: Sequence[Attempt],
    *,
    facts: Facts | None = None,
) -> tuple[Usage, Cost]:
    """Tokens and money of a request that was decided by `facts`.

    Every attempt is paid for, those that failed too. What a tier would have cost is its cost in a
    world where it alone serves all: the same input, as much of it cached as its host would have
    kept of the conversation, and output scaled by what its model writes, under the caller's cap or
    what the profile sends. Where the tier answered, its output is known. Tiers not taken are
    estimates and have doubts. A tier that could not have taken the request has no cost.
    """
    costs = [book.cost(attempt.model, attempt.usage) for attempt in attempts]
    answer = attempts[-1] if attempts else Attempt(model=decision.model, tier=decision.tier)
    world = _world(book, lengths, answer, facts)
    tiers: dict[Tier, PicoUsd | None] = {answer.tier: _same(world, answer.model)}
    doubts: dict[Tier, Doubt] = {}
    for candidate in decision.candidates:
        if candidate.tier == answer.tier or candidate.obstacle not in {None, "unavailable"}:
            continue
        tiers[candidate.tier], doubt = would_cost(world, candidate.model)
        if doubt is not None:
            doubts[candidate.tier] = doubt
    return total_usage(attempts), Cost(
        actual=_total(costs),
        easy=tiers.get("easy"),
        medium=tiers.get("medium"),
        hard=tiers.get("hard"),
        doubts=doubts,
        prices=book.version,
        lengths=lengths.version,
    )


def total_usage(attempts: Sequence[Attempt]) -> Usage:
    """Tokens of all attempts; billed only if every attempt that used tokens was billed."""
    if len(attempts) == 1:
        return attempts[0].usage
    used = [attempt.usage for attempt in attempts if attempt.usage != Usage()]
    source: UsageSource = "none"
    if used:
        source = "billed" if all(usage.source == "billed" for usage in used) else "estimated"
    return Usage(
        input=sum(usage.input for usage in used),
        cached=sum(usage.cached for usage in used),
        output=sum(usage.output for usage in used),
        reasoning=sum(usage.reasoning for usage in used),
        source=source,
    )


def _total(costs: Sequence[PicoUsd | None]) -> PicoUsd | None:
    known = [cost for cost in costs if cost is not None]
    return PicoUsd(sum(known)) if len(known) == len(costs) else None


def would_cost(world: _World, model: ModelId) -> tuple[PicoUsd | None, Doubt | None]:
    """What `model` would have cost, and how unsure that is; no doubt where it is exact."""
    answer = world.answer
    if model == answer.model:
        return _same(world, model), None
    ratio = world.lengths.ratio(answer.model, model)
    if ratio is None:
        return None, None
    expected = answer.usage.output * ratio.value
    cap = world.max_tokens or world.lengths.limit(model)
    mean, own = under_cap(expected, ratio.own_sd / ratio.value, cap)
    rate = world.book.rate(model, answer.usage.input)
    if rate is None:
        # A request that was never sent costs nothing anywhere.
        return world.book.cost(model, answer.usage), None
    shared = mean * ratio.shared_sd / ratio.value
    doubt = Doubt(shared=round(shared * rate.output), own=round(own * rate.output))
    cost = rate.cost(_used(world, round(mean)))
    return cost, doubt if doubt.shared or doubt.own else None


def _world(book: Book, lengths: Lengths, answer: Attempt, facts: Facts | None) -> _World:
    warm = None if facts is None else facts.warm
    return _World(
        book=book,
        lengths=lengths,
        answer=answer,
        max_tokens=None if facts is None else facts.max_tokens,
        warm_tokens=0 if warm is None else warm.tokens,
        alone=warm is None or warm.model == answer.model,
    )


def _same(world: _World, model: ModelId) -> PicoUsd | None:
    """What the answer would have cost, had its model served the conversation from the start."""
    usage = world.answer.usage
    return world.book.cost(model, usage if world.alone else _used(world, usage.output))


def _used(world: _World, output: int) -> Usage:
    """The tokens of a model that serves all: what a host kept for others, it keeps for it too."""
    usage = world.answer.usage
    kept = min(world.warm_tokens, usage.input)
    return Usage(input=usage.input, cached=max(usage.cached, kept), output=output)
