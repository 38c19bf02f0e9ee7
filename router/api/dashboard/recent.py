"""The last decisions, a row each. Pure."""

from collections.abc import Sequence
from typing import Final

from router.api.dashboard.html import Html, join, tag
from router.api.dashboard.parts import Column, clock, milliseconds, money, table, tier_chip
from router.domain import Entry
from router.report.summary import usd

_EXCERPT: Final = 90
_COLUMNS: Final = (
    Column(name="Time (UTC)"),
    Column(name="Tier"),
    Column(name="Model", minor=True),
    Column(name="Reason"),
    Column(name="Label", minor=True),
    Column(name="Cache", minor=True),
    Column(name="Status", number=True, minor=True),
    Column(name="Tokens", number=True, minor=True),
    Column(name="Took", number=True, minor=True),
    Column(name="Cost", number=True),
)


def recent_table(entries: Sequence[Entry]) -> Html:
    """Entries as rows, each with a way to its explanation; text only where it was kept."""
    if not entries:
        return tag("p", "No requests yet.", class_="quiet")
    texts = any(entry.prompt is not None for entry in entries)
    columns = (*_COLUMNS, Column(name="Prompt", minor=True)) if texts else _COLUMNS
    rows = [[*_cells(entry), *([_excerpt(entry)] if texts else [])] for entry in entries]
    return table("Recent decisions", columns, rows, hide_caption=True)


def _cells(entry: Entry) -> list[str]:
    decision, usage = entry.decision, entry.usage
    verdict, cost = decision.verdict, entry.cost.actual
    return [
        _link(entry),
        tier_chip(decision.tier),
        decision.model,
        decision.reason,
        f"{verdict.label} {verdict.confidence:.0%}" if verdict else "–",  # noqa: RUF001
        entry.cache,
        _status(entry),
        f"{usage.input:,} + {usage.output:,}",
        milliseconds(entry.timings.total_ms),
        money(None if cost is None else usd(cost)),
    ]


def _link(entry: Entry) -> Html:
    """The id keeps the keyboard's focus where it is when the table is written anew."""
    why = tag("span", " – why this decision?", class_="unseen")  # noqa: RUF001
    href = f"/dashboard/decisions/{entry.id}"
    return tag("a", clock(entry.at_us), why, href=href, id=f"to-{entry.id}")


def _status(entry: Entry) -> Html:
    outcome = entry.outcome
    good = outcome.fault is None and outcome.status < 400  # noqa: PLR2004
    fault = f" {outcome.fault}" if outcome.fault else ""
    return tag("span", f"{outcome.status}{fault}", class_=None if good else "failed")


def _excerpt(entry: Entry) -> Html:
    if entry.prompt is None:
        return tag("span", "not kept", class_="quiet")
    text = " ".join(entry.prompt[: 2 * _EXCERPT].split())
    return join([text[:_EXCERPT], "…" if len(entry.prompt) > _EXCERPT else None])
