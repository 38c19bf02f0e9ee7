"""A ledger report as a page for people: words, tables and pictures before any form. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from classifier.pages.marks import (
    ROW_HEIGHT,
    Chart,
    Rows,
    Spec,
    colour,
    layer,
    line,
    names,
    number,
    spec,
)
from classifier.pages.tables import Section, Sheet, Table
from classifier.types import Tier
from router.report.said import UNKNOWN, money, percent, spread_money, spread_percent
from router.report.simulation.answer import Figure
from router.report.summary import Control, Figures, Group, Report, moment

SHOWN: Final = 200
"""Groups on a page; all are in the CSV and the JSON."""
_TIERS: Final[tuple[Tier, ...]] = ("hard", "medium", "easy")
_SIMULATED: Final = "SIMULATED: the sandbox answered; none of this is real money."
_FOOTER: Final = "Every figure is defined in docs/ledger.md and docs/reports.md."


def sheet(report: Report) -> Sheet:
    """The page."""
    total, span = report.total, report.question.span
    since = "the beginning" if span.since_us is None else moment(span.since_us)
    until = "now" if span.until_us is None else moment(span.until_us)
    return Sheet(
        title="Cost report",
        lead=f"{total.requests:,} requests from {since} to {until}. {_left_out(report)}".strip(),
        warning=_SIMULATED if total.simulated else "",
        headline=_headline(report),
        sections=tuple(_sections(report)),
        footer=_FOOTER,
    )


def pictures(report: Report) -> Iterator[Chart]:
    """Costs beside every tier alone, and by day where days were asked for."""
    if report.total.cost_usd is not None:
        yield _costs(report)
    if report.question.by == ("day",) and report.groups:
        yield _days(report)


def _left_out(report: Report) -> str:
    count = report.excluded_requests
    kind = "with real money" if report.total.simulated else "that the sandbox answered"
    return f"{count:,} requests {kind} are left out." if count else ""


def _headline(report: Report) -> tuple[tuple[str, str, str], ...]:
    total, against = report.total, f"always {report.question.baseline}"
    alone = total.controls.always(report.question.baseline)
    return (
        ("saving", spread_percent(saved_share(alone)), f"of {against}"),
        ("saved", spread_money(saved(alone)), f"{against}: {spread_money(spent(alone))}"),
        ("cost", money(total.cost_usd), "as billed, or estimated where it was not"),
        ("requests", f"{total.requests:,}", f"{total.unpriced_requests:,} without a price"),
    )


def _sections(report: Report) -> Iterator[Section]:
    yield _beside(report)
    if report.total.routed.compared_requests:
        yield _shadow(report.total.routed)
    if report.question.by:
        yield _grouped(report)
    yield _estimated(report.total)


def _beside(report: Report) -> Section:
    total, baseline = report.total, report.question.baseline
    priced = f"{total.requests - total.unpriced_requests:,}"
    return Section(
        title="Beside every tier alone",
        words=(
            "What was paid is known. What a tier alone would have cost is an estimate: "
            "parentheses hold its 95 % interval, from how unsure output lengths are. Each line "
            "goes over the requests whose cost is known both ways."
        ),
        tables=(
            Table(
                caption="Cost and saving",
                head=("", "requests", "cost, $", "saving, $", "saving, %"),
                rows=(
                    ("paid", priced, money(total.cost_usd), "", ""),
                    *(
                        (
                            f"always {tier}{' (baseline)' if tier == baseline else ''}",
                            *_cells(total.controls.always(tier)),
                        )
                        for tier in _TIERS
                    ),
                ),
            ),
        ),
        pictures=("costs",),
    )


def _shadow(routed: Control) -> Section:
    return Section(
        title="If these requests had been routed",
        words=(
            "In shadow mode callers choose the model and routing only watches. For these requests "
            f"it would have cost {spread_money(spent(routed))}: a saving of "
            f"{spread_money(saved(routed))}, {spread_percent(saved_share(routed))}, of what was "
            "paid."
        ),
        tables=(
            Table(
                caption="Routing, as it was only watched",
                head=("", "requests", "cost, $", "saving, $", "saving, %"),
                rows=(("routing", *_cells(routed)),),
            ),
        ),
    )


def _cells(control: Control) -> tuple[str, str, str, str]:
    return (
        f"{control.compared_requests:,}",
        spread_money(spent(control)),
        spread_money(saved(control)),
        spread_percent(saved_share(control)),
    )


def _grouped(report: Report) -> Section:
    by, baseline = report.question.by, report.question.baseline
    shown = report.groups[:SHOWN]
    more = f", the first {SHOWN} of {len(report.groups):,}" if len(report.groups) > SHOWN else ""
    return Section(
        title=f"By {' and '.join(by)}",
        words="Days are UTC." if by[0] == "day" else "Dearest first.",
        tables=(
            Table(
                caption=f"By {', '.join(by)}{more}",
                head=(*by, "requests", "cost, $", f"always {baseline}, $", "saving, $", "%"),
                rows=tuple(_group(report, group) for group in shown),
            ),
        ),
        pictures=("days",),
    )


def _group(report: Report, group: Group) -> tuple[str, ...]:
    alone = group.figures.controls.always(report.question.baseline)
    return (
        *(group.key[name] or UNKNOWN for name in report.question.by),
        f"{group.figures.requests:,}",
        money(group.figures.cost_usd),
        spread_money(spent(alone)),
        spread_money(saved(alone)),
        spread_percent(saved_share(alone)),
    )


def _estimated(total: Figures) -> Section:
    return Section(
        title="What is estimated, and what is left out",
        words=(
            f"{total.estimated_requests:,} requests have estimated tokens instead of billed ones; "
            f"{total.unpriced_requests:,} have no price and are in no sum. "
            f"{total.input_tokens:,} tokens went in, {total.cached_tokens:,} of them cached, and "
            f"{total.output_tokens:,} came out."
        ),
        tables=(),
    )


def spent(control: Control) -> Figure | None:
    """What a way that was not taken would have cost."""
    ends = control.bounds
    return _figure(control.cost_usd, ends.cost_usd_low, ends.cost_usd_high)


def saved(control: Control) -> Figure | None:
    """The saving, US dollars."""
    ends = control.bounds
    return _figure(control.saving_usd, ends.saving_usd_low, ends.saving_usd_high)


def saved_share(control: Control) -> Figure | None:
    """The saving, per cent."""
    ends = control.bounds
    return _figure(control.saving_pct, ends.saving_pct_low, ends.saving_pct_high)


def _figure(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> Figure | None:
    return None if value is None else Figure(value=value, low=low, high=high)


def _costs(report: Report) -> Chart:
    total = report.total
    known = [("paid", _figure(total.cost_usd, None, None))]
    known += [(f"always {tier}", spent(total.controls.always(tier))) for tier in _TIERS]
    rows: Rows = [
        {
            "name": name,
            "cost": float(cost.value),
            "low": float(cost.value if cost.low is None else cost.low),
            "high": float(cost.value if cost.high is None else cost.high),
        }
        for name, cost in known
        if cost
    ]
    x, y = number("cost", "US dollars"), names("name")
    x["scale"] = {"zero": True, "nice": True}
    return Chart(
        name="costs",
        title="What was paid, beside every tier alone",
        alt="; ".join(f"{name}: {spread_money(cost)}" for name, cost in known if cost),
        spec=spec(
            layer({"type": "bar", "height": 11}, rows, x=x, y=y),
            layer(
                {"type": "rule", "strokeWidth": 2},
                rows,
                x={**x, "field": "low"},
                x2={"field": "high"},
                y=y,
            ),
            height=ROW_HEIGHT * max(3, len(rows)),
        ),
    )


def _days(report: Report) -> Chart:
    baseline = f"always {report.question.baseline}"
    rows: Rows = [
        {"day": group.key["day"] or "", "way": way, "cost": float(amount)}
        for group in report.groups
        for way, amount in (
            ("paid", group.figures.cost_usd),
            (baseline, group.figures.baseline_cost_usd),
        )
        if amount is not None
    ]
    x: Spec = {"field": "day", "type": "temporal", "title": None, "timeUnit": "utcyearmonthdate"}
    y = number("cost", "US dollars a day")
    y["scale"] = {"zero": True}
    shade = colour("way", "paid", baseline)
    saving = percent(report.total.saving_pct)
    return Chart(
        name="days",
        title="Cost by day (UTC)",
        alt=f"What each day cost, beside {baseline}; saving in all: {saving}.",
        spec=spec(layer({**line(), "point": True}, rows, x=x, y=y, color=shade)),
    )
