"""The pictures of an evaluation as Vega-Lite specifications: pure; nothing is drawn here."""

from collections.abc import Iterator, Sequence

from classifier.evaluate import Report
from classifier.judge.frontier import Frontier
from classifier.judge.lacking import Lacking
from classifier.judge.reliability import Reliability
from classifier.judge.robustness import Robustness
from classifier.judge.slices import SliceScore
from classifier.pages.marks import (
    HIGH,
    ROW_HEIGHT,
    Chart,
    Rows,
    Spec,
    colour,
    dashes,
    ends,
    layer,
    line,
    low,
    names,
    number,
    point,
    spec,
    text,
)
from classifier.routellm import ExamScore
from classifier.types import TIERS


def charts(report: Report) -> Iterator[Chart]:
    """Every picture that the report has figures for."""
    yield _reliability(report.calibration)
    yield _sources(report.slices.sources)
    if report.needs_info:
        yield _needs_info(report.needs_info)
    if report.frontier:
        yield _frontier(report.frontier)
    if report.robustness:
        yield _robustness(report.robustness)
    for exam in report.measured.routellm:
        yield _exam(exam)


def _reliability(found: Reliability) -> Chart:
    bins: Rows = [
        {"confidence": part.confidence, "rows": part.rows, **ends(part.accuracy)}
        for part in found.bins
    ]
    x = number("confidence", "stated confidence (mean of a tenth of the rows)", domain=(0, 1))
    y = number("value", "share that is right", domain=(0, 1))
    diagonal: Rows = [{"confidence": 0, "value": 0}, {"confidence": 1, "value": 1}]
    return Chart(
        name="reliability",
        title="Do stated probabilities come true?",
        alt=(
            f"Share of right labels against stated confidence in ten bins; top-label error "
            f"{found.ece:.3f}, {found.excess.value:+.3f} beyond chance. On the dashed line "
            "confidence is true."
        ),
        spec=spec(
            layer(line(dashed=True), diagonal, x=x, y=y),
            layer({"type": "rule", "strokeWidth": 2}, bins, x=x, y=low(y), y2={"field": "high"}),
            layer(point(70), bins, x=x, y=y),
        ),
    )


def _sources(scores: Sequence[SliceScore]) -> Chart:
    named = [(f"{score.name} ({score.rows:,})", score) for score in scores]
    ours: Rows = [
        {"source": name, "what": "this model", **ends(score.accuracy)} for name, score in named
    ]
    rule: Rows = [
        {"source": name, "what": "the source's commonest label", "value": score.source_majority}
        for name, score in named
    ]
    x = number("value", "accuracy", domain=(0, 1))
    y = names("source")
    shade = colour("what", "this model", "the source's commonest label")
    return Chart(
        name="sources",
        title="Accuracy by source",
        alt="Accuracy in each source with its interval, beside always saying its commonest label.",
        spec=spec(
            layer({"type": "rule", "strokeWidth": 2}, ours, x=low(x), x2=HIGH, y=y, color=shade),
            layer({"type": "tick", "thickness": 3}, rule, x=x, y=y, color=shade),
            layer(point(60), ours, x=x, y=y, color=shade),
            height=ROW_HEIGHT * max(3, len(scores)),
        ),
    )


def _needs_info(found: Lacking) -> Chart:
    curve: Rows = [{"recall": at.recall, "precision": at.precision} for at in found.curve]
    own: Rows = [
        {"recall": found.recall.value, "precision": found.precision, "name": "its cut-off"}
    ]
    share = found.lacking / found.rows
    guess: Rows = [{"recall": 0, "precision": share}, {"recall": 1, "precision": share}]
    x = number("recall", "recall", domain=(0, 1))
    y = number("precision", "precision", domain=(0, 1))
    return Chart(
        name="needs_info",
        title="needs_info: precision and recall",
        alt=(
            f"Precision against recall over all cut-offs; average precision "
            f"{found.average_precision.value:.3f}, AUROC {found.auroc.value:.3f}. At its own "
            f"cut-off {found.precision:.2f} and {found.recall.value:.2f}. Dashed: chance."
        ),
        spec=spec(
            layer(line(dashed=True), guess, x=x, y=y),
            layer(line(), curve, x=x, y=y),
            layer(point(90), own, x=x, y=y),
            layer(text(dy=-14), own, x=x, y=y, text={"field": "name"}),
        ),
    )


