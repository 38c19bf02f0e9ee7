"""The price of switching: a conversation that moves to a cheaper model is read again in full.

The model that served last has the conversation in its prefix cache. Where going on there costs no
more than beginning anew at the cheaper model that is wanted, it stays: a better answer for no more
money. It never stays on a lower tier than is wanted, and never for the money of turns to come.
"""

from msgspec import Struct
from msgspec.structs import replace

from router.domain import Decision, Facts, ModelId
from router.policy.rules import RANKS, bounds
from router.policy.table import PolicyTable, Switching, obstacle_of
from router.prices.book import Book
from router.prices.caps import under_cap
from router.prices.features import Features, features_of
from router.prices.lengths import Lengths


class _Case(Struct, frozen=True):
    """A request whose cost at two models is compared."""

    facts: Facts
    features: Features
    switching: Switching


def with_switching(table: PolicyTable, book: Book, lengths: Lengths) -> PolicyTable:
    """`table` with what the price of switching follows from: prices, and what models write.

    Both have versions of their own, which every entry's cost names; the table keeps its own. Where
    no model reads cached tokens more cheaply there is nothing to compare, and it stays as it is.
    """
    gaining = frozenset(model for model in table.profiles if _gains(book, model))
    if not gaining:
        return table
    return replace(table, switching=Switching(book=book, lengths=lengths, gaining=gaining))


def model_to_stay_with(decision: Decision, facts: Facts, table: PolicyTable) -> ModelId | None:
    """The model that has the conversation cached, where going on there costs no more.

    None where `decision` should stand. A model that a rule rules out, or that cannot take the
    request, is not stayed with; nor is any while a budget asks for thrift.
    """
    warm, switching = facts.warm, table.switching
    if warm is None or switching is None or warm.model not in switching.gaining:
        return None
    if facts.open_tool_loop or facts.forced is not None or facts.thrift:
        return None
    if not _is_better(warm.model, decision, facts, table):
        return None
    case = _Case(facts, features_of(facts, decision.verdict), switching)
    staying = _expected_cost(warm.model, warm.tokens, case)
    moving = _expected_cost(decision.model, 0, case)
    if staying is None or moving is None or staying > moving:
        return None
    return warm.model


def _is_better(model: ModelId, decision: Decision, facts: Facts, table: PolicyTable) -> bool:
    """Whether `model` is of a harder tier that is allowed, and can take the request."""
    profile = table.profiles.get(model)
    if profile is None or profile not in table.tiers[profile.tier]:
        return False
    rank = RANKS[profile.tier]
    low, high = bounds(table.rules, facts.rules)
    allowed = low <= rank <= high and rank > RANKS[decision.tier]
    return allowed and obstacle_of(profile, facts, table) is None


def _expected_cost(model: ModelId, cached: int, case: _Case) -> float | None:
    """Pico-USD; none where a price or a length is unknown."""
    facts, lengths = case.facts, case.switching.lengths
    rate = case.switching.book.rate(model, facts.input_tokens)
    length = lengths.expect(model, case.features)
    if rate is None or length is None:
        return None
    cap = facts.max_tokens or lengths.limit(model)
    output, _ = under_cap(length.mean, length.own_sd / length.mean, cap)
    known = min(cached, facts.input_tokens)
    fresh = facts.input_tokens - known
    return known * rate.cached + fresh * rate.input + output * rate.output


def _gains(book: Book, model: ModelId) -> bool:
    rate = book.rate(model, 1)
    return rate is not None and rate.cached < rate.input
