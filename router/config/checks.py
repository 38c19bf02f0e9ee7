"""What a configuration must keep that its types cannot say: names that exist, orders that hold."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from classifier.types import TIERS
from router.config.callers import caller_faults, key_names
from router.config.names import BUILT_IN, NAME, VARIABLE, is_day
from router.config.schema import Config, Model, Rule, Upstream
from router.config.shape import join, suggest

RESERVED: Final = frozenset(
    {"model", "messages", "stream", "stream_options", "n", "tools", "tool_choice", "functions"}
)
"""Body fields that the caller or the router decides; as defaults they would change the request."""
OWN_KEY: Final = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
}
"""Body fields that have a key of their own beside `defaults`."""


def faults(config: Config) -> Iterator[str]:
    """Sentences that say what is wrong with `config`, each with its key's path; none when sound."""
    yield from _names("model", config.model)
    yield from _names("upstream", config.upstream)
    yield from _names("aliases", config.aliases)
    yield from _tiers(config)
    for model_id, model in config.model.items():
        yield from _model(config, join("model", model_id), model)
        if model_id in BUILT_IN or model_id in TIERS:
            yield f"`{join('model', model_id)}` takes a name that always means something else"
    for name, upstream in config.upstream.items():
        yield from _upstream(join("upstream", name), upstream)
    yield from _aliases(config)
    if config.judge.model and config.judge.model not in config.model:
        near = suggest(config.judge.model, config.model)
        yield f"`judge.model` names `{config.judge.model}`, which is no model of the file{near}"
    for place, pattern in enumerate(config.ledger.redact_patterns):
        yield from _expression(f"ledger.redact_patterns[{place}]", pattern)
    yield from _policy(config)
    yield from caller_faults(config)


def _names(table: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if not NAME.fullmatch(name):
            yield f"`{join(table, name)}` is no name: use printable ASCII, no blank at either end"


def _tiers(config: Config) -> Iterator[str]:
    for tier in TIERS:
        models = config.tiers.get(tier, ())
        if not models:
            yield f"`tiers.{tier}` names no model; each tier needs one"
        for model in models:
            if model not in config.model:
                near = suggest(model, config.model)
                yield f"`tiers.{tier}` names `{model}`, which has no table [model.…]{near}"
        if len(set(models)) < len(models):
            yield f"`tiers.{tier}` names a model twice"


def _model(config: Config, path: str, model: Model) -> Iterator[str]:
    if model.upstream not in config.upstream:
        near = suggest(model.upstream, config.upstream)
        yield f"`{path}.upstream` is `{model.upstream}`, which has no table [upstream.…]{near}"
    if not model.name:
        yield f"`{path}.name` is empty; it is the id that the host knows the model by"
    yield from _defaults(path, model)
    if 0 < model.max_tokens < model.min_output_tokens:
        yield f"`{path}.max_tokens` is below `min_output_tokens`: no request could be sent"
    if max(model.max_tokens, model.min_output_tokens) >= model.context:
        yield f"`{path}.context` leaves no room for input beside its output tokens"
    if model.temperature is not None and not 0 <= model.temperature <= model.temperature_max:
        yield f"`{path}.temperature` is not between 0 and `temperature_max`"
    if model.price and not is_day(model.price.date):
        yield f"`{path}.price.date` is {model.price.date!r}; write the day as YYYY-MM-DD"
    ratio = model.output_ratio
    if ratio and not ratio.low <= ratio.value <= ratio.high:
        yield f"`{path}.output_ratio` does not keep low ≤ value ≤ high"


def _defaults(path: str, model: Model) -> Iterator[str]:
    for field in model.defaults:
        there = join(f"{path}.defaults", field)
        if field in OWN_KEY:
            yield f"`{there}` has a key of its own: `{path}.{OWN_KEY[field]}`"
        elif field in RESERVED or not field:
            yield f"`{there}` cannot be a default: the caller or the router decides it"


def _upstream(path: str, upstream: Upstream) -> Iterator[str]:
    # The values are not repeated: what stands there by mistake may be a key.
    try:
        url = urlsplit(upstream.base_url)
        # `urlsplit` drops some control characters without a word, so they are looked for before.
        plain = not re.search(r"[\x00-\x20\x7f]", upstream.base_url)
        sound = plain and url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        sound = False
    if not sound:
        yield f"`{path}.base_url` is not an http:// or https:// address"
    elif url.username or url.password:
        yield f"`{path}.base_url` holds credentials; name their variable in `key_env`"
    elif url.query or url.fragment:
        yield f"`{path}.base_url` ends in a query; paths are appended to it"
    if upstream.key_env and not VARIABLE.fullmatch(upstream.key_env):
        yield f"`{path}.key_env` is the name of an environment variable, never the key itself"


def _aliases(config: Config) -> Iterator[str]:
    targets = [*BUILT_IN, *TIERS, *config.model]
    for alias, target in config.aliases.items():
        path = join("aliases", alias)
        if alias in BUILT_IN or alias in config.model:
            yield f"`{path}` hides a name that already means something"
        if target not in targets:
            near = suggest(target, targets)
            yield f"`{path}` means `{target}`, which is no dial, tier or model{near}"


def _policy(config: Config) -> Iterator[str]:
    for place, rule in enumerate(config.policy.rule):
        yield from _rule(f"policy.rule[{place}]", rule)
        if rule.key is not None and rule.key not in key_names(config):
            known = ", ".join(key_names(config))
            yield f"`policy.rule[{place}].key` names no API key; there is {known}"
    cheap, best = config.policy.cheap, config.policy.best
    if cheap.easy > best.easy or cheap.medium > best.medium:
        yield "`policy.cheap` asks for more success than `policy.best`: the dial is turned round"


def _rule(path: str, rule: Rule) -> Iterator[str]:
    yield from _condition(path, rule)
    if not (rule.tier or rule.at_least or rule.at_most):
        yield f"`{path}` has no effect; give `tier`, `at_least` or `at_most`"
    if rule.tier and (rule.at_least or rule.at_most):
        yield f"`{path}` gives `tier` and a bound; one of them is idle"
    if rule.at_least and rule.at_most and TIERS.index(rule.at_least) > TIERS.index(rule.at_most):
        yield f"`{path}` allows no tier: `at_least` is above `at_most`"


def _condition(path: str, rule: Rule) -> Iterator[str]:
    if not (rule.key or rule.header or rule.pattern):
        yield f"`{path}` has no condition; give `key`, `header` or `pattern`"
    if rule.value is not None and not rule.header:
        yield f"`{path}.value` belongs to a `header`, and none is given"
    if rule.header and rule.header != rule.header.lower():
        yield f"`{path}.header` is written in lower case, as headers are compared"
    yield from _expression(f"{path}.pattern", rule.pattern or "")


def _expression(path: str, pattern: str) -> Iterator[str]:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        yield f"`{path}` is no regular expression: {error}"
