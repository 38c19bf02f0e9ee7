"""HTML from values: a tag is a function call, and text is escaped unless it is HTML already.

Forty lines instead of a template engine, which the serving set does not have: the type checker
sees every value, and there is no syntax in which escaping could be forgotten.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final, TypeAlias

_VOID: Final = frozenset({"br", "input", "link", "meta", "rect"})
"""Elements without content, whose end is not written."""


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Attribute: TypeAlias = str | bool | int | None


def tag(element: str, /, *children: str | None, **attributes: Attribute) -> Html:
    """The element around `children`: plain strings are escaped, None is left out.

    An attribute's `_` is written as `-`, and one at its end is dropped (`class_`). True stands
    for the bare attribute; False and None leave it out.
    """
    head = f"<{element}{_written(attributes)}>"
    if element in _VOID:
        return Html(head)
    return Html(f"{head}{join(children)}</{element}>")


def join(children: Iterable[str | None]) -> Html:
    """One after the other."""
    return Html("".join(_child(child) for child in children if child is not None))


def _child(child: str) -> str:
    return child if isinstance(child, Html) else escape(child)


def _written(attributes: Mapping[str, Attribute]) -> str:
    return "".join(
        f" {_name(name)}" if value is True else f' {_name(name)}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
