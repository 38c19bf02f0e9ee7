"""What a request is expected to cost before anybody answers it."""

from datetime import UTC, datetime

import msgspec
import pytest

from router.domain import Facts, ModelId
from router.prices.book import EmptyPrices, build_prices
from router.prices.forecast import forecast
from router.prices.lengths import Lengths
from router.sandbox.profile import sandbox_config
from tests.verdicts import verdict

CONFIG = sandbox_config()
PRICES = build_prices(CONFIG, datetime(2026, 11, 26, tzinfo=UTC))
MODELS = list(CONFIG.model)


def expected(model: str, *, tokens: int = 1_000, cap: int | None = None) -> int:
    """The expected cost, pico-USD."""
    facts = Facts(input_tokens=tokens, max_tokens=cap)
    found = forecast(PRICES, Lengths.priors(CONFIG), ModelId(model), facts, verdict())
    assert found is not None
    return found.cost


@pytest.mark.parametrize("model", MODELS)
def test_more_input_costs_its_price_more(model: ModelId) -> None:
    rate = PRICES.quotes[model].rates[-1]
    more = expected(model, tokens=1_500) - expected(model)
    # With a fit longer prompts may have longer answers too.
    assert more >= 500 * rate.input
    assert expected(model) > 1_000 * rate.input


@pytest.mark.parametrize("model", MODELS)
def test_a_cap_on_output_bounds_it(model: ModelId) -> None:
    rate = PRICES.quotes[model].rates[-1]
    capped = expected(model, cap=10)
    assert 1_000 * rate.input < capped <= 1_000 * rate.input + 10 * rate.output
    assert capped < expected(model)


def test_what_has_no_price_or_no_length_has_no_forecast() -> None:
    facts = Facts(input_tokens=10)
    lengths = Lengths.priors(CONFIG)
    assert forecast(EmptyPrices(), lengths, MODELS[0], facts, None) is None
    assert forecast(PRICES, lengths, ModelId("nobody"), facts, None) is None
    bare = {
        name: msgspec.structs.replace(model, output_ratio=None)
        for name, model in CONFIG.model.items()
    }
    unknown = Lengths.priors(msgspec.structs.replace(CONFIG, model=bare))
    assert forecast(PRICES, unknown, MODELS[0], facts, None) is None
