"""What the tables about callers must keep that their types cannot say."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from router.config.access import Budget, Key
from router.config.names import BUILT_IN, DEFAULT_KEY, NAME, is_day
from router.config.schema import Config
from router.config.shape import suggest

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST: Final = 64
"""Characters of a key's name: it stands in every entry, and names a counter in Redis."""


def key_names(config: Config) -> tuple[str, ...]:
    """Every name that a caller's key may have."""
    return tuple(dict.fromkeys((DEFAULT_KEY, *(key.name for key in config.key))))


def caller_faults(config: Config) -> Iterator[str]:
    """Sentences that say what is wrong with keys, budgets and the shadow; none when sound."""
    names = Counter(key.name for key in config.key)
    hashes = Counter(key.hash for key in config.key if key.hash)
    for place, key in enumerate(config.key):
        path = f"key[{place}]"
        yield from key_faults(path, key)
        if names[key.name] > 1:
            yield f"`{path}.name` is `{key.name}`, as that of another key"
        if hashes[key.hash] > 1:
            yield f"`{path}.hash` is that of another key"
        yield from _models(config, path, key)
    yield from _budget("budget", config.budget)
    yield from _shadow(config)


def key_faults(path: str, key: Key) -> Iterator[str]:
    """What is wrong with one key by itself; `path` is where it stands."""
    if not NAME.fullmatch(key.name) or len(key.name) > _LONGEST:
        yield f"`{path}.name` is no name: use printable ASCII, at most {_LONGEST} characters"
    if key.name == DEFAULT_KEY and key.hash:
        yield f"`{path}.hash` has no place: `{DEFAULT_KEY}` is the key in GEARSHIFT_API_KEY"
    if key.name != DEFAULT_KEY and not _HASH.fullmatch(key.hash):
        # Not repeated: what stands there by mistake may be the key.
        yield (
            f"`{path}.hash` is no SHA-256 in 64 lower-case hex digits; `gearshift keys new NAME` "
            "makes a key and prints its table"
        )
    if key.expires and not is_day(key.expires):
        yield f"`{path}.expires` is {key.expires!r}; write the day as YYYY-MM-DD"
    if key.expires and key.name == DEFAULT_KEY:
        yield f"`{path}.expires` has no place: take GEARSHIFT_API_KEY out of the environment"
    yield from _budget(f"{path}.budget", key.budget)


def _models(config: Config, path: str, key: Key) -> Iterator[str]:
    known = {*BUILT_IN, *config.aliases, *config.model}
    for model in key.models:
        if model not in known and not config.shadow.upstream:
            near = suggest(model, known)
            yield f"`{path}.models` names `{model}`, which no request could ask for{near}"


def _budget(path: str, budget: Budget) -> Iterator[str]:
    for period, limit in (("daily", budget.daily), ("monthly", budget.monthly)):
        soft, hard = limit.soft_usd, limit.hard_usd
        if soft is not None and hard is not None and soft > hard:
            yield f"`{path}.{period}.soft_usd` is above `hard_usd`: it would never be reached"


def _shadow(config: Config) -> Iterator[str]:
    shadow = config.shadow
    if shadow.model and shadow.model not in config.model:
        near = suggest(shadow.model, config.model)
        yield f"`shadow.model` names `{shadow.model}`, which is no model of the file{near}"
    if shadow.upstream and shadow.upstream not in config.upstream:
        near = suggest(shadow.upstream, config.upstream)
        yield f"`shadow.upstream` is `{shadow.upstream}`, which has no table [upstream.…]{near}"
