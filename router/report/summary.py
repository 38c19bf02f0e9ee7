"""Entries → Report: requests, money, and what every tier alone would have cost.

Two ways lead to the same numbers: `summarise` reads entries, `read_report` lets a store add up.
Sums are integers until here; a report holds exact decimals. Unknown is null, never 0: a cost sums
the entries that have a price, a saving compares only entries that have both sides.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

import msgspec

from classifier.metrics import Z95
from classifier.types import Tier
from router.domain import Entry
from router.ledger.facets import EVER, Dimension, Key, Span
from router.ledger.tally import Pair, Tallied, Tallier, Tally


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Ends of 95 % intervals, from the doubts of what was not done; null where nothing is in doubt.

    What was paid is known, so a saving is as uncertain as what it is taken from.
    """

    cost_usd_low: Decimal | None = None
    cost_usd_high: Decimal | None = None
    saving_usd_low: Decimal | None = None
    saving_usd_high: Decimal | None = None
    saving_pct_low: Decimal | None = None
    saving_pct_high: Decimal | None = None


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """What one tier alone would have cost, over the requests where that and the cost are known."""

    compared_requests: int
    cost_usd: Decimal | None
    saving_usd: Decimal | None
    """That cost less what was paid for the same requests; negative where routing cost more."""
    saving_pct: Decimal | None
    """The saving in per cent of that cost, at most 100; null also where that cost is 0."""
    bounds: Bounds = Bounds()


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """Routing beside no routing."""

    always_hard: Control
    always_medium: Control
    always_easy: Control

    def always(self, tier: Tier) -> Control:
        """The control of one tier."""
        controls: dict[Tier, Control] = {
            "easy": self.always_easy,
            "medium": self.always_medium,
            "hard": self.always_hard,
        }
        return controls[tier]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a report, and of each of its groups."""

    requests: int
    unpriced_requests: int
    estimated_requests: int
    """Requests whose tokens, and so whose cost, were estimated instead of billed."""
    compared_requests: int
    """Requests that the saving goes over: their cost and the baseline's are both known."""
    simulated: bool
    """Whether this is the sandbox's money. Real and simulated are never added."""
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    baseline_cost_usd: Decimal | None
    saving_usd: Decimal | None
    saving_pct: Decimal | None
    bounds: Bounds
    """Of the baseline's cost and of the saving."""
    controls: Controls
    routed: Control
    """In shadow mode, where callers chose and routing only watched: what routing would have cost,
    and saved of what was paid."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the requests that share a key."""

    key: dict[Dimension, str | None]
    figures: Figures


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked for."""

    by: tuple[Dimension, ...] = ()
    baseline: Tier = "hard"
    simulated: bool = False
    """Show simulated money also where there is real money."""
    span: Span = EVER


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A cost report."""

    question: Question
    total: Figures
    groups: tuple[Group, ...]
    """By cost, dearest first; by key where the first of it is the day. With `tag` a request
    counts in the group of each of its tags, so that groups add up to more than the total."""
    excluded_requests: int
    """Requests of the other kind of money, which are left out."""


class Source(Protocol):
    """What can add up entries: a store, or a ledger in memory."""

    def tallies(self, by: Sequence[Dimension] = (), span: Span = EVER) -> tuple[Tallied, ...]:
        """The sums of `span` for each group of `by`."""


def summarise(
    entries: Iterable[Entry],
    by: Sequence[Dimension] = (),
    baseline: Tier = "hard",
    *,
    simulated: bool = False,
) -> Report:
    """The report over `entries`, read once and not kept."""
    total, groups = Tallier(), Tallier(by)
    for entry in entries:
        total.add(entry)
        groups.add(entry)
    question = Question(by=tuple(by), baseline=baseline, simulated=simulated)
    return compose(total.result(), groups.result(), question)


def read_report(source: Source, question: Question) -> Report:
    """The report over what `source` holds, added up there. Raises LedgerError."""
    totals = source.tallies((), question.span)
    groups = source.tallies(question.by, question.span) if question.by else ()
    return compose(totals, groups, question)


