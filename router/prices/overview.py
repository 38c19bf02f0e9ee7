"""What each model costs and writes, and what that is known from: the figures of `costs show`."""

from math import isnan

import numpy as np
from msgspec import Struct

from classifier.types import TIERS, Tier
from router.config.schema import Config
from router.domain import ModelId
from router.prices.book import Prices
from router.prices.features import TYPICAL_INPUT
from router.prices.lengths import Lengths, Source
from router.prices.lines import WIDTH


class Range(Struct, frozen=True, kw_only=True):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Priced(Struct, frozen=True, kw_only=True):
    """USD per million tokens; null is unknown."""

    input: float | None
    cached: float | None
    output: float | None
    source: str


class ModelCosts(Struct, frozen=True, kw_only=True):
    """One model."""

    model: ModelId
    tiers: tuple[Tier, ...]
    price: Priced
    prefix_life_s: int
    """How long its host keeps what it read; 0: not at all."""
    lengths: Source
    """What its lengths rest on."""
    answers: int
    """Answers in the log that was fitted."""
    tokens: Range | None
    """Output for the mean request of the log, at another time; before a fit for any request."""
    ratio: Range | None
    """Output for a token of the reference model."""
    prior: Range | None
    """The same as its profile states it; the range is stated, not measured."""
    prior_source: str
    own_spread: float | None
    """Standard deviation of one answer, as a share of its expectation; fitted models only."""
    reasoning_share: float | None
    first_ms: float | None
    per_token_ms: float | None


class Overview(Struct, frozen=True, kw_only=True):
    """All models of a configuration."""

    prices: str
    """Version of the price book."""
    lengths: str
    """Version of the output lengths."""
    simulated: bool
    """Whether the lengths were fitted on answers of the sandbox."""
    rows: int
    """Answers behind the fit; 0 before any."""
    since_us: int | None
    until_us: int | None
    reference: ModelId
    """What ratios are stated against."""
    models: tuple[ModelCosts, ...]


def overview(config: Config, prices: Prices, lengths: Lengths) -> Overview:
    """What is known of the models of `config`."""
    fit = lengths.fit
    reference = reference_of(config)
    return Overview(
        prices=prices.version,
        lengths=lengths.version,
        simulated=fit is not None and fit.simulated,
        rows=0 if fit is None else sum(level.rows for level in fit.levels.values()),
        since_us=fit.since_us if fit and fit.since_us else None,
        until_us=fit.until_us if fit and fit.until_us else None,
        reference=reference,
        models=tuple(_costs(config, prices, lengths, model, reference) for model in config.model),
    )


def reference_of(config: Config) -> ModelId:
    """The model that priors are stated against; where none says so, the first of medium."""
    stated = {model: settings.output_ratio for model, settings in config.model.items()}
    exact = (model for model, said in stated.items() if said and said.low == said.high == 1.0)
    return next(exact, config.models_of("medium")[0])


def _costs(
    config: Config, prices: Prices, lengths: Lengths, model: ModelId, reference: ModelId
) -> ModelCosts:
    settings = config.model[model]
    level = lengths.level(model)
    speed = None if level is None else level.speed
    expected = lengths.expect_many((model,), np.array([lengths.middle]))
    mean, shared_sd = float(expected.mean[0, 0]), float(expected.shared_sd[0, 0])
    ratio = lengths.ratio(reference, model)
    prior = settings.output_ratio
    return ModelCosts(
        model=model,
        tiers=tuple(tier for tier in TIERS if model in config.tiers[tier]),
        price=_priced(prices, model),
        prefix_life_s=config.prefix_life_s(model),
        lengths=lengths.source(model),
        answers=level.rows if level else lengths.fit.few.get(model, 0) if lengths.fit else 0,
        tokens=None if isnan(mean) else _about(mean, shared_sd),
        ratio=None if ratio is None else _about(ratio.value, ratio.shared_sd),
        prior=None if prior is None else Range(value=prior.value, low=prior.low, high=prior.high),
        prior_source="" if prior is None else prior.source,
        own_spread=None if level is None else level.own,
        reasoning_share=None if level is None else level.reasoning,
        first_ms=None if speed is None else speed.first_ms,
        per_token_ms=None if speed is None else speed.per_token_ms,
    )


def _about(value: float, shared_sd: float) -> Range:
    """The interval that reports add up by: as wide on either side, and not below 0."""
    half = WIDTH / 2 * shared_sd
    return Range(value=value, low=max(0.0, value - half), high=value + half)


def _priced(prices: Prices, model: ModelId) -> Priced:
    rate = prices.rate(model, TYPICAL_INPUT)
    return Priced(
        input=None if rate is None else rate.input / 10**6,
        cached=None if rate is None else rate.cached / 10**6,
        output=None if rate is None else rate.output / 10**6,
        source=prices.quotes[model].source,
    )
