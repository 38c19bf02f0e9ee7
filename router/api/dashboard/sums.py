"""The money of today, of 7 and of 30 days, from one question to the ledger. Pure.

Periods are whole UTC days, so that one answer by day and tier holds all three and the days of a
chart add up to its period. Real and simulated money are never added: the last 30 days decide which
of the two is shown, in every period.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import msgspec

from classifier.types import Tier
from router.ledger.facets import Dimension, Key, Span
from router.ledger.tally import Tallied, Tally
from router.report.summary import Figures, Question, Report, compose

BY: Final[tuple[Dimension, ...]] = ("day", "tier")
DAYS: Final = {"Today": 1, "7 days": 7, "30 days": 30}
"""Name of a period → its days, today included."""
LONGEST: Final = max(DAYS.values())
_DAY: Final = timedelta(days=1)
_S = TypeVar("_S", bound=msgspec.Struct)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """What a period cost, and each tier's part in it."""

    name: str
    since: str
    """Its first day, YYYY-MM-DD, UTC."""
    report: Report


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day's figures, all in all and by tier; a tier that served nothing is missing."""

    day: str
    total: Figures
    tiers: dict[Tier, Figures]


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """The money that the dashboard shows."""

    periods: tuple[Period, ...]
    days: tuple[Day, ...]
    """Of the longest period, the oldest first; days without requests are there too."""
    simulated: bool
    excluded_requests: int
    """Requests of the other kind of money in the longest period."""


def span_of(now_us: int) -> Span:
    """What the ledger has to be asked for."""
    return Span(since_us=_midnight_us(now_us) - (LONGEST - 1) * _us(_DAY))


def add_up(found: Sequence[Tallied], now_us: int, baseline: Tier) -> Sums:
    """The sums of `found`, which the ledger gave for `span_of(now_us)` by `BY`."""
    simulated = all(one.simulated for one in found) and bool(found)
    shown = [one for one in found if one.simulated == simulated]
    days = [_day(now_us, back) for back in reversed(range(LONGEST))]
    return Sums(
        periods=tuple(
            _period(name, days[-count:], shown, Question(baseline=baseline, simulated=simulated))
            for name, count in DAYS.items()
        ),
        days=tuple(
            _figures(day, shown, Question(baseline=baseline, simulated=simulated)) for day in days
        ),
        simulated=simulated,
        excluded_requests=sum(one.tally.requests for one in found if one.simulated != simulated),
    )


def _period(name: str, days: Sequence[str], shown: Sequence[Tallied], asked: Question) -> Period:
    within = [one for one in shown if one.key[0] in days]
    question = msgspec.structs.replace(asked, by=("tier",))
    report = compose(_regroup(within, ()), _regroup(within, (1,)), question)
    return Period(name=name, since=days[0], report=report)


def _figures(day: str, shown: Sequence[Tallied], asked: Question) -> Day:
    within = [one for one in shown if one.key[0] == day]
    question = msgspec.structs.replace(asked, by=("tier",))
    report = compose(_regroup(within, ()), _regroup(within, (1,)), question)
    tiers = {group.key["tier"]: group.figures for group in report.groups}
    return Day(day=day, total=report.total, tiers=msgspec.convert(tiers, dict[Tier, Figures]))


def _regroup(found: Sequence[Tallied], keep: Sequence[int]) -> tuple[Tallied, ...]:
    """`found` by the parts of its key at the positions of `keep` alone."""
    sums: dict[tuple[Key, bool], Tally] = {}
    for one in found:
        group = tuple(one.key[position] for position in keep), one.simulated
        sums[group] = added(sums[group], one.tally) if group in sums else one.tally
    return tuple(
        Tallied(key=key, simulated=simulated, tally=tally)
        for (key, simulated), tally in sums.items()
    )


def added(first: _S, second: _S) -> _S:
    """Two tallies in one: every number in them is a sum."""
    return type(first)(
        **{
            name: _plus(getattr(first, name), getattr(second, name))
            for name in first.__struct_fields__
        }
    )


def _plus(first: object, second: object) -> object:
    if isinstance(first, msgspec.Struct) and isinstance(second, msgspec.Struct):
        return added(first, second)
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first + second
    raise TypeError(f"{type(first).__name__} is no sum")


def _midnight_us(now_us: int) -> int:
    return now_us - now_us % _us(_DAY)


def _day(now_us: int, back: int) -> str:
    return (datetime.fromtimestamp(now_us // 1_000_000, UTC) - back * _DAY).date().isoformat()


def _us(time: timedelta) -> int:
    return time // timedelta(microseconds=1)
