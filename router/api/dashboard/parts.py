"""Pieces of pages: numbers in words, tables, names. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from classifier.types import Tier
from router.api.dashboard.html import Html, join, tag
from router.report.summary import moment

UNKNOWN: Final = "unknown"


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table."""

    name: str
    number: bool = False
    minor: bool = False
    """Left out where the screen is narrow."""


def money(amount: Decimal | None) -> Html:
    """US dollars as reports show them, and every digit for programs."""
    if amount is None:
        return tag("span", UNKNOWN, class_="unknown")
    return tag("data", dollars(amount), value=f"{amount:f}")


def dollars(amount: Decimal) -> str:
    """To the cent, and less than one dollar to the millionth."""
    places = 2 if abs(amount) >= 1 or not amount else 6
    return f"${amount:,.{places}f}" if amount >= 0 else f"−${-amount:,.{places}f}"  # noqa: RUF001


def interval(low: Decimal | None, high: Decimal | None) -> Html | None:
    """The ends of a 95 % interval; none where nothing is in doubt, or nobody knows how much."""
    if low is None or high is None:
        return None
    return join([" ", tag("span", "[", money(low), ", ", money(high), "]", class_="interval")])


def percent(share: Decimal | None) -> str:
    """A percentage with one decimal."""
    return UNKNOWN if share is None else f"{share:.1f} %"


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent; a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "–"  # noqa: RUF001  (the sign for nothing)


def milliseconds(value: float) -> str:
    """Three digits or more."""
    if value >= 100:  # noqa: PLR2004
        return f"{value:,.0f} ms"
    return f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"


def clock(at_us: int) -> Html:
    """A moment, by the clock of UTC; the day too for programs."""
    whole = moment(at_us)
    return tag("time", whole[11:19], datetime=whole, title=f"{whole[:10]} {whole[11:19]} UTC")


def tier_chip(tier: Tier) -> Html:
    """A tier's name, with its colour beside it."""
    return tag("span", tier, class_=f"tier {tier}")


def meter(part: float, whole: float, label: str) -> Html:
    """A bar as long as the part is of the whole. The number stands beside it."""
    value = f"{part / whole:.4f}" if whole else "0"
    return tag("meter", value=value, min="0", max="1", aria_label=label)


def table(
    caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, hide_caption: bool
) -> Html:
    """A table that scrolls by itself where it is too wide; the first cell of a row names it."""
    head = tag(
        "tr", *(tag("th", column.name, scope="col", class_=_class(column)) for column in columns)
    )
    body = join(tag("tr", *_cells(columns, row)) for row in rows)
    named = tag("caption", caption, class_="unseen" if hide_caption else None)
    inner = tag("table", named, tag("thead", head), tag("tbody", body))
    return tag("div", inner, class_="wide", tabindex="0", role="region", aria_label=caption)


def _cells(columns: Sequence[Column], row: Sequence[str]) -> Sequence[Html]:
    first, *rest = zip(columns, row, strict=True)
    return [
        tag("th", first[1], scope="row", class_=_class(first[0])),
        *(tag("td", cell, class_=_class(column)) for column, cell in rest),
    ]


def _class(column: Column) -> str | None:
    names = ["number"] * column.number + ["minor"] * column.minor
    return " ".join(names) or None


def section(name: str, title: str, *children: str | None) -> Html:
    """A part of a page with its heading."""
    heading = tag("h2", title, id=f"{name}-title")
    return tag("section", heading, *children, id=name, aria_labelledby=f"{name}-title")


def described(pairs: Iterable[tuple[str, str]]) -> Html:
    """Terms and what they are."""
    return tag("dl", *(tag("div", tag("dt", term), tag("dd", said)) for term, said in pairs))
