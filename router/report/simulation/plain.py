"""A simulation for programs: JSON and CSV.

A figure with an interval becomes three fields: `cost_usd`, `cost_usd_low`, `cost_usd_high`.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final, get_args, get_type_hints

import msgspec
from msgspec import Struct

from router.report.cells import node, text
from router.report.simulation.answer import (
    Comparison,
    Controls,
    Figure,
    GroupTotals,
    Outcome,
    Simulation,
)
from router.report.simulation.reading import Reading
from router.report.summary import moment
from router.spreadsheet import inert, line

COLUMNS: Final = tuple(
    f"{name}{end}"
    for name, ends in (
        ("requests", ("",)),
        ("unpriced_requests", ("",)),
        ("compared_requests", ("",)),
        *((name, ("", "_low", "_high")) for name in (
            "cost_usd", "baseline_cost_usd", "saving_usd", "saving_pct"
        )),
        ("scored_requests", ("",)),
        *((name, ("", "_low", "_high")) for name in ("quality", "quality_gain", "latency_ms")),
    )
    for end in ends
)  # fmt: skip
"""Of the CSV, after policy, part and name."""


def to_json(simulation: Simulation, reading: Reading) -> str:
    """The whole answer as one JSON object: the first policy's figures at its top."""
    first, *others = simulation.policies
    since, until = simulation.first_us, simulation.last_us
    document = {
        "rows": reading.rows,
        "bad_rows": reading.bad_rows,
        "conversations": simulation.conversations,
        "since": None if since is None else moment(since),
        "until": None if until is None else moment(until),
        "baseline": simulation.question.baseline,
        "simulated": reading.simulated,
        "estimated": True,
        **_policy(first),
        "policies": [_policy(one) for one in simulation.policies] if others else [],
        "comparisons": [_comparison(one) for one in simulation.comparisons],
        "log": _log(reading),
        "bootstrap": {
            "replicates": simulation.question.rounds,
            "seed": simulation.question.seed,
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def to_csv(simulation: Simulation) -> str:
    """A line for each total, control, position of the dial, change and group of each policy."""
    lines = [line(["policy", "part", "name", *COLUMNS])]
    for policy, part, name, struct in _lines(simulation):
        said = dict(flat(struct))
        cells = [text(said.get(column)) for column in COLUMNS]
        lines.append(line([inert(policy), part, inert(name), *cells]))
    return "".join(lines)


def flat(struct: Struct) -> Iterator[tuple[str, object]]:
    """Fields and their values, a figure as three of them."""
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if name not in _figures(type(struct)):
            yield name, value
            continue
        for end in Figure.__struct_fields__:
            field = name if end == "value" else f"{name}_{end}"
            yield field, None if value is None else getattr(value, end)


@cache
def _figures(kind: type[Struct]) -> frozenset[str]:
    """The fields that have an interval."""
    hints = get_type_hints(kind)
    return frozenset(name for name, hint in hints.items() if Figure in (hint, *get_args(hint)))


def _tree(struct: Struct) -> dict[str, object]:
    return {name: node(value) for name, value in flat(struct)}


def _policy(outcome: Outcome) -> dict[str, object]:
    return {
        "policy": outcome.name,
        **_tree(outcome.totals),
        "controls": {name: _tree(one) for name, one in _controls(outcome.controls)},
        "logged": _tree(outcome.logged),
        "unpriced": outcome.unpriced,
        "mix": outcome.mix,
        "reasons": outcome.reasons,
        "cost_doubt": node(outcome.cost_doubt),
        "saving_doubt": node(outcome.saving_doubt),
        "frontier_requests": outcome.frontier_requests,
        "frontier": [_tree(spot) for spot in outcome.frontier],
        "sensitivity": [_tree(change) for change in outcome.sensitivity],
        "groups": [_group(group) for group in outcome.groups],
    }


def _controls(controls: Controls) -> Iterator[tuple[str, Struct]]:
    for name in controls.__struct_fields__:
        yield name, getattr(controls, name)


def _group(group: GroupTotals) -> dict[str, object]:
    fields = _tree(group)
    del fields["axis"], fields["name"]
    return {group.axis: group.name, **fields}


def _comparison(comparison: Comparison) -> dict[str, object]:
    return {
        "policy": comparison.policy,
        "other": comparison.other,
        **_tree(comparison.beside),
    }


def _log(reading: Reading) -> dict[str, object]:
    above = {"rows", "bad_rows", "simulated"}
    return {
        name: [node(one) for one in value] if isinstance(value, tuple) else value
        for name in reading.__struct_fields__
        if name not in above
        for value in (getattr(reading, name),)
    }


def _lines(simulation: Simulation) -> Iterator[tuple[str, str, str | None, Struct]]:
    for outcome in simulation.policies:
        yield outcome.name, "total", None, outcome.totals
        for name, control in _controls(outcome.controls):
            yield outcome.name, "control", name, control
        yield outcome.name, "control", "logged", outcome.logged
        for spot in outcome.frontier:
            yield outcome.name, "frontier", f"{spot.dial:f}", spot
        for change in outcome.sensitivity:
            yield outcome.name, "sensitivity", change.name, change
        for group in outcome.groups:
            yield outcome.name, group.axis, group.name, group
    for comparison in simulation.comparisons:
        yield comparison.policy, "comparison", comparison.other, comparison.beside
