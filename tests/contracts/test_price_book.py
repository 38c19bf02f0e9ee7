"""What every price book promises: whole pico-USD, nothing invented, unknown is not zero."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.schema import Config
from router.domain import ModelId, Usage
from router.ports import PriceBook
from router.prices.book import EmptyPrices, build_prices

CONFIG = """
tiers = { easy = ["priced"], medium = ["listed"], hard = ["unknown"] }

[upstream.private]
base_url = "http://127.0.0.1:8000/v1"

[upstream.public]
base_url = "https://api.novita.ai/openai/v1"

[model.priced]
upstream = "private"
name = "p"
context = 1_000
price = { input = 0.1, output = 0.4, cached = 0.01, source = "the invoice", date = "2026-11-01" }

[model.listed]
upstream = "public"
name = "moonshotai/kimi-k2-thinking"
context = 1_000

[model.unknown]
upstream = "private"
name = "u"
context = 1_000
"""
MODELS = ("priced", "listed", "unknown", "never heard of")
BOOKS: dict[str, PriceBook] = {
    "configured": build_prices(
        msgspec.toml.decode(CONFIG, type=Config), datetime(2026, 11, 23, tzinfo=UTC)
    ),
    "empty": EmptyPrices(),
}
_tokens = st.integers(min_value=0, max_value=10**7)
_usages = st.builds(Usage, input=_tokens, cached=_tokens, output=_tokens)

every_book = pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
every_model = pytest.mark.parametrize("model", [ModelId(name) for name in MODELS])


@every_book
@every_model
def test_what_used_nothing_costs_nothing(book: PriceBook, model: ModelId) -> None:
    assert book.cost(model, Usage()) == 0


@every_book
def test_tokens_of_an_unpriced_model_have_an_unknown_cost(book: PriceBook) -> None:
    for model in ("unknown", "never heard of"):
        assert book.cost(ModelId(model), Usage(input=1)) is None
        assert book.cost(ModelId(model), Usage(output=1)) is None


@every_book
@every_model
@given(usage=_usages)
def test_a_cost_is_a_whole_number_and_never_negative(
    book: PriceBook, model: ModelId, usage: Usage
) -> None:
    cost = book.cost(model, usage)
    assert cost is None or (type(cost) is int and cost >= 0)


@every_book
@every_model
@given(usage=_usages, more=_tokens)
def test_more_output_never_costs_less(
    book: PriceBook, model: ModelId, usage: Usage, more: int
) -> None:
    cost = book.cost(model, usage)
    longer = book.cost(model, msgspec.structs.replace(usage, output=usage.output + more))
    assert cost is None or longer is None or longer >= cost


@every_book
@every_model
@given(usage=_usages)
def test_a_cached_token_never_costs_more_than_a_fresh_one(
    book: PriceBook, model: ModelId, usage: Usage
) -> None:
    cost = book.cost(model, usage)
    fresh = book.cost(model, msgspec.structs.replace(usage, cached=0))
    assert cost is None or (fresh is not None and fresh >= cost)


@every_book
def test_the_version_is_said_and_stays(book: PriceBook) -> None:
    assert book.version
    assert book.version == book.version


@every_book
@given(usage=_usages)
def test_a_rate_gives_what_the_book_charges_and_none_is_unknown(
    book: PriceBook, usage: Usage
) -> None:
    for model in map(ModelId, MODELS):
        rate = book.rate(model, usage.input)
        known = usage.input == usage.output == 0
        assert book.cost(model, usage) == (rate.cost(usage) if rate else 0 if known else None)
