"""A report for people, as a table in the terminal."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from rich import box
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from classifier.types import Tier
from router.report.summary import Control, Figures, Group, Report, moment

_UNKNOWN: Final = "-"
_TIERS: Final[tuple[Tier, ...]] = ("hard", "medium", "easy")


def to_table(report: Report) -> RenderableType:
    """The report as lines and tables of rich."""
    return Lines(*_parts(report))


def _parts(report: Report) -> Iterator[RenderableType]:
    total = report.total
    yield Text(_title(report), style="bold")
    if total.simulated:
        yield Text("SIMULATED: the sandbox answered; none of this is real money", style="yellow")
    if report.excluded_requests:
        yield Text(_excluded(report))
    yield Text(_summary(total))
    yield _comparison(report)
    if total.routed.compared_requests:
        yield Text(_shadow(total.routed))
    if report.question.by:
        yield _groups(report)


def _title(report: Report) -> str:
    span = report.question.span
    since = "the beginning" if span.since_us is None else moment(span.since_us)
    until = "now" if span.until_us is None else moment(span.until_us)
    return f"Cost report from {since} to {until}"


def _excluded(report: Report) -> str:
    if report.total.simulated:
        return f"{report.excluded_requests:,} requests with real money are left out"
    return f"{report.excluded_requests:,} simulated requests are left out (--simulated shows them)"


def _summary(total: Figures) -> str:
    return (
        f"{total.requests:,} requests, {total.unpriced_requests:,} without a price, "
        f"{total.estimated_requests:,} estimated; {total.input_tokens:,} tokens in "
        f"({total.cached_tokens:,} cached), {total.output_tokens:,} out"
    )


def _shadow(routed: Control) -> str:
    ends = _between(routed)
    return (
        f"In shadow mode {routed.compared_requests:,} requests went where their callers said. "
        f"Routing would have cost {_money(routed.cost_usd)}: a saving of "
        f"{_money(routed.saving_usd)}{f' ({ends})' if ends else ''}, "
        f"{_percent(routed.saving_pct)} %"
    )


def _comparison(report: Report) -> Table:
    """The cost beside that of every tier alone."""
    table = _grid("", "requests", "cost", "saving", "95 %", "%")
    total, baseline = report.total, report.question.baseline
    priced = total.requests - total.unpriced_requests
    table.add_row("routed", f"{priced:,}", _money(total.cost_usd), "", "", "")
    for tier in _TIERS:
        control = total.controls.always(tier)
        name = f"always {tier}" + (" (baseline)" if tier == baseline else "")
        table.add_row(
            name,
            f"{control.compared_requests:,}",
            _money(control.cost_usd),
            _money(control.saving_usd),
            _between(control),
            _percent(control.saving_pct),
        )
    return table


def _groups(report: Report) -> Table:
    by = report.question.by
    table = _grid(
        *by, "requests", "cost", f"always {report.question.baseline}", "saving", "%", names=len(by)
    )
    for group in report.groups:
        table.add_row(*(_name(group.key[name]) for name in by), *_row(group))
    return table


def _row(group: Group) -> Iterator[str]:
    figures = group.figures
    yield f"{figures.requests:,}"
    yield _money(figures.cost_usd)
    yield _money(figures.baseline_cost_usd)
    yield _money(figures.saving_usd)
    yield _percent(figures.saving_pct)


def _grid(*headers: str, names: int = 1) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, header in enumerate(headers):
        # A word cut short is read in the neighbour's place; a wrapped one is whole.
        table.add_column(header, justify="left" if position < names else "right", overflow="fold")
    return table


def _money(amount: Decimal | None) -> str:
    """US dollars: to the cent, and less than one dollar to the millionth."""
    if amount is None:
        return _UNKNOWN
    places = 2 if abs(amount) >= 1 else 6
    return f"${amount:,.{places}f}" if amount >= 0 else f"-${-amount:,.{places}f}"


def _between(control: Control) -> str:
    """The interval of a saving; nothing where nothing is in doubt."""
    low, high = control.bounds.saving_usd_low, control.bounds.saving_usd_high
    return "" if low is None or high is None else f"{_money(low)} to {_money(high)}"


def _percent(share: Decimal | None) -> str:
    return _UNKNOWN if share is None else f"{share:.1f}"


def _name(name: str | None) -> Text:
    """A caller's own word: no markup, and nothing that a terminal would obey."""
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in name or _UNKNOWN)
    return Text(shown)
