"""The price book: every model's price, resolved once."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from router.config.schema import Config
from router.domain import ModelId, PicoUsd, Usage
from router.prices.listed import quote_listed
from router.prices.rates import Quote, Rate, quote_price


class Prices:
    """The prices of the configured models."""

    def __init__(self, quotes: Mapping[ModelId, Quote]) -> None:
        self.quotes = dict(quotes)
        """Every model's price with its source, for whoever wants to check them."""
        self._rates = {model: quote.rates for model, quote in quotes.items()}
        content = msgspec.json.encode(self.quotes, order="sorted")
        self._version = blake2b(content, digest_size=8).hexdigest()

    @property
    def version(self) -> str:
        """Digest over every price in the book, 16 hex digits."""
        return self._version

    def cost(self, model: ModelId, usage: Usage) -> PicoUsd | None:
        """The price of `usage` at `model`; none where tokens were used whose price is unknown."""
        rate = self.rate(model, usage.input)
        if rate is not None:
            return rate.cost(usage)
        return None if usage.input or usage.output else PicoUsd(0)

    def rate(self, model: ModelId, input_tokens: int) -> Rate | None:
        """What a token costs in requests of that length; none where the price is unknown."""
        for rate in self._rates.get(model, ()):
            if input_tokens > rate.above:
                return rate
        return None


class EmptyPrices:
    """A book without prices: whatever used tokens has an unknown cost."""

    @property
    def version(self) -> str:
        """Nothing was priced, so there is nothing to tell apart."""
        return "none"

    def cost(self, model: ModelId, usage: Usage) -> PicoUsd | None:
        """0 where no token was used, else unknown."""
        return None if usage.input or usage.output else PicoUsd(0)

    def rate(self, _model: ModelId, _input_tokens: int) -> Rate | None:
        """Unknown."""
        return None


Book: TypeAlias = Prices | EmptyPrices


def build_prices(config: Config, at: datetime) -> Prices:
    """The book of `config`: its own prices, else list prices as they stood at `at`.

    The list is loaded only where a model of a public host has no price of its own.
    """
    return Prices(
        {
            model: quote_price(settings.price)
            if settings.price is not None
            else quote_listed(config.upstream[settings.upstream].base_url, settings.name, at)
            for model, settings in config.model.items()
        }
    )
