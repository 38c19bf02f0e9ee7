"""The rows as one dated result, in JSON and in Markdown."""

from collections.abc import Sequence
from typing import Final

import msgspec

from benchmarks.overhead.result import Machine
from benchmarks.variants.entries import Entry
from benchmarks.variants.judge import Apart
from classifier.metrics import Interval

COLUMNS: Final = (
    "variant",
    "sources left out, public",
    "beyond static linear",
    "sources left out, our own",
    "beyond static linear",
    "our own, kept",
    "val",
    "hard-miss, val",
    "needs_info AUROC, val",
    "CPU, mean (p95) ms",
    "MB",
)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    date: str
    machine: Machine
    rows: tuple[Entry, ...]


def markdown(rows: Sequence[Entry]) -> str:
    """The table, a row a variant."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * (len(COLUMNS) - 1)]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row: Entry) -> list[str]:
    asked = "" if row.cost.second is None else f" (of val: {row.cost.second:.0%})"
    return [
        row.title + asked,
        _apart(row.public),
        _signed(row.public.beyond if row.public else None),
        _apart(row.own),
        _signed(row.own.beyond if row.own else None),
        _apart(row.kept),
        _interval(row.val.macro_f1),
        _interval(row.val.hard_miss),
        _interval(row.val.auroc),
        f"{row.cost.mean_ms:.2f} ({row.cost.p95_ms:.2f})",
        f"{row.cost.megabytes:.1f}",
    ]


def _apart(figure: Apart | None) -> str:
    return _interval(figure.macro_f1 if figure else None)


def _interval(figure: Interval | None) -> str:
    return "" if figure is None else f"{figure:.3f}".replace("0.", ".")


def _signed(figure: Interval | None) -> str:
    return "" if figure is None else f"{figure:+.3f}".replace("0.", ".").replace("-", "\u2212")
