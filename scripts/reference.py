"""Writes the reference half of docs/configuration.md from the configuration tree itself.

    python -m scripts.reference           write it
    python -m scripts.reference --check   exit 1 if it is not what would be written

What stands above the marker line is written by hand and kept.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
from msgspec import inspect as types

from router.config.schema import Config, Environment

PAGE: Final = Path(__file__).parent.parent / "docs" / "configuration.md"
MARKER: Final = "<!-- From here on written by `make fix` from router/config/schema.py. -->\n"


def main() -> int:
    """Write or check the page; the exit code says whether it was right."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = page.partition(MARKER)[0] + MARKER + reference()
    if "--check" in sys.argv:
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


def reference() -> str:
    """Every section of the tree with every field, then the environment, as markdown."""
    sections: dict[type, list[str]] = {}
    for path, kind in tables(Config, ""):
        sections.setdefault(kind, []).append(path)
    parts = [section(kind, paths) for kind, paths in sections.items()]
    return "\n" + "\n".join([*parts, variables()])


def tables(kind: type[msgspec.Struct], path: str) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """The headers of the tables that a file may hold, each with its type; the file itself first."""
    yield path, kind
    for field in struct(kind).fields:
        inner = f"{path.strip('[]')}.{field.name}".strip(".")
        match without_none(field.type):
            case types.StructType(cls=member):
                yield from tables(member, f"[{inner}]")
            case types.DictType(value_type=types.StructType(cls=member)):
                yield from tables(member, f"[{inner}.NAME]")
            case types.VarTupleType(item_type=types.StructType(cls=member)):
                yield from tables(member, f"[[{inner}]]")


def section(kind: type[msgspec.Struct], paths: list[str]) -> str:
    """One table of the file: its header, what it is, and its keys."""
    title = ", ".join(f"`{path}`" for path in paths if path) or "The file"
    about = inspect.cleandoc(kind.__doc__ or "").removeprefix(f"`{paths[0]}`: ")
    said = descriptions(kind)
    rows = [
        f"| `{field.name}` | {words(field.type)} | {default(field)} | {said[field.name]} |"
        for field in struct(kind).fields
    ]
    head = "| key | value | default | |\n| --- | --- | --- | --- |"
    return "\n".join([f"## {title}", "", about[:1].upper() + about[1:], "", head, *rows, ""])


def variables() -> str:
    """The environment variables."""
    said = descriptions(Environment)
    rows = [
        f"| `GEARSHIFT_{field.name.upper()}` | {default(field)} | {said[field.name]} |"
        for field in struct(Environment).fields
        if field.name != "upstream_keys"
    ]
    head = "| variable | default | |\n| --- | --- | --- |"
    return "\n".join(["## Environment", "", head, *rows, ""])


def descriptions(kind: type) -> dict[str, str]:
    """Field → the docstring under it, on one line. Raises KeyError later for a field without."""
    body = [line for part in reversed(kind.__mro__) for line in body_of(part)]
    return {
        field.target.id: " ".join(str(text.value.value).split()).replace("|", "\\|")
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def body_of(kind: type) -> list[ast.stmt]:
    """The statements of a class of the configuration; none of any other class."""
    if not kind.__module__.startswith("router.config."):
        return []
    tree = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    named = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return next(node.body for node in named if node.name == kind.__name__)


def words(kind: types.Type) -> str:
    """What may stand there, in words."""
    match without_none(kind):
        case types.BoolType():
            text = "true or false"
        case types.IntType() as number:
            text = f"integer{bounds(number)}"
        case types.FloatType() as number:
            text = f"number{bounds(number)}"
        case types.LiteralType(values=values):
            text = " or ".join(f"`{value}`" for value in values)
        case types.StrType():
            text = "text"
        case types.VarTupleType(item_type=item):
            text = f"list: {words(item)}"
        case types.DictType():
            text = "table by name"
        case _:
            text = "table"
    return text


def bounds(number: types.IntType | types.FloatType) -> str:
    """The limits of a number, where it has any."""
    if number.ge is not None and number.le is not None:
        return f", {number.ge:g} to {number.le:g}"
    if number.gt is not None:
        return f" > {number.gt:g}"
    return "" if number.ge is None else f" ≥ {number.ge:g}"


def default(field: types.Field) -> str:
    """The field's default as TOML writes it; none where there is nothing to write."""
    if field.required:
        return "required"
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return f"`{toml(value)}`" if value is not None and value != "" else "none"


def toml(value: object) -> str:
    """`value` on one line of TOML."""
    if isinstance(value, msgspec.Struct):
        if not any(field.required for field in struct(type(value)).fields):
            return "{}"
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {toml(member)}" for key, member in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(toml(member) for member in value)}]"
    return msgspec.json.encode(value).decode()


def struct(kind: type[msgspec.Struct]) -> types.StructType:
    """What msgspec knows of `kind`."""
    info = types.type_info(kind)
    assert isinstance(info, types.StructType)  # noqa: S101 - narrows the type, cannot fail
    return info


def without_none(kind: types.Type) -> types.Type:
    """`kind` without its `| None` and its limits' wrapper."""
    if isinstance(kind, types.Metadata):
        return without_none(kind.type)
    if isinstance(kind, types.UnionType) and kind.includes_none:
        return next(one for one in kind.types if not isinstance(one, types.NoneType))
    return kind


if __name__ == "__main__":
    sys.exit(main())
