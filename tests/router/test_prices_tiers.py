"""What a typical request costs on each tier, from the prices and lengths of the configuration."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from classifier.types import TIERS, Costs
from router.config.schema import Config, OutputRatio, Price
from router.domain import ModelId
from router.errors import ConfigError
from router.prices.book import build_prices
from router.prices.fit import fit_lengths
from router.prices.lengths import Lengths
from router.prices.tiers import TYPICAL, tier_costs
from router.sandbox.profile import sandbox_config
from tests.lengths import answers

HARD, EASY = ModelId("kimi-k2-thinking"), ModelId("small-chat")
FREE = Price(input=0, output=0, source="none", date="2026-11-25")


def costs(config: Config) -> Costs:
    return tier_costs(config, build_prices(config, datetime.now(UTC)), Lengths.priors(config))


def changed(model: ModelId, **fields: object) -> Config:
    config = sandbox_config()
    profile = msgspec.structs.replace(config.model[model], **fields)
    return msgspec.structs.replace(config, model={**config.model, model: profile})


def test_costs_are_prices_times_tokens_relative_to_hard() -> None:
    price = Price(input=1, output=2, source="page", date="2026-11-25")
    ratio = OutputRatio(value=3, low=1, high=5, source="prior")
    config = changed(HARD, price=price, output_ratio=ratio)
    easy, medium, hard = costs(config)
    spent = TYPICAL.input * 1 + TYPICAL.output * 3 * 2
    assert hard == 1.0
    assert medium == pytest.approx((TYPICAL.input * 0.57 + TYPICAL.output * 2.3) / spent)
    assert easy < medium


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (changed(EASY, price=None), "easy tier costs is unknown: small-chat has no price"),
        (changed(HARD, output_ratio=None), "kimi-k2-thinking has no `output_ratio`"),
        (changed(HARD, price=FREE), "hard tier costs nothing"),
    ],
)
def test_what_is_unknown_is_named(config: Config, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        costs(config)


def test_after_a_fit_it_is_the_mean_request_of_the_log_that_counts() -> None:
    rng = np.random.default_rng(1)
    config = sandbox_config()
    models = [config.models_of(tier)[0] for tier in TIERS]
    fit = fit_lengths(answers(rng, dict.fromkeys(models, 200)))
    lengths = Lengths(Lengths.priors(config).stated, {}, fit)
    easy, medium, hard = tier_costs(config, build_prices(config, datetime.now(UTC)), lengths)
    # All three wrote alike in this log, so only their prices tell them apart.
    assert hard == 1.0
    assert medium == pytest.approx(2.3 / 2.5, rel=0.15)
    assert easy == pytest.approx(0.4 / 2.5, rel=0.15)
