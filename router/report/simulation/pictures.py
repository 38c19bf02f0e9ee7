"""The pictures of a simulation as Vega-Lite specifications: pure; nothing is drawn here."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from classifier.pages.marks import (
    QUIET,
    ROW_HEIGHT,
    Chart,
    Rows,
    Spec,
    colour,
    layer,
    line,
    names,
    number,
    point,
    shapes,
    spec,
    text,
)
from classifier.types import TIERS
from router.report.said import percent, spread_percent
from router.report.simulation.answer import Beside, Figure, Outcome, Simulation

FRONTIER: Final = "frontier"
CONTROLS: Final = {
    "always_hard": "always hard",
    "always_medium": "always medium",
    "always_easy": "always easy",
    "random_mix": "by lot, same mix",
    "length_rule": "by length, same mix",
    "oracle": "oracle",
}
"""What the controls are called on pages."""


def pictures(simulation: Simulation) -> Iterator[Chart]:
    """Every picture that there are figures for; the first is always `frontier`."""
    first = simulation.policies[0]
    judged = first.frontier and first.frontier[0].quality is not None
    yield _frontier(simulation) if judged else _costs(first)
    if any(group.axis == "day" and group.name for group in first.groups):
        yield _days(simulation)
    yield _mix(simulation)


def ways(outcome: Outcome) -> Iterator[tuple[str, Beside]]:
    """The controls by what pages call them."""
    for field, name in CONTROLS.items():
        yield name, getattr(outcome.controls, field)


def _frontier(simulation: Simulation) -> Chart:
    first = simulation.policies[0]
    curve: Rows = [
        {"cost": _mean(spot.cost_usd.value, first.frontier_requests), "quality": _of(spot.quality)}
        for spot in first.frontier
    ]
    others: Rows = [
        {"name": name, "cost": cost, "quality": _of(way.quality)}
        for name, way in ways(first)
        if way.quality and (cost := _cost(way.cost_usd, way.compared_requests)) is not None
    ]
    own: Rows = [_spot(one) for one in simulation.policies if one.totals.quality]
    x = number("cost", "US dollars for 1,000 requests")
    y = number("quality", "expected share of solved prompts", form="%")
    wide: dict[str, Spec] = {"x": {**x, "field": "cost_low"}, "x2": {"field": "cost_high"}, "y": y}
    tall: dict[str, Spec] = {
        "x": x,
        "y": {**y, "field": "quality_low"},
        "y2": {"field": "quality_high"},
    }
    named: Spec = {"field": "name"}
    return Chart(
        name=FRONTIER,
        title="Quality against cost",
        alt=_frontier_words(simulation),
        spec=spec(
            layer(line(), curve, x=x, y=y),
            layer({**point(70), "color": {"expr": QUIET}}, others, x=x, y=y, shape=shapes("name")),
            layer(_rule(), own, **wide),
            layer(_rule(), own, **tall),
            layer({**point(130), "shape": "diamond"}, own, x=x, y=y),
            layer(text(dx=-9, dy=-11, align="right", fontWeight="bold"), own, x=x, y=y, text=named),
        ),
    )


def _frontier_words(simulation: Simulation) -> str:
    said = [
        f"{one.name}: saving {spread_percent(one.totals.saving_pct)}, expected quality "
        f"{percent(100 * one.totals.quality.value)}"
        for one in simulation.policies
        if one.totals.quality
    ]
    return (
        "Expected share of solved prompts against cost. The line is the policy by success at "
        "every position of its dial, from always easy to nearly always hard; diamonds are the "
        f"policies with their intervals. {'; '.join(said)}."
    )


def _spot(outcome: Outcome) -> dict[str, float | str]:
    totals = outcome.totals
    priced = totals.requests - totals.unpriced_requests
    return {
        "name": outcome.name,
        **_three("cost", totals.cost_usd, 1_000 / max(1, priced)),
        **_three("quality", totals.quality, 1.0),
    }


def _costs(outcome: Outcome) -> Chart:
    """Without verdicts there is no quality: cost alone, beside every other way."""
    totals = outcome.totals
    priced = totals.requests - totals.unpriced_requests
    known = [(outcome.name, totals.cost_usd, priced)]
    known += [(name, way.cost_usd, way.compared_requests) for name, way in ways(outcome)]
    rows: Rows = [
        {"name": name, **_three("cost", cost, 1_000 / requests)}
        for name, cost, requests in known
        if cost
    ]
    x = number("cost", "US dollars for 1,000 requests")
    x["scale"] = {"zero": True, "nice": True}
    y = names("name")
    return Chart(
        name=FRONTIER,
        title="Cost beside other ways (no verdicts, so no quality)",
        alt="US dollars for 1,000 requests. "
        + (
            "; ".join(f"{row['name']}: {float(row['cost']):.4g}" for row in rows) or "None is known"
        ),
        spec=spec(
            layer({"type": "bar", "height": 11}, rows, x=x, y=y),
            layer(_rule(), rows, x={**x, "field": "cost_low"}, x2={"field": "cost_high"}, y=y),
            height=ROW_HEIGHT * max(3, len(rows)),
        ),
    )


def _days(simulation: Simulation) -> Chart:
    baseline = f"always {simulation.question.baseline}"
    rows: Rows = [
        {"day": group.name or "", "way": way, "cost": float(amount)}
        for place, outcome in enumerate(simulation.policies)
        for group in outcome.groups
        if group.axis == "day" and group.name
        for way, amount in (
            (outcome.name, group.cost_usd),
            *(((baseline, group.baseline_cost_usd),) if not place else ()),
        )
        if amount is not None
    ]
    x: Spec = {"field": "day", "type": "temporal", "title": None, "timeUnit": "utcyearmonthdate"}
    y = number("cost", "US dollars a day")
    y["scale"] = {"zero": True}
    shade = colour("way", *(one.name for one in simulation.policies), baseline)
    return Chart(
        name="days",
        title="Cost by day (UTC)",
        alt=f"Cost of each day by policy, beside {baseline}; the table below has the figures.",
        spec=spec(layer({**line(), "point": True}, rows, x=x, y=y, color=shade)),
    )


def _mix(simulation: Simulation) -> Chart:
    rows: Rows = [
        {"policy": one.name, "tier": tier, "share": one.mix.get(tier, 0) / sum(one.mix.values())}
        for one in simulation.policies
        for tier in TIERS
        if one.mix
    ]
    x = number("share", "share of the requests", domain=(0, 1), form="%")
    order: Spec = {"field": "order"}
    said = ", ".join(f"{row['tier']} {float(row['share']):.1%}" for row in rows)
    return Chart(
        name="mix",
        title="Where requests go",
        alt=f"Requests by tier that serves: {said}.",
        spec=spec(
            layer(
                {"type": "bar", "height": 22},
                [{**row, "order": at} for at, row in enumerate(rows)],
                x={**x, "stack": "zero"},
                y=names("policy"),
                color=colour("tier", *TIERS),
                order=order,
            ),
            height=34 * max(1, len(simulation.policies)),
        ),
    )


def _rule() -> Spec:
    return {"type": "rule", "strokeWidth": 2}


def _three(name: str, figure: Figure | None, scale: float) -> dict[str, float | str]:
    """A figure and its ends as fields of a row; without an interval, the ends are the figure."""
    if figure is None:
        return {}
    ends = (figure.value, figure.low, figure.high)
    return {
        f"{name}{end}": float(figure.value if value is None else value) * scale
        for end, value in zip(("", "_low", "_high"), ends, strict=True)
    }


def _cost(figure: Figure | None, requests: int) -> float | None:
    return None if figure is None else _mean(figure.value, requests)


def _mean(cost: Decimal, requests: int) -> float:
    return float(cost) * 1_000 / max(1, requests)


def _of(figure: Figure | None) -> float:
    return float(figure.value) if figure else 0.0
