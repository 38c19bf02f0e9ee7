"""List prices of public hosts, from the table that the genai-prices package carries."""

from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from router.prices.rates import ANY_LENGTH, Quote, Rate, pico_per_token

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices


def quote_listed(base_url: str, name: str, at: datetime) -> Quote:
    """The list price of model `name` at the host of `base_url` on the day `at`.

    A quote without rates where the table has none, or has one that no vector can express.
    """
    if not _is_public(base_url):
        return Quote(source="unknown: a private host has no list price")
    # Half a second and 40 MB to load, so only where a configured price is missing.
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    try:
        provider, model = get_snapshot().find_provider_model(name, None, None, base_url)
    except LookupError:
        return Quote(source="unknown: not in genai-prices")
    return _quote(provider.id, model, at)


def quote_named(name: str, at: datetime) -> Quote:
    """The list price of the model that its maker calls `name`, on the day `at`, whoever serves it.

    For answers of which only the model's name is known; without rates where the table has none.
    """
    # Half a second and 40 MB to load, so only where such a name is met.
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    try:
        provider, model = get_snapshot().find_provider_model(name, None, None, None)
    except LookupError:
        return Quote(source="unknown: not in genai-prices")
    return _quote(provider.id, model, at)


def _quote(provider: str, model: "ModelInfo", at: datetime) -> Quote:
    table = f"genai-prices {version('genai-prices')}, {provider} {model.id}"
    if _changes_by_the_hour(model):
        return Quote(source=f"unknown: {table} changes by the hour")
    rates = _rates(model.get_prices(at))
    return Quote(rates=rates, source=table if rates else f"unknown: {table} has no token price")


def _is_public(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return "." in host
    return False


def _changes_by_the_hour(model: "ModelInfo") -> bool:
    from genai_prices.types import TimeOfDateConstraint  # noqa: PLC0415 # loaded with the table

    return isinstance(model.prices, list) and any(
        isinstance(price.constraint, TimeOfDateConstraint) for price in model.prices
    )


def _rates(price: "ModelPrice") -> tuple[Rate, ...]:
    """One rate for each length at which a price changes, the longest first."""
    if price.input_mtok is None or price.output_mtok is None:
        return ()
    cached = price.input_mtok if price.cache_read_mtok is None else price.cache_read_mtok
    parts = (cached, price.input_mtok, price.output_mtok)
    starts = {tier.start for part in parts if not isinstance(part, Decimal) for tier in part.tiers}
    return tuple(
        Rate(
            above=start,
            cached=_at(parts[0], start),
            input=_at(parts[1], start),
            output=_at(parts[2], start),
        )
        for start in (*sorted(starts, reverse=True), ANY_LENGTH)
    )


def _at(part: "Decimal | TieredPrices", start: int) -> int:
    """Pico-USD per token of requests with just over `start` input tokens."""
    if isinstance(part, Decimal):
        return pico_per_token(part)
    reached = [tier.price for tier in part.tiers if tier.start <= start]
    return pico_per_token(reached[-1] if reached else part.base)
