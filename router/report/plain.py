"""A report for programs: JSON and CSV.

Money is written digit by digit as it was added up, so that a reader that keeps decimals gets the
exact sum; percentages have two decimals.
"""

from collections.abc import Iterator

import msgspec

from router.report.cells import node, text
from router.report.summary import Control, Controls, Figures, Group, Report, moment
from router.spreadsheet import inert, line


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
    lines = [line([*by, *(name for name, _ in _cells(report.total))])]
    for group in groups:
        names = [inert(group.key[name]) for name in by]
        lines.append(line([*names, *(cell for _, cell in _cells(group.figures))]))
    return "".join(lines)


def told(figures: Figures | Control) -> Iterator[tuple[str, object]]:
    """Fields and values; the ends of an interval follow the figure that they belong to."""
    ends = figures.bounds
    for name in figures.__struct_fields__:
        if name == "bounds":
            continue
        yield name, getattr(figures, name)
        bound = name.removeprefix("baseline_")
        # What was paid is known; only what was not done has an interval.
        if hasattr(ends, f"{bound}_low") and (name, type(figures)) != ("cost_usd", Figures):
            yield f"{name}_low", getattr(ends, f"{bound}_low")
            yield f"{name}_high", getattr(ends, f"{bound}_high")


def _tree(figures: Figures | Control) -> dict[str, object]:
    return {name: _node(value) for name, value in told(figures)}


def _node(value: object) -> object:
    match value:
        case Controls():
            return {name: _tree(getattr(value, name)) for name in value.__struct_fields__}
        case Control():
            return _tree(value)
    return node(value)


def _cells(figures: Figures) -> Iterator[tuple[str, str]]:
    """Columns and their text; those of a control begin with its name."""
    for name, value in told(figures):
        match value:
            case Controls():
                for control in value.__struct_fields__:
                    yield from _prefixed(control, getattr(value, control))
            case Control():
                yield from _prefixed(name, value)
            case _:
                yield name, text(value)


def _prefixed(name: str, control: Control) -> Iterator[tuple[str, str]]:
    for field, value in told(control):
        yield f"{name}_{field}", text(value)
