"""Tables of how a classifier does at work: cost, noise, others' examinations, time. Pure."""

from collections.abc import Iterator, Sequence

from classifier.evaluate import Report
from classifier.judge.frontier import KEPT, Frontier
from classifier.judge.robustness import Robustness
from classifier.judge.speed import Speed
from classifier.pages.tables import Section, Table
from classifier.routellm import ExamScore
from classifier.types import TIERS


def frontier(found: Frontier) -> Section:
    """What quality costs, beside mixing, rules and an oracle."""
    ways = {
        "by cut-off": found.cutoff,
        "by worth": found.worth,
        "random mix": found.mix,
        "oracle": found.oracle,
    }
    where = ", ".join(f"{name} {rows:,}" for name, rows in found.sources.items())
    spots = [(f"always {tier}", spot, "") for tier, spot in zip(TIERS, found.always, strict=True)]
    spots += [(rule.name, rule.point, f"{rule.margin:+.3f}") for rule in found.rules]
    return Section(
        title="Quality against cost",
        words=(
            f"On the {found.rows:,} rows that tell how good each tier's answer is ({where}): "
            f"{found.measured:,} by measured answers of all three, the others by their label. By "
            "cut-off: the policy by success, at every pair of cut-offs that calibrate chooses "
            "from. By worth: the tier whose success less a price times its cost is highest. The "
            "oracle knows the quality."
        ),
        tables=(
            Table(
                caption="Over all spends from always-easy to always-hard",
                head=(
                    "",
                    "quality above the mix",
                    "share of the oracle's",
                    f"spend for {KEPT:.0%}",
                ),
                rows=tuple(
                    (name, f"{way.gain:+.3f}", f"{way.gain_share:.2f}", f"{way.spend:.2f}")
                    for name, way in ways.items()
                ),
            ),
            Table(
                caption="At one spend; margin: quality by cut-off at that cost, less the rule's",
                head=("", "cost", "quality", "margin"),
                rows=tuple(
                    (name, f"{spot.cost:.3f}", f"{spot.quality:.3f}", margin)
                    for name, spot, margin in spots
                ),
            ),
        ),
        pictures=("frontier",),
    )


def robustness(found: Robustness) -> Section:
    """Labels that flip."""
    return Section(
        title="Robustness",
        words=(
            f"{found.rows:,} prompts, drawn and disturbed with seed {found.seed}. A label that "
            "flips is one that noise decides. Wrappers stand apart: people mean them."
        ),
        tables=tuple(
            Table(
                caption=caption,
                head=("", "prompts changed", "labels flipped"),
                rows=(
                    ("mean", "", f"{mean:.3f}"),
                    *(
                        (" ".join(one.name.split()), f"{one.changed:.0%}", f"{one.flipped:.3f}")
                        for one in each
                    ),
                ),
            )
            for caption, mean, each in (
                ("Noise", found.mean, found.noises),
                ("Wrappers", found.templates_mean, found.templates),
            )
        ),
        pictures=("robustness",),
    )


def routellm(exams: Sequence[ExamScore]) -> Section:
    """RouteLLM's figures."""
    return Section(
        title="RouteLLM's sets",
        words=(
            "APGR: the part of the gap between weak and strong model that routing recovers, over "
            "all spends; chance is .5. CPT: calls to the strong model for that part of the gap."
        ),
        tables=(
            Table(
                caption="success.hard less success.easy as the score",
                head=("set", "prompts", "APGR", "length rule", "margin", "CPT50", "CPT80"),
                rows=tuple(
                    (
                        exam.name,
                        f"{exam.prompts:,}",
                        f"{exam.apgr:.3f}",
                        f"{exam.length_apgr:.3f}",
                        f"{exam.margin:+.3f}",
                        f"{exam.cpt50:.2f}",
                        f"{exam.cpt80:.2f}",
                    )
                    for exam in exams
                ),
            ),
        ),
        pictures=tuple(f"routellm_{exam.name}" for exam in exams),
    )


def rest(report: Report) -> Section:
    """Prompts without labels, and time."""
    shares = tuple((name, f"{share:.1%}") for name, share in report.unlabelled.items())
    tables = [Table(caption="Unlabelled prompts", head=("called", "share"), rows=shares)]
    return Section(
        title="Real prompts and time",
        words="Labels over prompts that nobody labelled; and how long judging took here.",
        tables=(*(tables if shares else ()), *_speed(report.measured.speed)),
    )


def _speed(found: Speed | None) -> Iterator[Table]:
    if found:
        yield Table(
            caption=f"Time on this machine, over {found.rows:,} prompts",
            head=("figure", "value"),
            rows=(
                ("one prompt, median", f"{found.median_ms:.2f} ms"),
                ("one prompt, 95th percentile", f"{found.p95_ms:.2f} ms"),
                ("in a batch", f"{found.batch_per_s:,.0f} prompts a second"),
                ("the second stage is asked of", f"{found.second:.1%}"),
            ),
        )
