"""What a typical request costs on each tier: the plain triple that a target on spend needs."""

from math import exp, isnan
from typing import Final

import numpy as np

from classifier.types import TIERS, Costs, Tier
from router.config.schema import Config
from router.domain import Usage
from router.errors import ConfigError
from router.prices.book import Prices
from router.prices.features import TYPICAL_INPUT
from router.prices.lengths import Lengths
from router.prices.lines import REFERENCE_TOKENS

TYPICAL: Final = Usage(input=TYPICAL_INPUT, output=REFERENCE_TOKENS)
"""Tokens of a typical request at the reference model, which output ratios are stated against.

The means of the conversations in Azure's LLM inference trace of 2023 (Splitwise, arXiv 2311.18677),
rounded to tens.
"""


def tier_costs(config: Config, prices: Prices, lengths: Lengths) -> Costs:
    """What a typical request costs on the first model of each tier, hard = 1, nothing cached.

    It is `TYPICAL` before any fit, and then the mean request of the log that was fitted. Raises
    ConfigError where a price or a length is unknown, or hard costs nothing.
    """
    easy, medium, hard = (_cost(config, prices, lengths, tier) for tier in TIERS)
    if not hard:
        raise ConfigError("the hard tier costs nothing, so no share of it can be spent")
    return easy / hard, medium / hard, 1.0


def _cost(config: Config, prices: Prices, lengths: Lengths, tier: Tier) -> int:
    model = config.models_of(tier)[0]
    middle = lengths.middle
    output = float(lengths.expect_many((model,), np.array([middle])).mean[0, 0])
    if isnan(output):
        raise ConfigError(f"what the {tier} tier costs is unknown: {model} has no `output_ratio`")
    asked = round(TYPICAL.input * exp(middle[0]))
    cost = prices.cost(model, Usage(input=asked, output=round(output)))
    if cost is None:
        why = prices.quotes[model].source
        raise ConfigError(f"what the {tier} tier costs is unknown: {model} has no price ({why})")
    return cost
