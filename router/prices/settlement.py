"""What a request cost over all attempts, and what it would have cost on each tier."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from classifier.types import Tier
from router.config.schema import Config
from router.domain import (
    Attempt,
    Candidate,
    Cost,
    Decision,
    ModelId,
    PicoUsd,
    Usage,
    UsageSource,
)
from router.prices.book import Book


class Length(Struct, frozen=True, kw_only=True):
    """How much a model writes."""

    ratio: float | None
    """Output tokens for one of the reference model; none where nobody knows."""
    limit: int
    """Cap that is sent where the caller gives none, tokens; 0: none."""


Lengths: TypeAlias = Mapping[ModelId, Length]


def compile_lengths(config: Config) -> dict[ModelId, Length]:
    """How much each configured model writes, as far as its profile says."""
    return {
        model: Length(
            ratio=None if settings.output_ratio is None else settings.output_ratio.value,
            limit=settings.max_tokens,
        )
        for model, settings in config.model.items()
    }


def settle(
    book: Book,
    lengths: Lengths,
    decision: Decision,
    attempts: Sequence[Attempt],
    *,
    max_tokens: int | None = None,
) -> tuple[Usage, Cost]:
    """Tokens and money of a request. `max_tokens` is the caller's cap on output.

    Every attempt is paid for, those that failed too. The tier that answered would have cost what
    its answer cost; the others are estimates: the same input, as much of it cached, and output
    scaled by what their model writes. A tier that could not have taken the request has no cost.
    """
    costs = [book.cost(attempt.model, attempt.usage) for attempt in attempts]
    if attempts:
        answer, paid = attempts[-1], costs[-1]
    else:
        answer, paid = Attempt(model=decision.model, tier=decision.tier), PicoUsd(0)
    tiers: dict[Tier, PicoUsd | None] = {
        candidate.tier: _would_cost(book, lengths, candidate, answer, max_tokens)
        for candidate in decision.candidates
        if candidate.tier != answer.tier
    }
    tiers[answer.tier] = paid
    return total_usage(attempts), Cost(
        actual=_total(costs),
        easy=tiers.get("easy"),
        medium=tiers.get("medium"),
        hard=tiers.get("hard"),
        prices=book.version,
    )


def routed_cost(
    book: Book,
    lengths: Lengths,
    decision: Decision,
    attempts: Sequence[Attempt],
    *,
    max_tokens: int | None = None,
) -> PicoUsd | None:
    """What a decision would have cost that was not carried out; unknown where nobody answered."""
    chosen = (one for one in decision.candidates if one.model == decision.model)
    candidate = next((one for one in chosen if one.tier == decision.tier), None)
    if candidate is None or not attempts:
        return None
    return _would_cost(book, lengths, candidate, attempts[-1], max_tokens)


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


def _would_cost(
    book: Book, lengths: Lengths, candidate: Candidate, answer: Attempt, max_tokens: int | None
) -> PicoUsd | None:
    if candidate.obstacle is not None and candidate.obstacle != "unavailable":
        return None
    if candidate.model == answer.model:
        return book.cost(answer.model, answer.usage)
    here, there = lengths.get(answer.model), lengths.get(candidate.model)
    if here is None or there is None or here.ratio is None or there.ratio is None:
        return None
    output = round(answer.usage.output * there.ratio / here.ratio)
    cap = max_tokens or there.limit
    usage = replace(answer.usage, output=min(output, cap) if cap else output)
    return book.cost(candidate.model, usage)
