"""The price book: exact money, from the configuration or from the list, with its source."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.access import Shadow
from router.config.schema import Config, Price
from router.domain import ModelId, Usage
from router.prices.book import MOST_STRANGERS, Prices, build_prices
from router.prices.listed import quote_listed
from router.prices.rates import Quote, Rate, pico_per_token, quote_price

TODAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOVITA = "https://api.novita.ai/openai/v1"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"


def configured(price: str) -> Prices:
    text = f"""
    tiers = {{ easy = ["m"], medium = ["m"], hard = ["m"] }}
    [upstream.host]
    base_url = "https://api.example.com/v1"
    [model.m]
    upstream = "host"
    name = "m"
    context = 1_000
    price = {{ {price}, source = "https://example.com/pricing", date = "2026-11-01" }}
    """
    return build_prices(msgspec.toml.decode(text, type=Config), TODAY)


M = ModelId("m")


@pytest.mark.parametrize(
    ("usd", "pico"), [("0.57", 570_000), ("0.0028", 2_800), ("15", 15_000_000), ("0", 0)]
)
def test_a_dollar_per_million_tokens_is_a_million_pico_dollars_a_token(usd: str, pico: int) -> None:
    assert pico_per_token(Decimal(usd)) == pico


def test_a_price_finer_than_a_pico_dollar_is_rounded() -> None:
    assert pico_per_token(Decimal("0.08333333333333334")) == 83_333


def test_the_cost_of_a_request_to_the_last_pico_dollar() -> None:
    book = configured("input = 0.57, output = 2.3, cached = 0.15")
    cost = book.cost(M, Usage(input=1_000, cached=400, output=250, reasoning=200))
    assert cost == 400 * 150_000 + 600 * 570_000 + 250 * 2_300_000


def test_cached_tokens_without_a_price_of_their_own_are_billed_as_input() -> None:
    book = configured("input = 0.57, output = 2.3")
    assert book.cost(M, Usage(input=1_000, cached=1_000)) == 570_000_000


def test_a_host_that_counts_more_cached_tokens_than_input_gives_no_money_back() -> None:
    book = configured("input = 1.0, output = 1.0, cached = 0.0")
    assert book.cost(M, Usage(input=100, cached=900, output=1)) == 1_000_000


@given(st.integers(min_value=0, max_value=10**8))
def test_a_price_written_with_six_decimals_is_exact(millionths: int) -> None:
    written = millionths / 10**6
    price = Price(input=written, output=0.0, source="s", date="2026-11-01")
    assert quote_price(price).rates[0].input == millionths


def test_a_price_says_where_it_was_read() -> None:
    quote = configured("input = 1, output = 1").quotes[M]
    assert quote.source == "https://example.com/pricing, 2026-11-01"


def test_the_version_changes_with_a_price_and_with_nothing_else() -> None:
    version = configured("input = 1, output = 2").version
    assert configured("output = 2.0, input = 1.0").version == version
    assert configured("input = 1, output = 2.000001").version != version


def test_a_list_price_is_found_by_host_and_name() -> None:
    quote = quote_listed(NOVITA, "moonshotai/kimi-k2-thinking", TODAY)
    assert quote.rates == (Rate(cached=150_000, input=600_000, output=2_500_000),)
    assert quote.source.startswith("genai-prices 0.2")
    assert "novita" in quote.source


def test_the_list_price_is_that_of_the_day() -> None:
    url, name = "https://openrouter.ai/api/v1", "moonshotai/kimi-k2-thinking"
    before = quote_listed(url, name, datetime(2026, 1, 1, tzinfo=UTC)).rates[0]
    after = quote_listed(url, name, TODAY).rates[0]
    assert (before.cached, after.cached) == (600_000, 150_000)


def test_a_list_price_that_rises_with_the_length_is_kept_whole() -> None:
    quote = quote_listed(GOOGLE, "gemini-2.5-pro", TODAY)
    assert quote.rates[0].above == 200_000
    book = Prices({M: quote})
    short, long = Usage(input=200_000), Usage(input=200_001)
    assert book.cost(M, short) == 200_000 * quote.rates[1].input
    assert book.cost(M, long) == 200_001 * quote.rates[0].input
    assert quote.rates[0].input > quote.rates[1].input


@pytest.mark.parametrize(
    ("url", "name", "said"),
    [
        (NOVITA, "nobody/nothing", "not in genai-prices"),
        ("https://api.example.com/v1", "gpt-5-nano", "not in genai-prices"),
        ("http://127.0.0.1:11434/v1", "moonshotai/kimi-k2-thinking", "private host"),
        ("http://vllm:8000/v1", "moonshotai/kimi-k2-thinking", "private host"),
        ("http://[::1]:8000/v1", "gpt-5-nano", "private host"),
        ("https://api.deepseek.com", "deepseek-v4-flash", "changes by the hour"),
        ("https://openrouter.ai/api/v1", "moonshotai/kimi-k2.6:free", "no token price"),
    ],
)
def test_a_price_that_cannot_be_known_is_unknown_and_says_why(
    url: str, name: str, said: str
) -> None:
    quote = quote_listed(url, name, TODAY)
    assert quote.rates == ()
    assert said in quote.source


def test_a_configured_price_outranks_the_list() -> None:
    text = f"""
    tiers = {{ easy = ["mine", "theirs"], medium = ["mine"], hard = ["mine"] }}
    [upstream.novita]
    base_url = "{NOVITA}"
    [model.mine]
    upstream = "novita"
    name = "moonshotai/kimi-k2-thinking"
    context = 1_000
    price = {{ input = 9, output = 9, source = "a contract", date = "2026-11-01" }}
    [model.theirs]
    upstream = "novita"
    name = "moonshotai/kimi-k2-thinking"
    context = 1_000
    """
    book = build_prices(msgspec.toml.decode(text, type=Config), TODAY)
    assert book.cost(ModelId("mine"), Usage(input=1)) == 9_000_000
    assert book.cost(ModelId("theirs"), Usage(input=1)) == 600_000


def test_an_unknown_price_is_in_the_book_with_its_reason() -> None:
    book = Prices({M: Quote(source="unknown: nobody said")})
    assert book.quotes[M].source == "unknown: nobody said"
    assert book.cost(M, Usage(input=1)) is None


def test_strangers_have_the_list_price_of_the_host_that_takes_them() -> None:
    text = """
    tiers = { easy = ["mine"], medium = ["mine"], hard = ["mine"] }
    shadow = { enabled = true, upstream = "openai" }
    [upstream.openai]
    base_url = "https://api.openai.com/v1"
    [model.mine]
    upstream = "openai"
    name = "gpt-5-nano"
    context = 1_000
    price = { input = 9, output = 9, source = "a contract", date = "2026-11-01" }
    """
    config = msgspec.toml.decode(text, type=Config)
    book = build_prices(config, TODAY)
    listed = quote_listed("https://api.openai.com/v1", "gpt-4o", TODAY).rates[0]
    assert book.cost(ModelId("gpt-4o"), Usage(input=1)) == listed.input
    assert book.cost(ModelId("gpt-4o"), Usage(input=1)) == listed.input, "remembered"
    assert book.cost(ModelId("mine"), Usage(input=1)) == 9_000_000
    assert book.cost(ModelId("nobody/nothing"), Usage(input=1)) is None
    shadowless = msgspec.structs.replace(config, shadow=Shadow())
    assert build_prices(shadowless, TODAY).cost(ModelId("gpt-4o"), Usage(input=1)) is None
    assert build_prices(shadowless, TODAY).version == book.version


def test_no_more_strangers_are_remembered_than_there_is_room_for() -> None:
    asked: list[ModelId] = []

    def quote(model: ModelId) -> Quote:
        asked.append(model)
        return Quote(rates=(Rate(cached=1, input=1, output=1),), source="made up")

    book = Prices({M: Quote(source="unknown")}, quote)
    for n in range(MOST_STRANGERS + 10):
        book.cost(ModelId(f"stranger-{n}"), Usage(input=1))
    assert len(asked) == MOST_STRANGERS
    assert book.cost(ModelId("stranger-0"), Usage(input=5)) == 5
    assert book.cost(ModelId("late"), Usage(input=5)) is None
    assert book.cost(M, Usage(input=5)) is None, "what is configured is no stranger"