def compose(totals: Sequence[Tallied], groups: Sequence[Tallied], question: Question) -> Report:
    """The report of sums: real money if there is any, else simulated, unless asked otherwise."""
    sums = {total.simulated: total.tally for total in totals}
    simulated = question.simulated or (True in sums and False not in sums)
    shown = [group for group in groups if group.simulated == simulated and question.by]
    return Report(
        question=question,
        total=_figures(sums.get(simulated, Tally()), question.baseline, simulated=simulated),
        groups=tuple(
            Group(
                key=dict(zip(question.by, group.key, strict=True)),
                figures=_figures(group.tally, question.baseline, simulated=simulated),
            )
            for group in sorted(shown, key=_by_day if question.by[:1] == ("day",) else _by_cost)
        ),
        excluded_requests=sums.get(not simulated, Tally()).requests,
    )


def usd(pico: int) -> Decimal:
    """Pico-USD as US dollars, exactly, without trailing zeros."""
    digits = f"{abs(pico):013d}"
    text = f"{digits[:-12]}.{digits[-12:]}".rstrip("0").rstrip(".")
    return Decimal(f"-{text}" if pico < 0 else text)


def moment(at_us: int) -> str:
    """A time as reports write it: ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _figures(tally: Tally, baseline: Tier, *, simulated: bool) -> Figures:
    controls = Controls(
        always_hard=_control(tally.hard),
        always_medium=_control(tally.medium),
        always_easy=_control(tally.easy),
    )
    against = controls.always(baseline)
    return Figures(
        requests=tally.requests,
        unpriced_requests=tally.requests - tally.priced,
        estimated_requests=tally.estimated,
        compared_requests=against.compared_requests,
        simulated=simulated,
        input_tokens=tally.input,
        cached_tokens=tally.cached,
        output_tokens=tally.output,
        cost_usd=usd(tally.actual) if tally.priced else None,
        baseline_cost_usd=against.cost_usd,
        saving_usd=against.saving_usd,
        saving_pct=against.saving_pct,
        bounds=against.bounds,
        controls=controls,
        routed=_shadow(tally.routed),
    )


def _control(pair: Pair) -> Control:
    """What one tier would have cost, and what was saved of that."""
    known = pair.requests > 0
    saving = pair.control - pair.actual
    return Control(
        compared_requests=pair.requests,
        cost_usd=usd(pair.control) if known else None,
        saving_usd=usd(saving) if known else None,
        saving_pct=_percent(saving, pair.control) if pair.control else None,
        bounds=_bounds(pair, lambda control: (control - pair.actual, control)),
    )


def _shadow(pair: Pair) -> Control:
    """What routing would have cost, and would have saved of what was paid."""
    known = pair.requests > 0
    saving = pair.actual - pair.control
    return Control(
        compared_requests=pair.requests,
        cost_usd=usd(pair.control) if known else None,
        saving_usd=usd(saving) if known else None,
        saving_pct=_percent(saving, pair.actual) if pair.actual else None,
        bounds=_bounds(pair, lambda control: (pair.actual - control, pair.actual)),
    )


def _bounds(pair: Pair, saving: Callable[[int], tuple[int, int]]) -> Bounds:
    """The intervals of a comparison; `saving` tells it and its whole from what was not done.

    The shared doubts add up, the own ones even out: 1.96 times the root of the sum of squares.
    """
    half = round(Z95 * math.sqrt(float(pair.shared) ** 2 + pair.own))
    if not half or not pair.requests:
        return Bounds()
    costs = (max(0, pair.control - half), pair.control + half)
    savings = sorted(saving(cost) for cost in costs)
    shares = [_percent(part, whole) if whole > 0 else None for part, whole in savings]
    return Bounds(
        cost_usd_low=usd(costs[0]),
        cost_usd_high=usd(costs[1]),
        saving_usd_low=usd(savings[0][0]),
        saving_usd_high=usd(savings[1][0]),
        saving_pct_low=shares[0],
        saving_pct_high=shares[1],
    )


def _percent(part: int, whole: int) -> Decimal:
    """A share in per cent, rounded to the hundredth."""
    return Decimal(round(Fraction(10_000 * part, whole))) / 100


def _by_day(group: Tallied) -> tuple[tuple[bool, str], ...]:
    return _order(group.key)


def _by_cost(group: Tallied) -> tuple[int, tuple[tuple[bool, str], ...]]:
    return -group.tally.actual, _order(group.key)


def _order(key: Key) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, value or "") for value in key)
