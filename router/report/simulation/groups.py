"""Sums by day, label, model, user and key: a bounded number of each, the rest added to `OTHER`.

Which names have a row of their own where there are more than MOST is settled by who comes first.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias, TypeVar, get_args

import numpy as np
from msgspec import Struct

from classifier.types import LABELS, TIERS
from router.columns import NOBODY, Columns, Routed
from router.report.simulation.arrays import Counts, Floats, Index, table_sums
from router.report.simulation.rows import Rows
from router.report.simulation.versus import squares

Sums = TypeVar("Sums", Counts, Floats)
Axis: TypeAlias = Literal["day", "label", "model", "user", "key"]
AXES: Final[tuple[Axis, ...]] = get_args(Axis)
MOST: Final = 10_000
PARTS: Final = 64
"""Random parts of a group's conversations, from which its interval is told."""
OTHER: Final = "(other)"
"""What is past the bound."""

_DAY_US: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Table(Struct, frozen=True, kw_only=True):
    """The sums of the groups along one axis, row i those of `names[i]`."""

    names: tuple[str | None, ...]
    """None: requests that do not say."""
    sums: Counts
    """(groups, len(COLUMNS))"""
    parts: Counts
    """(groups * PARTS, 3) Compared requests, their cost and the baseline's, by random part."""
    doubts: Floats
    """(groups, len(DOUBTS))"""


DOUBTS: Final = ("easy", "medium", "hard", "control", "routed_own", "control_own", "common_own")
"""Shared doubts of what was routed by tier, and of the baseline; own ones squared, apart where the
policy takes another tier than the baseline, together where it takes the same."""
COLUMNS: Final = (
    "requests",
    "priced",
    "cost",
    "compared",
    "routed",
    "control",
    "scored",
    "quality",
)


def no_table() -> Table:
    """No groups yet."""
    return Table(
        names=(),
        sums=np.zeros((0, len(COLUMNS)), np.int64),
        parts=np.zeros((0, 3), np.int64),
        doubts=np.zeros((0, len(DOUBTS))),
    )


def measure_groups(
    columns: Columns, routed: Routed, rows: Rows, baseline: int, digest: Counts
) -> tuple[Table, ...]:
    """The tables of a batch, in the order of AXES."""
    both = (rows.priced & rows.known[:, baseline]).astype(np.int64)
    pair = np.stack([both, rows.cost * both, rows.controls[:, baseline] * both], axis=1)
    whole = np.stack(
        [
            np.ones_like(both),
            rows.priced.astype(np.int64),
            rows.cost,
            *pair.T,
            rows.scored.astype(np.int64),
            rows.quality * rows.scored,
        ],
        axis=1,
    )
    doubts = _doubts(routed, rows, baseline, both)
    part = (digest >> 20) % PARTS
    return tuple(
        _table(names, where, part, (whole, pair, doubts))
        for names, where in _named(columns, routed)
    )


def join_tables(one: Table, other: Table) -> Table:
    """Both, the names of the first in front; what is past MOST goes to OTHER."""
    names = {name: at for at, name in enumerate(one.names)}
    where = np.array([_place(names, name) for name in other.names], np.intp)
    size = len(names)
    inside = (where[:, None] * PARTS + np.arange(PARTS)).ravel()
    return Table(
        names=tuple(names),
        sums=_spread(one.sums, other.sums, where, size),
        parts=_spread(one.parts, other.parts, inside, size * PARTS),
        doubts=_spread(one.doubts, other.doubts, where, size),
    )


def _place(names: dict[str | None, int], name: str | None) -> int:
    """Position of a name, which is given one while there is room."""
    if name not in names and len(names) >= MOST:
        return names.setdefault(OTHER, len(names))
    return names.setdefault(name, len(names))


def _spread(one: Sums, other: Sums, where: Index, size: int) -> Sums:
    joined = np.zeros((size, one.shape[1]), one.dtype)
    joined[: len(one)] = one
    np.add.at(joined, where, other)
    return joined


def _named(columns: Columns, routed: Routed) -> tuple[tuple[Sequence[str | None], Index], ...]:
    """Names along each axis and the position of each request among them."""
    days, day = np.unique(
        np.where(columns.timed, columns.at_us // _DAY_US, -1), return_inverse=True
    )
    label = np.where(columns.label == NOBODY, len(LABELS), columns.label).astype(np.intp)
    return (
        ([_day(number) for number in days.tolist()], day),
        ((*LABELS, None), label),
        ((*routed.models, None), np.where(routed.model < 0, len(routed.models), routed.model)),
        _numbered(columns.user),
        _numbered(columns.key),
    )


def _numbered(said: Sequence[str]) -> tuple[Sequence[str | None], Index]:
    names = {name: at for at, name in enumerate(dict.fromkeys(said))}
    return [name or None for name in names], np.array([names[name] for name in said], np.intp)


def _day(number: int) -> str | None:
    return None if number < 0 else (_EPOCH + timedelta(days=number)).strftime("%Y-%m-%d")


def _table(
    names: Sequence[str | None], where: Index, part: Counts, values: tuple[Counts, Counts, Floats]
) -> Table:
    """The groups that occur."""
    whole, pair, doubts = values
    size = len(names)
    sums = table_sums(where, whole, size)
    inside = table_sums(where * PARTS + part, pair, size * PARTS)
    columns = [
        np.bincount(where, doubts[:, at], size).astype(np.float64) for at in range(doubts.shape[1])
    ]
    there = np.flatnonzero(sums[:, 0])
    return Table(
        names=tuple(names[at] for at in there.tolist()),
        sums=sums[there],
        parts=inside.reshape(size, PARTS, 3)[there].reshape(-1, 3),
        doubts=np.stack(columns, axis=1)[there],
    )


def _doubts(routed: Routed, rows: Rows, baseline: int, both: Counts) -> Floats:
    """(n, len(DOUBTS)) Of both sides of the saving."""
    alike = rows.tier == baseline
    tiers = np.zeros((len(both), len(TIERS)))
    tiers[np.arange(len(both)), rows.tier] = rows.shared
    control_own = squares(routed.tiers_own[:, baseline])
    sides = [
        np.nan_to_num(routed.tiers_shared[:, baseline]),
        np.where(alike, 0.0, rows.own),
        np.where(alike, 0.0, control_own),
        np.where(alike, rows.own, 0.0),
    ]
    return np.concatenate([tiers, np.stack(sides, axis=1)], axis=1) * both[:, None]
