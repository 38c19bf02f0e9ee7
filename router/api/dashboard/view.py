"""A snapshot as the parts of the page that change, each by the id of its element. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from classifier.types import TIERS
from router.api.dashboard.html import Html, join, tag
from router.api.dashboard.parts import (
    Column,
    clock,
    described,
    interval,
    meter,
    milliseconds,
    money,
    percent,
    share,
    table,
    tier_chip,
)
from router.api.dashboard.reader import Snapshot
from router.api.dashboard.recent import recent_table
from router.api.dashboard.sums import Day, Period, Sums
from router.api.dashboard.window import SIZE, STAGE_NAMES, Window
from router.report.summary import Figures

_PENDING: Final = "The figures are being added up; they appear here by themselves."


def regions(snapshot: Snapshot | None, notices: Sequence[str] = ()) -> dict[str, Html]:
    """Element id → its content. `notices`: what else is worse than it should be."""
    seen = snapshot or Snapshot(at_us=0)
    return {
        "notices": join(_notices(seen, notices)),
        "money": _money(seen.sums),
        "days": _days(seen.sums),
        "stages": _stages(seen.window),
        "caches": _caches(seen.window),
        "fallbacks": _fallbacks(seen.window),
        "recent": recent_table(seen.recent),
        "updated": join(["Last change: ", clock(seen.at_us), " UTC"]) if seen.at_us else Html(),
    }


def _notices(seen: Snapshot, notices: Sequence[str]) -> Iterator[Html]:
    sums = seen.sums
    if sums is not None and sums.simulated:
        words = "Simulated: the sandbox answered. None of this is real money."
        yield tag("p", words, class_="notice simulated")
    if sums is not None and sums.excluded_requests:
        kind = "real" if sums.simulated else "simulated"
        words = f"{sums.excluded_requests:,} {kind} requests of these days are left out."
        yield tag("p", words, class_="notice quiet")
    if seen.trouble:
        words = f"The ledger cannot be read, so this may be old: {seen.trouble}"
        yield tag("p", words, class_="notice bad")
    for notice in notices:
        yield tag("p", notice, class_="notice bad")


def _money(sums: Sums | None) -> Html:
    if sums is None:
        return tag("p", _PENDING, class_="quiet")
    return join(_card(period) for period in sums.periods)


def _card(period: Period) -> Html:
    total, question = period.report.total, period.report.question
    name = period.name.lower().replace(" ", "-")
    since = tag("time", period.since, datetime=period.since)
    heading = tag("h3", period.name, " ", tag("small", "since ", since), id=f"card-{name}")
    if not total.requests:
        body = tag("p", "No requests.", class_="quiet")
    else:
        body = join([_saving(total), described(_facts(total, question.baseline)), _mix(period)])
    return tag("article", heading, body, class_="card", aria_labelledby=f"card-{name}")


def _saving(total: Figures) -> Html:
    if total.saving_usd is None:
        words = tag("span", "Saving unknown", class_="big")
    else:
        dearer = ", so it cost more than the baseline" if total.saving_usd < 0 else ""
        rate = f" ({percent(total.saving_pct)})" if total.saving_pct is not None else ""
        bounds = interval(total.bounds.saving_usd_low, total.bounds.saving_usd_high)
        amount = tag("span", money(total.saving_usd), class_="big")
        words = join([amount, f" saved{rate}{dearer}", bounds])
    return tag("p", words, class_="saving")


def _facts(total: Figures, baseline: str) -> Iterator[tuple[str, str]]:
    yield "Cost", money(total.cost_usd)
    bounds = interval(total.bounds.cost_usd_low, total.bounds.cost_usd_high)
    yield f"Always {baseline}", join([money(total.baseline_cost_usd), bounds])
    if total.routed.compared_requests:
        # In shadow mode, where callers chose and routing watched.
        yield "Routing would have saved", money(total.routed.saving_usd)
    yield "Requests", f"{total.requests:,}"
    if total.unpriced_requests:
        yield "Without a price", f"{total.unpriced_requests:,}"
    if total.estimated_requests:
        yield "Estimated, not billed", f"{total.estimated_requests:,}"
    compared = total.compared_requests
    if compared != total.requests - total.unpriced_requests:
        yield "Compared with the baseline", f"{compared:,}"


def _mix(period: Period) -> Html:
    """Each tier's share of the requests, as bars with their numbers."""
    requests = {group.key["tier"]: group.figures.requests for group in period.report.groups}
    whole = period.report.total.requests
    rows = (
        tag(
            "li",
            tier_chip(tier),
            meter(requests.get(tier, 0), whole, f"{tier} tier's share"),
            tag("span", share(requests.get(tier, 0), whole), class_="number"),
        )
        for tier in TIERS
    )
    return tag("ul", *rows, class_="mix", aria_label=f"Tier mix, {period.name.lower()}")


def _days(sums: Sums | None) -> Html:
    """The charts of days as a table, for those who do not see them and for exact numbers."""
    days = [day for day in reversed(sums.days if sums else ()) if day.total.requests]
    columns = (
        Column(name="Day (UTC)"),
        Column(name="Requests", number=True),
        *(Column(name=tier, number=True) for tier in TIERS),
        Column(name="Cost", number=True),
        Column(name="Baseline", number=True),
        Column(name="Saving", number=True),
    )
    return table("Figures by day", columns, [_day(day) for day in days], hide_caption=True)


def _day(day: Day) -> list[str]:
    total = day.total
    counts = [day.tiers[tier].requests if tier in day.tiers else 0 for tier in TIERS]
    return [
        day.day,
        f"{total.requests:,}",
        *(f"{count:,}" for count in counts),
        money(total.cost_usd),
        money(total.baseline_cost_usd),
        money(total.saving_usd),
    ]


def _stages(window: Window) -> Html:
    columns = (
        Column(name="Stage"),
        Column(name="Median", number=True),
        Column(name="95th", number=True),
        Column(name="99th", number=True),
        Column(name="Requests", number=True, minor=True),
    )
    rows = [
        [
            STAGE_NAMES[stage.name],
            *(milliseconds(value) for value in (stage.p50_ms, stage.p95_ms, stage.p99_ms)),
            f"{stage.requests:,}",
        ]
        for stage in window.stages
    ]
    return table("Time by stage", columns, rows, hide_caption=True) if rows else _nothing()


def _caches(window: Window) -> Html:
    if not window.requests:
        return _nothing()
    hit, miss = window.cache.get("hit", 0), window.cache.get("miss", 0)
    off = window.cache.get("off", 0)
    last = f"the last {window.requests:,}" if window.requests == SIZE else "all"
    return described(
        (
            ("Requests looked at", join([last, ", since ", clock(window.since_us), " UTC"])),
            ("Verdict cache hits", f"{share(hit, hit + miss)} of {hit + miss:,}"),
            ("Not scored", f"{off:,}"),
            ("Failed", f"{window.failed:,} ({share(window.failed, window.requests)})"),
            ("Callers who left", f"{window.left:,}"),
        )
    )


def _fallbacks(window: Window) -> Html:
    if not window.fallbacks:
        return tag("p", "No other model had to stand in.", class_="quiet")
    columns = (
        Column(name="Wanted"),
        Column(name="Answered"),
        Column(name="Requests", number=True),
    )
    rows = [[one.first, one.answered, f"{one.requests:,}"] for one in window.fallbacks]
    return table("Fallbacks", columns, rows, hide_caption=True)


def _nothing() -> Html:
    return tag("p", "No requests yet.", class_="quiet")
