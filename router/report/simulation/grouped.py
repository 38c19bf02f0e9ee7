"""Groups → their figures. A group's saving has an interval where its requests can tell one."""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from classifier.types import TIERS, Tier
from router.domain import PICO
from router.report.simulation.answer import Figure, GroupTotals
from router.report.simulation.arrays import Counts, Floats
from router.report.simulation.draws import end
from router.report.simulation.groups import AXES, COLUMNS, DOUBTS, OTHER, PARTS, Axis, Table
from router.report.simulation.scenario import FINE, PLACES, percent
from router.report.simulation.sums import MILLION
from router.report.summary import usd

FILLED: Final = 40
"""Of a group's 64 random parts: with fewer that hold a conversation, no interval is told."""
_T95: Final = 2.0
"""Student's, for 63 degrees of freedom."""
_WHOLE: Final = Decimal(100)


def grouped(tables: Sequence[Table], baseline: Tier) -> tuple[GroupTotals, ...]:
    """The groups of every axis: days in order, the others dearest first."""
    at = TIERS.index(baseline)
    return tuple(
        group
        for axis, table in zip(AXES, tables, strict=True)
        for group in sorted(_groups(axis, table, at), key=_by_day if axis == "day" else _by_cost)
    )


def _groups(axis: Axis, table: Table, baseline: int) -> Iterator[GroupTotals]:
    parts = table.parts.reshape(-1, PARTS, 3)

    def half(at: int, slope: float) -> float | None:
        return _half(parts[at], table.doubts[at], slope, baseline)

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
            saving_usd=_saving(saving, half(at, 1.0)) if said["compared"] else None,
            saving_pct=_share(saving, said["control"], half(at, _slope(said))),
            scored_requests=said["scored"],
            quality=_quality(said["quality"], said["scored"]),
        )


def _slope(said: dict[str, int]) -> float:
    return said["routed"] / said["control"] if said["control"] else 1.0


def _saving(saving: int, half: float | None) -> Figure:
    if half is None:
        return Figure(value=usd(saving), low=None, high=None)
    return Figure(
        value=usd(saving),
        low=end((saving - half) / PICO, None, down=True),
        high=end((saving + half) / PICO, None, down=False),
    )


def _share(saving: int, control: int, half: float | None) -> Figure | None:
    if not control:
        return None
    value = percent(saving, control)
    if half is None:
        return Figure(value=value, low=None, high=None)
    wide = Decimal(f"{100 * half / control:.{PLACES}f}")
    return Figure(value=value, low=value - wide, high=min(_WHOLE, value + wide))


def _half(parts: Counts, doubts: Floats, slope: float, baseline: int) -> float | None:
    """Half an interval of `slope` times the control, less what was routed, in pico-USD.

    With slope 1 that is the saving, scaled to the group's requests; with the ratio of the two costs
    it is what moves the share that is saved.
    """
    requests = parts[:, 0].astype(np.float64)
    if (requests > 0).sum() < FILLED:
        return None
    moved = slope * parts[:, 2] - parts[:, 1]
    residual = moved - moved.sum() / requests.sum() * requests
    resampled = PARTS / (PARTS - 1) * float((residual**2).sum())
    shared = -doubts[: len(TIERS)]
    shared[baseline] += slope * doubts[DOUBTS.index("control")]
    routed, control, common = doubts[-3:].tolist()
    own = routed + slope**2 * control + (1 - slope) ** 2 * common
    return _T95 * math.sqrt(resampled + float((shared**2).sum()) + own)


def _quality(sum_of: int, scored: int) -> Decimal | None:
    return Decimal(f"{sum_of / scored / MILLION:.{FINE}f}") if scored else None


def _by_day(group: GroupTotals) -> tuple[bool, str]:
    return group.name is None, group.name or ""


def _by_cost(group: GroupTotals) -> tuple[bool, Decimal, str]:
    return group.name == OTHER, -(group.cost_usd or Decimal(0)), group.name or ""
