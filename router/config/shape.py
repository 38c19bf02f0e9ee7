"""From parsed TOML to the configuration tree; says where and how a file departs from it.

msgspec converts the file. It names neither the key of a table in a dictionary nor the key that a
person meant, so what it refuses is looked at once more here, member by member.
"""

import difflib
import math
from collections.abc import Iterable, Iterator
from types import NoneType
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec

from router.config.schema import Config
from router.errors import ConfigError

ENVIRONMENT_KEYS = frozenset(
    {"api_key", "admin_key", "cache_secret", "data_dir", "ledger_url", "redis_url"}
)
SECRET_KEYS = frozenset({"api_key", "apikey", "key", "token", "secret", "password"})


def shape(raw: dict[str, object]) -> Config:
    """The configuration that `raw` spells. Raises ConfigError in one sentence, without the file."""
    for table, key, known in _strangers(raw, Config, ""):
        raise ConfigError(f"unknown key `{join(table, key)}`{_remedy(table, key, known)}")
    for path in _unusable(raw, ""):
        raise ConfigError(f"`{path}` is no finite number below 2^63")
    try:
        return msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(raw, Config, "")) from error


def suggest(word: str, known: Iterable[str]) -> str:
    """A question that names the known word nearest to `word`, or nothing where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def known_paths(kind: object = Config, path: str = "") -> Iterator[str]:
    """Every key that a file may hold; NAME stands for the keys that users choose."""
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for name, member in get_type_hints(kind).items():
            yield join(path, name)
            yield from known_paths(member, join(path, name))
    elif get_origin(kind) is dict and _names(kind) is None:
        yield from known_paths(get_args(kind)[1], join(path, "NAME"))
    elif get_origin(kind) is tuple:
        yield from known_paths(get_args(kind)[0], path)


def join(path: str, key: str) -> str:
    """`path` one key further, quoted as TOML wants it."""
    bare = key.replace("-", "").replace("_", "").isalnum()
    part = key if bare else msgspec.json.encode(key).decode()
    return f"{path}.{part}" if path else part


def _strangers(value: object, kind: object, path: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Table and key of whatever the tree does not know, with the keys that it knows there."""
    names = _names(kind)
    if isinstance(value, dict) and names is not None:
        yield from ((path, key, names) for key in value if key not in names)
    for inner, member, member_kind in _members(value, kind, path):
        yield from _strangers(member, member_kind, inner)


def _unusable(value: object, path: str) -> Iterator[str]:
    """The path of every number that TOML can write and JSON cannot carry."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _unusable(member, join(path, key))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from _unusable(member, f"{path}[{place}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield path
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield path


def _remedy(table: str, key: str, known: frozenset[str]) -> str:
    """What to do about the unknown `key` of a table in which the `known` ones would be right."""
    if table.startswith("upstream") and key in SECRET_KEYS:
        return "; secrets are never in the file: name their variable in `key_env`"
    if key in ENVIRONMENT_KEYS:
        return f"; it is set by the environment variable GEARSHIFT_{key.upper()}"
    if near := difflib.get_close_matches(key, known, n=1):
        return f"; did you mean `{join(table, near[0])}`?"
    if elsewhere := [there for there in known_paths() if there.rpartition(".")[2] == key]:
        return f"; did you mean `{elsewhere[0]}`?"
    return f"; known here: {', '.join(sorted(known))}"


def _explain(value: object, kind: object, path: str) -> str:
    """The innermost place of `value` that is no `kind`, and why."""
    for inner, member, member_kind in _members(value, kind, path):
        if _fault(member, member_kind):
            return _explain(member, member_kind, inner)
    choices = get_args(_bare(kind))
    if isinstance(value, str) and get_origin(_bare(kind)) is Literal:
        return f"`{path}` is {value!r}; it is one of {', '.join(choices)}{suggest(value, choices)}"
    fault = _fault(value, kind)
    missing = fault.removeprefix("Object missing required field ")
    if missing != fault:
        return f"`{path}` lacks {missing}" if path else f"{missing} is missing"
    hint = "; put it in quotes" if fault.endswith("got `date`") else ""
    return f"`{path}`: {fault[:1].lower()}{fault[1:]}{hint}"


def _fault(value: object, kind: object) -> str:
    """What msgspec has against `value` as a `kind`; empty when it converts."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return str(error).partition(" - at")[0]
    return ""


def _members(value: object, kind: object, path: str) -> Iterator[tuple[str, object, object]]:
    """Path, value and type of whatever `value` holds, as far as `kind` knows it."""
    kind = _bare(kind)
    if isinstance(value, dict):
        hints = get_type_hints(kind, include_extras=True) if isinstance(kind, type) else {}
        for key, member in value.items():
            if get_origin(kind) is dict:
                yield join(path, key), member, get_args(kind)[1]
            elif key in hints:
                yield join(path, key), member, hints[key]
    elif isinstance(value, list) and get_origin(kind) is tuple:
        for place, member in enumerate(value):
            yield f"{path}[{place}]", member, get_args(kind)[0]


def _names(kind: object) -> frozenset[str] | None:
    """The keys that a table of this `kind` may have; none where users choose them."""
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return frozenset(kind.__struct_fields__)
    if get_origin(kind) is dict and get_origin(get_args(kind)[0]) is Literal:
        return frozenset(get_args(get_args(kind)[0]))
    return None


def _bare(kind: object) -> object:
    """`kind` without its `| None`."""
    options = [option for option in get_args(kind) if option is not NoneType]
    return options[0] if NoneType in get_args(kind) else kind
