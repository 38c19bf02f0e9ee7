"""Vega-Lite specifications → pictures, by vl-convert (the report extra); no network, no browser."""

import base64
from typing import Final

import msgspec

from classifier.pages.marks import QUIET, Chart, Spec

SCALE: Final = 2.0
"""Pixels of a PNG for each of the picture's own."""
FONT: Final = "system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif"


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Colours of a page. Those of the marks are told apart by people who see few colours."""

    ink: str
    quiet: str
    rule: str
    ground: str | None
    marks: tuple[str, ...]


LIGHT: Final = Look(
    ink="#1f2430",
    quiet="#6a7280",
    rule="#e3e6eb",
    ground=None,
    marks=("#0b6e99", "#c2570c", "#5b6472", "#7a3e9d"),
)
DARK: Final = Look(
    ink="#e6e9ef",
    quiet="#98a2b3",
    rule="#353c49",
    ground=None,
    marks=("#5cc2ee", "#ff9e57", "#a3adbd", "#cf9bf0"),
)
PAPER: Final = msgspec.structs.replace(LIGHT, ground="#ffffff")
"""Of a picture that stands alone."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One picture."""

    name: str
    title: str
    alt: str
    png: bytes
    light: str
    dark: str
    """SVG as data addresses."""


def picture(chart: Chart) -> Picture:
    """`chart` drawn. Raises ImportError without the extra."""
    import vl_convert  # noqa: PLC0415 (the report extra: not needed to judge)

    def spec(look: Look) -> Spec:
        return {**chart.spec, "params": [{"name": QUIET, "value": look.quiet}]}

    def svg(look: Look) -> str:
        drawn = vl_convert.vegalite_to_svg(spec(look), config=config(look)).encode()
        return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"

    return Picture(
        name=chart.name,
        title=chart.title,
        alt=chart.alt,
        png=vl_convert.vegalite_to_png(spec(PAPER), config=config(PAPER), scale=SCALE),
        light=svg(LIGHT),
        dark=svg(DARK),
    )


def config(look: Look) -> Spec:
    """Vega-Lite's configuration for a look."""
    words = {"labelColor": look.ink, "titleColor": look.ink, "labelFontSize": 12}
    return {
        "background": look.ground,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            **words,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "gridColor": look.rule,
            "domainColor": look.quiet,
            "tickColor": look.quiet,
            "labelLimit": 320,
            "labelFlush": False,
        },
        "legend": {**words, "symbolStrokeWidth": 3, "symbolSize": 220, "labelLimit": 260},
        "range": {"category": list(look.marks)},
        "mark": {"color": look.marks[0]},
        "rule": {"color": look.ink},
        "line": {"strokeWidth": 2.5},
        "text": {"color": look.ink, "fontSize": 12},
    }
