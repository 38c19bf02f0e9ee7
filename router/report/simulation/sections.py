"""A simulation in words and tables, for people who decide by it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

from classifier.pages.tables import Section, Sheet, Table
from classifier.types import TIERS, Tier
from router.report.said import (
    UNKNOWN,
    money,
    percent,
    seconds,
    spread_money,
    spread_percent,
    spread_points,
    spread_share,
)
from router.report.simulation import background
from router.report.simulation.answer import Beside, GroupTotals, Outcome, Simulation
from router.report.simulation.groups import Axis
from router.report.simulation.pictures import FRONTIER, ways
from router.report.simulation.reading import Reading
from router.report.summary import moment

SHOWN: Final = 20
"""Names of one kind on a page; all are in the CSV and the JSON."""
Name = TypeVar("Name", bound=str)
_EVERY: Final = 4
"""Positions of the dial from one row of its table to the next."""
_PARTS: Final[tuple[tuple[str, str, tuple[Axis, ...]], ...]] = (
    ("By day", "Days are UTC.", ("day",)),
    ("By label and model", "Labels are the classifier's.", ("label", "model")),
    ("By user and key", "Dearest first.", ("user", "key")),
)
_FOOTER: Final = (
    "Every figure is defined in docs/reports.md. The same figures, all groups and all digits: "
    "summary.json and report.csv."
)
_UNJUDGED: Final = (
    "No request has a verdict and a price on every tier, so no quality is expected, and there is "
    "no frontier of quality against cost."
)
_SIMULATED: Final = "SIMULATED: the sandbox answered in this log; none of this is real money."


def sheet(simulation: Simulation, reading: Reading) -> Sheet:
    """The page."""
    return Sheet(
        title=f"What {simulation.requests:,} requests would have cost",
        lead=_lead(simulation, reading),
        warning=_SIMULATED if reading.simulated else "",
        headline=_headline(simulation),
        sections=tuple(_sections(simulation, reading)),
        footer=_FOOTER,
    )


def _sections(simulation: Simulation, reading: Reading) -> Iterator[Section]:
    yield _result(simulation)
    if simulation.comparisons:
        yield _compared(simulation)
    yield _mix(simulation)
    yield _frontier(simulation)
    yield from _groups(simulation.policies[0], simulation.question.baseline)
    yield background.sensitivity(simulation.policies[0])
    yield background.doubts(simulation)
    yield background.gaps(simulation, reading)
    yield background.again(simulation, reading)


def _lead(simulation: Simulation, reading: Reading) -> str:
    if simulation.first_us is None or simulation.last_us is None:
        when = "without times"
    else:
        when = f"from {moment(simulation.first_us)} to {moment(simulation.last_us)}"
    bad = f" {reading.bad_rows:,} lines could not be read." if reading.bad_rows else ""
    return (
        f"A log of {simulation.requests:,} requests in {simulation.conversations:,} conversations, "
        f"{when}, decided anew by the policy. No model was called: costs are estimates, and "
        f"parentheses hold their 95 % intervals.{bad}"
    )


def _headline(simulation: Simulation) -> tuple[tuple[str, str, str], ...]:
    first, against = simulation.policies[0], f"always {simulation.question.baseline}"
    totals, alone = first.totals, dict(ways(first))[against]
    return (
        ("saving", spread_percent(totals.saving_pct), f"of {against}"),
        (
            "saved",
            spread_money(totals.saving_usd),
            f"{against}: {spread_money(totals.baseline_cost_usd)}",
        ),
        ("cost", spread_money(totals.cost_usd), first.name),
        (
            "expected quality",
            spread_share(totals.quality),
            f"{against}: {spread_share(alone.quality)}",
        ),
    )


def _result(simulation: Simulation) -> Section:
    return Section(
        title="What it comes to",
        words=" ".join(_told(one, simulation.question.baseline) for one in simulation.policies),
        tables=tuple(
            table
            for one in simulation.policies
            for table in (_costs(one), _qualities(one))
            if table.rows
        ),
    )


def _told(outcome: Outcome, baseline: Tier) -> str:
    """The result in two sentences."""
    totals = outcome.totals
    if totals.saving_pct is None or totals.saving_usd is None or totals.baseline_cost_usd is None:
        return (
            f"What {outcome.name} would save is unknown: no request has a price both ways, by the "
            f"policy and on {baseline} alone."
        )
    share, amount = totals.saving_pct, totals.saving_usd.value
    less = "less" if amount >= 0 else "more"
    said = (
        f"For {totals.compared_requests:,} requests {outcome.name} would have cost "
        f"{money(totals.baseline_cost_usd.value - amount)} instead of "
        f"{money(totals.baseline_cost_usd.value)} on {baseline} alone: {money(abs(amount))} {less}."
    )
    if share.low is not None and share.high is not None:
        said += (
            f" For traffic of this kind the saving is {percent(share.value)}, and with 95 % "
            f"confidence between {percent(share.low)} and {percent(share.high)}."
        )
    return said


def _costs(outcome: Outcome) -> Table:
    totals = outcome.totals
    priced = f"{totals.requests - totals.unpriced_requests:,}"
    return Table(
        caption=f"What {outcome.name} and other ways to serve the same requests cost",
        head=("way", "requests", "cost, $", f"{outcome.name} saves, $", "saves, %"),
        rows=(
            (outcome.name, priced, spread_money(totals.cost_usd), "", ""),
            *(
                (
                    name,
                    f"{way.compared_requests:,}",
                    spread_money(way.cost_usd),
                    spread_money(way.saving_usd),
                    spread_percent(way.saving_pct),
                )
                for name, way in _ways(outcome)
            ),
        ),
    )


def _qualities(outcome: Outcome) -> Table:
    totals = outcome.totals
    known = [(name, way) for name, way in _ways(outcome) if way.quality or way.latency_ms]
    own = (
        outcome.name,
        f"{totals.scored_requests:,}",
        spread_share(totals.quality),
        "",
        seconds(totals.latency_ms),
    )
    others = (
        (
            name,
            f"{way.scored_requests:,}",
            spread_share(way.quality),
            spread_points(way.quality_gain),
            seconds(way.latency_ms),
        )
        for name, way in known
    )
    return Table(
        caption=f"How good {outcome.name} and those ways are expected to be",
        head=("way", "judged", "solved, %", f"{outcome.name}'s gain, points", "time"),
        rows=(own, *others) if known else (),
    )


def _ways(outcome: Outcome) -> list[tuple[str, Beside]]:
    every = [*ways(outcome), ("as the log has it", outcome.logged)]
    return [(name, way) for name, way in every if way.compared_requests]


def _compared(simulation: Simulation) -> Section:
    return Section(
        title="Policies beside one another",
        words=(
            "Differences are taken request by request, inside each replicate: an interval that "
            "holds 0 is no difference."
        ),
        tables=(
            Table(
                caption="The first policy seen from the second",
                head=("policies", "requests", "first saves, $", "first saves, %", "gain, points"),
                rows=tuple(
                    (
                        f"{one.policy} beside {one.other}",
                        f"{one.beside.compared_requests:,}",
                        spread_money(one.beside.saving_usd),
                        spread_percent(one.beside.saving_pct),
                        spread_points(one.beside.quality_gain),
                    )
                    for one in simulation.comparisons
                ),
            ),
        ),
    )


def _mix(simulation: Simulation) -> Section:
    return Section(
        title="Where requests go",
        words="Requests by the tier that serves them, and why they go there.",
        tables=tuple(
            table
            for one in simulation.policies
            for table in (
                _counts(f"Tiers of {one.name}", "tier", {t: one.mix.get(t, 0) for t in TIERS}),
                _counts(f"Reasons of {one.name}", "reason", one.reasons),
            )
        ),
        pictures=("mix",),
    )


def _counts(caption: str, kind: str, counts: Mapping[Name, int]) -> Table:
    whole = max(1, sum(counts.values()))
    return Table(
        caption=caption,
        head=(kind, "requests", "share"),
        rows=tuple((name, f"{n:,}", f"{n / whole:.1%}") for name, n in counts.items()),
    )


def _frontier(simulation: Simulation) -> Section:
    first = simulation.policies[0]
    if not first.frontier or first.frontier[0].quality is None:
        return Section(
            title="Cost beside other ways", words=_UNJUDGED, tables=(), pictures=(FRONTIER,)
        )
    mean = 1_000 / max(1, first.frontier_requests)
    return Section(
        title="Quality against cost",
        words=(
            "The line is what other thresholds would give: easy serves what it solves with the "
            "dial's chance or more, medium with its square, hard the rest. Quality is expected "
            "from the classifier's probabilities of success, whose own calibration its model card "
            "shows; no answer was judged. Points are priced as if every conversation stayed on "
            "its tier."
        ),
        tables=(
            Table(
                caption=f"Positions of the dial over {first.frontier_requests:,} requests",
                head=("dial", "$ for 1,000 requests", "saving, %", "quality, %", *TIERS),
                rows=tuple(
                    (
                        f"{spot.dial:f}",
                        f"{float(spot.cost_usd.value) * mean:,.4f}",
                        spread_percent(spot.saving_pct),
                        spread_share(spot.quality),
                        *(f"{spot.shares[tier]:.1%}" for tier in TIERS),
                    )
                    for spot in first.frontier[::_EVERY]
                ),
            ),
        ),
        pictures=(FRONTIER,),
    )


def _groups(outcome: Outcome, baseline: Tier) -> Iterator[Section]:
    for title, words, axes in _PARTS:
        tables = [
            _grouped(axis, groups, baseline) for axis in axes if (groups := _named(axis, outcome))
        ]
        if tables:
            pictures = ("days",) if axes == ("day",) else ()
            yield Section(title=title, words=words, tables=tuple(tables), pictures=pictures)


def _named(axis: Axis, outcome: Outcome) -> list[GroupTotals]:
    """The groups of an axis; none where the log says nothing of it."""
    groups = [group for group in outcome.groups if group.axis == axis]
    return groups if any(group.name for group in groups) else []


def _grouped(axis: Axis, groups: Sequence[GroupTotals], baseline: Tier) -> Table:
    shown = groups if axis == "day" else groups[:SHOWN]
    more = f", the first {SHOWN} of {len(groups):,}" if len(groups) > len(shown) else ""
    return Table(
        caption=f"By {axis}{more}",
        head=(axis, "requests", "cost, $", f"always {baseline}, $", "saving, $", "saving, %"),
        rows=tuple(
            (
                group.name or UNKNOWN,
                f"{group.requests:,}",
                money(group.cost_usd),
                money(group.baseline_cost_usd),
                spread_money(group.saving_usd),
                spread_percent(group.saving_pct),
            )
            for group in shown
        ),
    )
