"""A value that fits a JSON schema: arguments of tool calls, and structured answers."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

SIMULATED: Final = "[simulated]"
"""Opens every text of the sandbox, and is every string of its structured answers."""
_DEEPEST: Final = 24
"""Below this many steps everything is null."""

Path: TypeAlias = tuple[str, ...]
"""The steps from the root to a part: properties and references."""


def example_json(schema: msgspec.Raw) -> str:
    """A JSON text that fits `schema`; an object that says it is simulated where it has no fields.

    Covers types, enum, const, anyOf, oneOf, allOf and local `$ref`; formats and patterns are not
    looked at.
    """
    root = msgspec.json.decode(schema)
    value = _example(root, root, ())
    if not isinstance(value, dict):
        value = {}
    return msgspec.json.encode(value).decode()


def _example(schema: object, root: object, path: Path) -> object:
    if not isinstance(schema, dict) or len(path) > _DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    for name in ("enum", "anyOf", "oneOf", "allOf"):
        options = schema.get(name)
        if isinstance(options, list) and options:
            first = options[0]
            return first if name == "enum" else _example(first, root, (*path, name))
    if isinstance(reference := schema.get("$ref"), str):
        # A schema that holds itself ends where it comes round.
        inner = None if reference in path else _resolve(reference, root)
        return _example(inner, root, (*path, reference))
    make = _BY_TYPE.get(_type_of(schema))
    return make(schema, root, path) if make else SIMULATED


def _type_of(schema: Mapping[str, object]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((option for option in kind if option != "null"), "null")
    return str(kind)


def _resolve(reference: str, root: object) -> object:
    found = root
    for step in filter(None, reference.removeprefix("#").split("/")):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _object(schema: Mapping[str, object], root: object, path: Path) -> object:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: _example(inner, root, (*path, name)) for name, inner in properties.items()}


def _array(schema: Mapping[str, object], root: object, path: Path) -> object:
    return [_example(schema.get("items"), root, (*path, "items"))] if "items" in schema else []


def _number(schema: Mapping[str, object], _root: object, _path: Path) -> object:
    return schema.get("minimum", 1)


_BY_TYPE: Final[Mapping[str, Callable[[Mapping[str, object], object, Path], object]]] = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "boolean": lambda _schema, _root, _path: True,
    "null": lambda _schema, _root, _path: None,
}
