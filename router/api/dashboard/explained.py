"""A verdict, the tiers that were considered, and the whole account of a decision. Pure."""

from collections.abc import Iterator, Sequence

from classifier.types import LABELS, TIERS, Verdict
from router.api.dashboard.html import Html, join, tag
from router.api.dashboard.parts import (
    Column,
    described,
    interval,
    meter,
    milliseconds,
    money,
    section,
    share,
    table,
    tier_chip,
)
from router.report.explain import Choice, Explanation, Try


def account(told: Explanation) -> Html:
    """Everything that the ledger knows of one decision."""
    return join(_sections(told))


def _sections(told: Explanation) -> Iterator[Html]:
    if told.simulated:
        words = "Simulated: the sandbox answered. None of this is real money."
        yield tag("p", words, class_="notice simulated")
    kept = None if told.prompt is None else tag("pre", told.prompt, tabindex="0")
    yield section(
        "summary",
        "In short",
        tag("p", told.summary),
        described(_head(told)),
        tag("h3", "Prompt") if kept else None,
        kept or tag("p", "The prompt was not kept.", class_="quiet"),
    )
    yield section("verdict", "Verdict", verdict_block(told.verdict))
    words = "Of the tiers that were not chosen the cost is an estimate; brackets hold 95 %."
    yield section("tiers", "Tiers", tag("p", words, class_="quiet"), choices_table(told.choices))
    yield section("attempts", "Attempts", _attempts(told.attempts))
    stages = [(name.replace("_", " "), milliseconds(ms)) for name, ms in told.timings_ms.items()]
    yield section("time", "Time", described(stages))
    yield section(
        "facts", "What else was known", tag("ul", *(tag("li", one) for one in told.facts))
    )


def _head(told: Explanation) -> Iterator[tuple[str, str]]:
    yield "Arrived", tag("time", told.at.replace("T", " ").replace("Z", " UTC"), datetime=told.at)
    yield "Status", str(told.status)
    yield "Reason", told.reason
    yield "Cost" + (" (estimated)" if told.estimated else ""), money(told.cost_usd)


def verdict_block(verdict: Verdict | None) -> Html:
    """What the classifier said, in numbers and bars."""
    if verdict is None:
        return tag("p", "There is none: the request was not scored.", class_="quiet")
    labels = [(label, getattr(verdict.probabilities, label)) for label in LABELS]
    chances = [(tier, getattr(verdict.success, tier)) for tier in TIERS]
    return join(
        [
            tag(
                "p",
                tag("strong", verdict.label.replace("_", " ")),
                f" with {share(verdict.confidence, 1)}, difficulty {verdict.difficulty:.2f}, by ",
                tag("code", verdict.model_version),
                ", read in part because it is long" if verdict.truncated else None,
            ),
            tag(
                "div",
                _bars("Probability", labels),
                _bars("Chance of success", chances),
                class_="two",
            ),
        ]
    )


def choices_table(choices: Sequence[Choice], cost: str = "Cost") -> Html:
    """The tiers from easy to hard, the one that was chosen marked."""
    columns = (
        Column(name="Tier"),
        Column(name="Model"),
        Column(name=cost, number=True),
        Column(name=""),
    )
    rows = [
        [
            join([tier_chip(choice.tier), " ✓" if choice.taken else None]),
            choice.model,
            join([money(choice.cost_usd), interval(choice.cost_usd_low, choice.cost_usd_high)]),
            choice.words,
        ]
        for choice in choices
    ]
    return table("Tiers that were considered", columns, rows, hide_caption=True)


def _bars(title: str, values: Sequence[tuple[str, float]]) -> Html:
    rows = (
        tag(
            "li",
            tag("span", name.replace("_", " ")),
            meter(value, 1, f"{title}, {name.replace('_', ' ')}"),
            tag("span", share(value, 1), class_="number"),
        )
        for name, value in values
    )
    return tag("div", tag("h3", title), tag("ul", *rows, class_="mix"))


def _attempts(attempts: Sequence[Try]) -> Html:
    if not attempts:
        return tag("p", "No upstream was tried.", class_="quiet")
    columns = (
        Column(name="Model"),
        Column(name="Outcome"),
        Column(name="Status", number=True),
        Column(name="Took", number=True),
        Column(name="Input", number=True),
        Column(name="cached", number=True, minor=True),
        Column(name="Output", number=True),
        Column(name="Cost", number=True),
    )
    rows = [
        [
            one.model,
            one.words,
            str(one.status or "none"),
            milliseconds(one.duration_ms),
            f"{one.usage.input:,}",
            f"{one.usage.cached:,}",
            f"{one.usage.output:,}",
            money(one.cost_usd),
        ]
        for one in attempts
    ]
    return table("Attempts", columns, rows, hide_caption=True)
