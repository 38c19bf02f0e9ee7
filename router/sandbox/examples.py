"""A value that fits a JSON schema: arguments of tool calls, and structured answers."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

SIMULATED: Final = "[simulated]"
"""Opens every text of the sandbox, and is every string of its structured answers."""
_DEEPEST: Final = 12
"""A schema may refer to itself; below this depth everything is null."""


def example_json(schema: msgspec.Raw) -> str:
    """A JSON text that fits `schema`; an object that says it is simulated where it has no fields.

    Covers types, enum, const, anyOf, oneOf, allOf and local `$ref`; formats and patterns are not
    looked at.
    """
    root = msgspec.json.decode(schema)
    value = _example(root, root, 0)
    if not isinstance(value, dict):
        value = {}
    return msgspec.json.encode(value).decode()


def _example(schema: object, root: object, depth: int) -> object:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    for name in ("enum", "anyOf", "oneOf", "allOf"):
        options = schema.get(name)
        if isinstance(options, list) and options:
            first = options[0]
            return first if name == "enum" else _example(first, root, depth + 1)
    if isinstance(reference := schema.get("$ref"), str):
        return _example(_resolve(reference, root), root, depth + 1)
    make = _BY_TYPE.get(_type_of(schema))
    return make(schema, root, depth) if make else SIMULATED


def _type_of(schema: Mapping[str, object]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((option for option in kind if option != "null"), "null")
    return str(kind)


def _resolve(reference: str, root: object) -> object:
    found = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _object(schema: Mapping[str, object], root: object, depth: int) -> object:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: _example(inner, root, depth + 1) for name, inner in properties.items()}


def _array(schema: Mapping[str, object], root: object, depth: int) -> object:
    return [_example(schema.get("items"), root, depth + 1)] if "items" in schema else []


def _number(schema: Mapping[str, object], _root: object, _depth: int) -> object:
    return schema.get("minimum", 1)


_BY_TYPE: Final[Mapping[str, Callable[[Mapping[str, object], object, int], object]]] = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "boolean": lambda _schema, _root, _depth: True,
    "null": lambda _schema, _root, _depth: None,
}
