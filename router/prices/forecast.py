"""What a request is going to cost that nobody has answered yet: an estimate."""

from router.domain import ModelId, PicoUsd, Usage
from router.prices.book import Book
from router.prices.settlement import Lengths
from router.prices.tiers import TYPICAL


def forecast(book: Book, lengths: Lengths, model: ModelId, input_tokens: int) -> PicoUsd | None:
    """The expected cost at `model`, nothing cached; none where its price or length is unknown."""
    length = lengths.get(model)
    if length is None or length.ratio is None:
        return None
    output = round(TYPICAL.output * length.ratio)
    capped = min(output, length.limit) if length.limit else output
    return book.cost(model, Usage(input=input_tokens, output=capped))
