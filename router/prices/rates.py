"""What a token costs: one vector of whole pico-USD per token, so that sums never round.

USD per million tokens times 10**6 is pico-USD per token: $0.0028 per million is 2,800.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from msgspec import Struct

from router.config.schema import Price
from router.domain import PicoUsd, Usage

PER_MILLION: Final = 10**6
"""Pico-USD per token of one USD per million tokens."""
ANY_LENGTH: Final = -1


class Rate(Struct, frozen=True, kw_only=True):
    """Prices of one token, pico-USD, for requests with more than `above` input tokens."""

    above: int = ANY_LENGTH
    cached: int
    input: int
    output: int

    def cost(self, usage: Usage) -> PicoUsd:
        """The price of `usage`. More cached tokens than input ones are a host's miscount."""
        cached = min(usage.cached, usage.input)
        fresh = usage.input - cached
        return PicoUsd(cached * self.cached + fresh * self.input + usage.output * self.output)


class Quote(Struct, frozen=True, kw_only=True):
    """The prices of one model and where they come from."""

    rates: tuple[Rate, ...] = ()
    """The rate of the longest requests first; empty where the price is unknown."""
    source: str
    """Page and day, table and version, or why there is no price."""


def pico_per_token(usd_per_million: Decimal) -> int:
    """Whole pico-USD per token. Prices with over six decimals are rounded, half to even."""
    exact = usd_per_million * PER_MILLION
    return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


def quote_price(price: Price) -> Quote:
    """The quote of a configured price."""
    # The shortest decimal that reads as the same float is what the operator wrote.
    cached = price.input if price.cached is None else price.cached
    rate = Rate(
        cached=pico_per_token(Decimal(str(cached))),
        input=pico_per_token(Decimal(str(price.input))),
        output=pico_per_token(Decimal(str(price.output))),
    )
    return Quote(rates=(rate,), source=f"{price.source}, {price.date}")