def _frontier(found: Frontier) -> Chart:
    ways = {
        "by cut-off": found.cutoff,
        "by worth": found.worth,
        "random mix": found.mix,
        "oracle": found.oracle,
    }
    lines: Rows = [
        {"way": name, "cost": point.cost, "quality": point.quality}
        for name, way in ways.items()
        for point in way.points
    ]
    tiers: Rows = [
        {"name": f"always {tier}", "cost": point.cost, "quality": point.quality}
        for tier, point in zip(TIERS, found.always, strict=True)
    ]
    rules: Rows = [
        {"name": rule.name, "cost": rule.point.cost, "quality": rule.point.quality}
        for rule in found.rules
    ]
    x = number("cost", f"mean cost of a request (tiers at {_triple(found.costs)})")
    y = number("quality", "share of right answers")
    name: Spec = {"field": "name"}
    return Chart(
        name="frontier",
        title="Quality against cost over three tiers",
        alt=(
            f"Share of right answers against mean cost on {found.rows:,} rows. Mean quality above "
            f"the random mix: {found.cutoff.gain.value:+.3f} by cut-off, "
            f"{found.worth.gain.value:+.3f} by worth, {found.oracle.gain.value:+.3f} by an oracle."
        ),
        spec=spec(
            layer(line(), lines, x=x, y=y, color=colour("way", *ways), strokeDash=dashes(*ways)),
            layer(point(), [*tiers, *rules], x=x, y=y),
            layer(text(dx=-8, dy=-8, align="right"), tiers[1:], x=x, y=y, text=name),
            layer(text(dx=8, dy=9, align="left"), [tiers[0], *rules], x=x, y=y, text=name),
        ),
    )


def _robustness(found: Robustness) -> Chart:
    kinds = {"noise": found.noises, "wrapper": found.templates}
    rows: Rows = [
        {"name": " ".join(one.name.split()), "kind": kind, **ends(one.flipped)}
        for kind, each in kinds.items()
        for one in each
    ]
    x = number("value", "share of labels that flip", form="%")
    y = names("name")
    shade = colour("kind", *kinds)
    return Chart(
        name="robustness",
        title="Labels that noise flips",
        alt="; ".join(f"{row['name']}: {float(row['value']):.1%}" for row in rows),
        spec=spec(
            layer({"type": "bar", "height": 11}, rows, x=x, y=y, color=shade),
            layer({"type": "rule", "strokeWidth": 2}, rows, x=low(x), x2=HIGH, y=y),
            height=ROW_HEIGHT * max(3, len(rows)),
        ),
    )


def _exam(exam: ExamScore) -> Chart:
    curve: Rows = [{"calls": calls, "quality": quality} for calls, quality in exam.curve]
    chance: Rows = [{"calls": 0, "quality": exam.weak}, {"calls": 1, "quality": exam.strong}]
    x = number("calls", "share of calls to the strong model", domain=(0, 1), form="%")
    y = number("quality", "mean quality")
    return Chart(
        name=f"routellm_{exam.name}",
        title=f"RouteLLM's {exam.name}",
        alt=(
            f"Quality against the share of calls to the strong model; APGR "
            f"{exam.apgr.value:.3f}. The dashed line is chance."
        ),
        spec=spec(
            layer(line(dashed=True), chance, x=x, y=y),
            layer({**line(), "point": True}, curve, x=x, y=y),
        ),
    )


def _triple(costs: Sequence[float]) -> str:
    return ", ".join(f"{cost:g}" for cost in costs)
