"""What a request is going to cost that nobody has answered yet: an estimate."""

from msgspec import Struct

from classifier.types import Verdict
from router.domain import Doubt, Facts, ModelId, PicoUsd, Usage
from router.prices.book import Book
from router.prices.settlement import Lengths
from router.prices.tiers import TYPICAL


class Forecast(Struct, frozen=True, kw_only=True):
    """An expected cost, and how unsure it is as far as anybody can say."""

    cost: PicoUsd
    doubt: Doubt | None = None


def forecast(
    book: Book, lengths: Lengths, model: ModelId, facts: Facts, _verdict: Verdict | None
) -> Forecast | None:
    """What a request of these facts is expected to cost at `model`, with nothing cached.

    None where the model's price or the length of its answers is unknown.
    """
    length = lengths.get(model)
    if length is None or length.ratio is None:
        return None
    output = round(TYPICAL.output * length.ratio)
    cap = facts.max_tokens or length.limit
    usage = Usage(input=facts.input_tokens, output=min(output, cap) if cap else output)
    cost = book.cost(model, usage)
    return None if cost is None else Forecast(cost=cost)
