"""What pictures are made of: marks, axes and layers of Vega-Lite specifications. Pure.

Colours and letters come from the page's look when a specification is drawn, so one serves both
light and dark.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from classifier.metrics import Interval

Spec: TypeAlias = dict[str, object]
Rows: TypeAlias = Sequence[dict[str, float | str]]

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
WIDTH: Final = 600
HEIGHT: Final = 330
ROW_HEIGHT: Final = 20
DASH: Final = [5, 4]
QUIET: Final = "quiet"
"""A look's colour for what is only compared with; given when a specification is drawn."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One picture to be."""

    name: str
    """Of its file, without the ending."""
    title: str
    alt: str
    """What it shows, for those who do not see it."""
    spec: Spec


HIGH: Final[Spec] = {"field": "high"}


def spec(*layers: Spec, height: int = HEIGHT) -> Spec:
    """Layers over one another, as a whole specification."""
    return {"$schema": SCHEMA, "width": WIDTH, "height": height, "layer": list(layers)}


def layer(mark: Spec, rows: Rows, **encoding: Spec) -> Spec:
    """One mark for each row."""
    return {"mark": mark, "data": {"values": list(rows)}, "encoding": encoding}


def line(*, dashed: bool = False) -> Spec:
    """A line; dashed and quiet where it is only compared with."""
    if not dashed:
        return {"type": "line"}
    return {"type": "line", "stroke": {"expr": QUIET}, "strokeWidth": 1.5, "strokeDash": DASH}


def text(**place: float | str) -> Spec:
    """Words beside a point."""
    return {"type": "text", **place}


def point(size: int = 60) -> Spec:
    """A filled point."""
    return {"type": "point", "filled": True, "opacity": 1, "size": size}


def number(
    field: str, title: str, *, domain: tuple[float, float] | None = None, form: str | None = None
) -> Spec:
    """An axis of numbers."""
    scale: Spec = {"zero": False, "nice": True} if domain is None else {"domain": list(domain)}
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": scale,
        "axis": {"tickCount": 6, **({"format": form} if form else {})},
    }


def low(channel: Spec) -> Spec:
    """The same axis, at the low end of an interval."""
    return {**channel, "field": "low"}


def ends(figure: Interval) -> dict[str, float | str]:
    """A figure and its interval, as fields of a row."""
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def names(field: str) -> Spec:
    """A row for each name, in the order of the data."""
    return {"field": field, "type": "nominal", "sort": None, "title": None}


def colour(field: str, *names: str) -> Spec:
    """Told apart by colour, in the order of the names."""
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": list(names)},
        "legend": {"title": None, "orient": "top"},
    }


def shapes(field: str) -> Spec:
    """Points told apart by their shape, in the order of the data."""
    kinds = ["circle", "square", "triangle-up", "cross", "triangle-down", "triangle-right"]
    return {
        "field": field,
        "type": "nominal",
        "sort": None,
        "scale": {"range": kinds},
        "legend": {"title": None, "orient": "right", "symbolSize": 70, "symbolStrokeWidth": 0},
    }


def dashes(*names: str) -> Spec:
    """Told apart without colours too."""
    dashes = [[1, 0], [8, 3], DASH, [2, 2]]
    return {
        "field": "way",
        "type": "nominal",
        "scale": {"domain": list(names), "range": dashes[: len(names)]},
        "legend": {"title": None, "orient": "top"},
    }
