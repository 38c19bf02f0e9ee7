"""A report for programs: JSON and CSV.

Money is written digit by digit as it was added up, so that a reader that keeps decimals gets the
exact sum; percentages have two decimals.
"""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from router.report.summary import Controls, Figures, Group, Report, moment

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def to_json(report: Report) -> str:
    """The report as one JSON object: the total's figures at its top, then `groups`."""
    question = report.question
    since, until = question.span.since_us, question.span.until_us
    document = {
        "since": None if since is None else moment(since),
        "until": None if until is None else moment(until),
        "baseline": question.baseline,
        "by": question.by,
        **_tree(report.total),
        "excluded_requests": report.excluded_requests,
        "groups": [{**group.key, **_tree(group.figures)} for group in report.groups],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def to_csv(report: Report) -> str:
    """The groups, a line each, or the total where no groups were asked for."""
    by = report.question.by
    groups = report.groups if by else (Group(key={}, figures=report.total),)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*by, *(name for name, _ in _cells(report.total))])
    for group in groups:
        names = [_inert(group.key[name]) for name in by]
        writer.writerow([*names, *(cell for _, cell in _cells(group.figures))])
    return out.getvalue()


def _tree(struct: msgspec.Struct) -> dict[str, object]:
    """A struct as JSON is to show it: decimals as plain numbers, without exponents."""
    return {name: _node(getattr(struct, name)) for name in struct.__struct_fields__}


def _node(value: object) -> object:
    match value:
        case Decimal():
            return msgspec.Raw(f"{value:f}".encode())
        case msgspec.Struct():
            return _tree(value)
    return value


def _cells(figures: Figures) -> Iterator[tuple[str, str]]:
    """Columns and their text; those of a control begin with its name."""
    for name in figures.__struct_fields__:
        value = getattr(figures, name)
        if not isinstance(value, Controls):
            yield name, _text(value)
            continue
        for control in value.__struct_fields__:
            fields = getattr(value, control)
            for field in fields.__struct_fields__:
                yield f"{control}_{field}", _text(getattr(fields, field))


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value:f}"
    return str(value)


def _inert(name: str | None) -> str:
    """A name that no spreadsheet takes for a formula: callers choose their names."""
    return f"'{name}" if name and name.startswith(_FORMULA) else name or ""
