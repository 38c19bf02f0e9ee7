"""A report for programs: JSON and CSV.

Money is written digit by digit as it was added up, so that a reader that keeps decimals gets the
exact sum; percentages have two decimals.
"""

import csv
import io
from collections.abc import Iterator

import msgspec

from router.report.cells import inert, text, tree
from router.report.summary import Controls, Figures, Group, Report, moment


def to_json(report: Report) -> str:
    """The report as one JSON object: the total's figures at its top, then `groups`."""
    question = report.question
    since, until = question.span.since_us, question.span.until_us
    document = {
        "since": None if since is None else moment(since),
        "until": None if until is None else moment(until),
        "baseline": question.baseline,
        "by": question.by,
        **tree(report.total),
        "excluded_requests": report.excluded_requests,
        "groups": [{**group.key, **tree(group.figures)} for group in report.groups],
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
        names = [inert(group.key[name]) for name in by]
        writer.writerow([*names, *(cell for _, cell in _cells(group.figures))])
    return out.getvalue()


def _cells(figures: Figures) -> Iterator[tuple[str, str]]:
    """Columns and their text; those of a control begin with its name."""
    for name in figures.__struct_fields__:
        value = getattr(figures, name)
        if not isinstance(value, Controls):
            yield name, text(value)
            continue
        for control in value.__struct_fields__:
            fields = getattr(value, control)
            for field in fields.__struct_fields__:
                yield f"{control}_{field}", text(getattr(fields, field))
