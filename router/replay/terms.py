"""The policies of a simulation: from the name of a file or a preset to all that they settle by."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from classifier.types import Cutoffs
from router.config.load import DEFAULT_PRESET, load
from router.config.presets import preset_names, preset_path
from router.config.schema import Config
from router.domain import ModelId
from router.policy.switching import with_switching
from router.policy.table import compile_policy
from router.prices.book import Prices, build_prices
from router.prices.lengths import Lengths
from router.replay.routing import Terms


def read_terms(name: str, cutoffs: Mapping[str, Cutoffs], lengths: Path, at: datetime) -> Terms:
    """The policy in the configuration file `name`, or in the preset of that name.

    `cutoffs` are the classifier's, `lengths` the file of fitted output lengths, and prices are
    those of the day `at`. No key of a provider is needed. Raises ConfigError.
    """
    preset = name in preset_names() and not Path(name).exists()
    config = load(preset_path(name) if preset else name)
    prices = build_prices(config, at)
    known = Lengths.load(lengths, config)
    return Terms(
        name=name if preset else Path(name).stem,
        config=config,
        table=with_switching(compile_policy(config, cutoffs), prices, known),
        prices=prices,
        lengths=known,
        life_s=lives(config, prices),
    )


def default_policy(configured: str) -> str:
    """The policy where none is named: the environment's configuration, else the default preset."""
    return configured or DEFAULT_PRESET


def lives(config: Config, prices: Prices) -> Callable[[ModelId], float]:
    """How long hosts keep prefixes, by model: not at all where reading them is no cheaper."""
    life_s = {
        model: float(config.prefix_life_s(model))
        if any(rate.cached < rate.input for rate in prices.quotes[model].rates)
        else 0.0
        for model in config.model
    }
    return life_s.__getitem__
