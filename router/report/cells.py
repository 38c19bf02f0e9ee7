"""Values as programs read them: decimals digit by digit, unknown as null or an empty cell."""

from decimal import Decimal

import msgspec


def tree(struct: msgspec.Struct) -> dict[str, object]:
    """A struct as JSON is to show it: decimals as plain numbers, without exponents."""
    return {name: node(getattr(struct, name)) for name in struct.__struct_fields__}


def node(value: object) -> object:
    """A value as JSON is to show it."""
    match value:
        case Decimal():
            return msgspec.Raw(f"{value:f}".encode())
        case msgspec.Struct():
            return tree(value)
    return value


def text(value: object) -> str:
    """A value as a cell of CSV."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value:f}"
    return str(value)
