"""Groups → their figures. A group's saving has an interval where its requests can tell one."""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from router.domain import PICO
from router.report.simulation.answer import Figure, GroupTotals
from router.report.simulation.arrays import Counts, Floats
from router.report.simulation.draws import rounded
from router.report.simulation.groups import AXES, COLUMNS, OTHER, PARTS, Axis, Table
from router.report.simulation.scenario import FINE, PLACES, percent
from router.report.simulation.sums import MILLION
from router.report.summary import usd

FILLED: Final = 40
"""Of a group's 64 random parts: with fewer that hold a conversation, no interval is told."""
_T95: Final = 2.0
"""Student's, for 63 degrees of freedom."""


def grouped(tables: Sequence[Table]) -> tuple[GroupTotals, ...]:
    """The groups of every axis: days in order, the others dearest first."""
    return tuple(
        group
        for axis, table in zip(AXES, tables, strict=True)
        for group in sorted(_groups(axis, table), key=_by_day if axis == "day" else _by_cost)
    )


def _groups(axis: Axis, table: Table) -> Iterator[GroupTotals]:
    parts = table.parts.reshape(-1, PARTS, 3)
    for at, name in enumerate(table.names):
        said: dict[str, int] = dict(zip(COLUMNS, table.sums[at].tolist(), strict=True))
        saving = said["control"] - said["routed"]
        yield GroupTotals(
            axis=axis,
            name=name,
            requests=said["requests"],
            unpriced_requests=said["requests"] - said["priced"],
            compared_requests=said["compared"],
            cost_usd=usd(said["cost"]) if said["priced"] else None,
            baseline_cost_usd=usd(said["control"]) if said["compared"] else None,
            saving_usd=_saving(saving, parts[at], table.doubts[at]) if said["compared"] else None,
            saving_pct=_share(saving, said["control"], parts[at], table.doubts[at]),
            scored_requests=said["scored"],
            quality=_quality(said["quality"], said["scored"]),
        )


def _saving(saving: int, parts: Counts, doubts: Floats) -> Figure:
    half = _half(parts, doubts, 1.0)
    if half is None:
        return Figure(value=usd(saving), low=None, high=None)
    return Figure(
        value=usd(saving),
        low=rounded((saving - half) / PICO),
        high=rounded((saving + half) / PICO),
    )


def _share(saving: int, control: int, parts: Counts, doubts: Floats) -> Figure | None:
    if not control:
        return None
    value, half = percent(saving, control), _half(parts, doubts, 1.0 - saving / control)
    if half is None:
        return Figure(value=value, low=None, high=None)
    wide = Decimal(f"{100 * half / control:.{PLACES}f}")
    return Figure(value=value, low=value - wide, high=value + wide)


def _half(parts: Counts, doubts: Floats, slope: float) -> float | None:
    """Half an interval of the control times `slope`, less what was routed, in pico-USD.

    With slope 1 that is the saving, scaled to the group's requests; with the ratio of the two costs
    it is what moves the share that is saved.
    """
    requests = parts[:, 0].astype(np.float64)
    if (requests > 0).sum() < FILLED:
        return None
    moved = slope * parts[:, 2] - parts[:, 1]
    residual = moved - moved.sum() / requests.sum() * requests
    resampled = PARTS / (PARTS - 1) * float((residual**2).sum())
    shared, own = float((doubts[:3] ** 2).sum()), float(doubts[3])
    return _T95 * math.sqrt(resampled + shared + own)


def _quality(sum_of: int, scored: int) -> Decimal | None:
    return Decimal(f"{sum_of / scored / MILLION:.{FINE}f}") if scored else None


def _by_day(group: GroupTotals) -> tuple[bool, str]:
    return group.name is None, group.name or ""


def _by_cost(group: GroupTotals) -> tuple[bool, Decimal, str]:
    return group.name == OTHER, -(group.cost_usd or Decimal(0)), group.name or ""
