"""What a page says in words and tables of text."""

import msgspec

from classifier.metrics import Interval


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Cells of text; the first of a row names it."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shades: tuple[tuple[float, ...], ...] = ()
    """0 to 1 behind each cell after the first; none for a plain table."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the page."""

    title: str
    words: str
    """What its figures mean, in a sentence or two."""
    tables: tuple[Table, ...]
    pictures: tuple[str, ...] = ()
    """Names of those that belong here."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A whole page in words, before any form."""

    title: str
    lead: str
    """What it is about, in a sentence or two."""
    warning: str = ""
    """What nobody may overlook."""
    headline: tuple[tuple[str, str, str], ...]
    """The few figures that matter most: name, figure, and what it is compared with."""
    sections: tuple[Section, ...]
    footer: str


def figure(value: Interval | float | None) -> str:
    """A figure with its interval, or that there is none."""
    return "–" if value is None else f"{value:.3f}"  # noqa: RUF001 (the sign for nothing)
