"""What a request is going to cost that nobody has answered yet: an estimate."""

from msgspec import Struct

from classifier.types import Verdict
from router.domain import Doubt, Facts, ModelId, PicoUsd, Usage
from router.prices.book import Book
from router.prices.caps import under_cap
from router.prices.features import features_of
from router.prices.lengths import Lengths


class Forecast(Struct, frozen=True, kw_only=True):
    """An expected cost, and how unsure it is."""

    cost: PicoUsd
    doubt: Doubt | None = None


def forecast(
    book: Book, lengths: Lengths, model: ModelId, facts: Facts, verdict: Verdict | None
) -> Forecast | None:
    """What a request of these facts is expected to cost at `model`, with nothing cached.

    None where the model's price or the length of its answers is unknown.
    """
    length = lengths.expect(model, features_of(facts, verdict))
    if length is None or not length.mean:
        return None
    cap = facts.max_tokens or lengths.limit(model)
    output, own = under_cap(length.mean, length.own_sd / length.mean, cap)
    cost = book.cost(model, Usage(input=facts.input_tokens, output=round(output)))
    rate = book.rate(model, facts.input_tokens)
    if cost is None or rate is None:
        return None
    shared = output * length.shared_sd / length.mean
    doubt = Doubt(shared=round(shared * rate.output), own=round(own * rate.output))
    return Forecast(cost=cost, doubt=doubt)
