"""Charts as Vega-Lite specifications with named data: drawn in the browser, updated by data alone.

Colours are the page's own: its script puts them into Vega's configuration. Whatever a chart shows
stands in a table of the page too.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final, TypeAlias

import msgspec

from classifier.types import TIERS
from router.api.dashboard.sums import Sums
from router.api.dashboard.window import STAGE_NAMES, Window
from router.report.summary import Figures

Spec: TypeAlias = dict[str, object]
Row: TypeAlias = dict[str, str | float]

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
_HEIGHT: Final = 200


def to_json(sums: Sums | None, window: Window) -> bytes:
    """Every chart: name → its specification, and its data by name."""
    days = _days(sums)
    return msgspec.json.encode(
        {
            "cost": {"spec": _cost(days), "data": _cost_rows(sums)},
            "mix": {"spec": _mix(days), "data": _mix_rows(sums)},
            "stages": {"spec": _stages(), "data": _stage_rows(window)},
        }
    )


def _chart(*layers: Spec, **more: object) -> Spec:
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "height": _HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        **more,
        **({"layer": list(layers)} if len(layers) > 1 else layers[0]),
    }


def _days(sums: Sums | None) -> Spec:
    """The axis of days: all of them, whether anything happened or not."""
    days = [_short(day.day) for day in sums.days] if sums else []
    return {
        "field": "day",
        "type": "ordinal",
        "title": None,
        "scale": {"domain": days},
        "axis": {"labelAngle": 0, "labelOverlap": True, "labelSeparation": 10, "grid": False},
    }


def _short(day: str) -> str:
    """A day as an axis has room for it."""
    return date.fromisoformat(day).strftime("%d %b").lstrip("0")


def _tier_colour() -> Spec:
    return {
        "field": "tier",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(TIERS)},
        "legend": {"orient": "top", "symbolType": "square"},
    }


def _cost(x: Spec) -> Spec:
    y: Spec = {"field": "usd", "type": "quantitative", "title": "USD"}
    bars: Spec = {
        "data": {"name": "cost"},
        "mark": {"type": "bar"},
        "encoding": {"x": x, "y": {**y, "stack": True}, "color": _tier_colour()},
    }
    baseline: Spec = {
        "data": {"name": "baseline"},
        "mark": {"type": "line", "point": {"size": 25}, "strokeDash": [5, 3]},
        "encoding": {"x": x, "y": y},
    }
    return _chart(bars, baseline)


def _mix(x: Spec) -> Spec:
    share: Spec = {
        "field": "requests",
        "type": "quantitative",
        "stack": "normalize",
        "title": "share of requests",
        "axis": {"format": ".0%", "tickCount": 5},
    }
    return _chart(
        {
            "data": {"name": "mix"},
            "mark": {"type": "bar"},
            "encoding": {"x": x, "y": share, "color": _tier_colour()},
        }
    )


def _stages() -> Spec:
    """From the median to the 99th percentile; a logarithmic axis holds both ends."""
    y: Spec = {"field": "stage", "type": "nominal", "sort": None, "title": None}
    scale: Spec = {"type": "log"}
    x: Spec = {"field": "p50", "type": "quantitative", "scale": scale, "title": "milliseconds"}
    x["axis"] = {"tickCount": 5, "format": "~g"}
    return _chart(
        {
            "mark": {"type": "rule", "strokeWidth": 3},
            "encoding": {"x": x, "x2": {"field": "p99"}, "y": y},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": {"type": "tick", "thickness": 3, "size": 16},
            "encoding": {"x": {**x, "field": "p95"}, "y": y},
        },
        data={"name": "stages"},
    )


def _cost_rows(sums: Sums | None) -> Mapping[str, list[Row]]:
    days = sums.days if sums else ()
    return {
        "cost": [
            {"day": _short(day.day), "tier": tier, "usd": usd}
            for day in days
            for tier in TIERS
            if (usd := _usd(day.tiers.get(tier))) is not None
        ],
        "baseline": [
            {"day": _short(day.day), "usd": float(day.total.baseline_cost_usd)}
            for day in days
            if day.total.baseline_cost_usd is not None
        ],
    }


def _usd(figures: Figures | None) -> float | None:
    return None if figures is None or figures.cost_usd is None else float(figures.cost_usd)


def _mix_rows(sums: Sums | None) -> Mapping[str, list[Row]]:
    def rows() -> Iterator[Row]:
        for day in sums.days if sums else ():
            for tier, figures in day.tiers.items():
                yield {"day": _short(day.day), "tier": tier, "requests": figures.requests}

    return {"mix": list(rows())}


def _stage_rows(window: Window) -> Mapping[str, list[Row]]:
    return {
        "stages": [
            {
                "stage": STAGE_NAMES[stage.name],
                "p50": stage.p50_ms,
                "p95": stage.p95_ms,
                "p99": stage.p99_ms,
            }
            for stage in window.stages
        ]
    }
