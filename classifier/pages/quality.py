"""Tables of what is judged by labels: labels, calibration, needs_info, parts. Pure."""

from collections.abc import Sequence

from classifier.evaluate import Report
from classifier.judge.lacking import RECALL, Lacking
from classifier.judge.reliability import Reliability
from classifier.judge.slices import SliceScore
from classifier.pages.tables import Section, Table, figure
from classifier.types import LABELS


def labels(report: Report) -> Section:
    """Who was taken for whom, what it costs, and what rules would do."""
    counts, cost = report.confusion.rows, report.confusion.cost
    return Section(
        title="Labels",
        words=(
            "Rows are the truth, columns what was said. Errors cost by their kind: hard taken for "
            "easy is dearer than easy taken for hard. Margins are this model's less the rule's, "
            "from paired resamples."
        ),
        tables=(
            Table(
                caption="Rows by true and said label",
                head=("truth", *LABELS, "precision", "recall", "F1"),
                rows=tuple(
                    (
                        score.name,
                        *(f"{count:,}" for count in counts[score.name].values()),
                        f"{score.precision:.3f}",
                        f"{score.recall:.3f}",
                        f"{score.f1:.3f}",
                    )
                    for score in report.labels
                ),
                shades=tuple(
                    (
                        *(count / max(1, score.rows) for count in counts[score.name].values()),
                        0,
                        0,
                        0,
                    )
                    for score in report.labels
                ),
            ),
            Table(
                caption=f"What an error costs; mean {report.confusion.mean_cost:.3f} per row",
                head=("truth", *LABELS),
                rows=tuple(
                    (name, *(f"{dear:g}" for dear in cost[name].values())) for name in LABELS
                ),
            ),
            _baselines(report),
        ),
    )


def _baselines(report: Report) -> Table:
    ours = (
        "this model",
        f"{report.macro_f1:.3f}",
        "",
        f"{report.confusion.mean_cost:.3f}",
        "",
        figure(report.hard_miss),
    )
    return Table(
        caption="Beside rules that read nothing",
        head=("", "macro-F1", "margin", "mean cost", "saving", "hard called easy"),
        rows=(
            ours,
            *(
                (
                    name,
                    f"{rule.macro_f1:.3f}",
                    f"{rule.margin:+.3f}",
                    f"{rule.mean_cost:.3f}",
                    f"{rule.saving:+.3f}",
                    figure(rule.hard_miss),
                )
                for name, rule in report.baselines.items()
            ),
        ),
    )


def calibration(found: Reliability) -> Section:
    """Whether stated probabilities come true."""
    return Section(
        title="Calibration",
        words=(
            "The error is the mean distance of stated confidence from accuracy in ten equally full "
            "bins. Even a perfect model shows some on so few rows; what is beyond that counts."
        ),
        tables=(
            Table(
                caption="The label's probability",
                head=("figure", "value"),
                rows=(
                    ("top-label error (ECE)", f"{found.ece:.4f}"),
                    ("of a perfect model (95 % of simulations)", f"{found.perfect:.4f}"),
                    ("beyond chance", f"{found.excess:+.4f}"),
                    ("Brier score over four labels, 0 to 2", f"{found.brier:.3f}"),
                ),
            ),
            Table(
                caption="success, beside the measured share of right answers",
                head=("tier", "rows", "predicted", "measured", "Brier"),
                rows=tuple(
                    (
                        score.tier,
                        f"{score.rows:,}",
                        f"{score.predicted:.3f}",
                        f"{score.measured:.3f}",
                        f"{score.brier:.3f}",
                    )
                    for score in found.success
                ),
            ),
        ),
        pictures=("reliability",),
    )


def needs_info(found: Lacking) -> Section:
    """Whether what is missing is found, and what is not is left alone."""
    rows = [
        ("AUROC", f"{found.auroc:.3f}"),
        ("average precision", f"{found.average_precision:.3f}"),
        ("recall at its cut-off", f"{found.recall:.3f}"),
        ("precision at its cut-off", f"{found.precision:.3f}"),
    ]
    if found.twins:
        twins = found.twins
        rows += [
            (
                f"twins: the underspecified scores higher ({twins.pairs} pairs)",
                f"{twins.higher:.3f}",
            ),
            ("false alarms on answerable twins, at its cut-off", f"{twins.false_alarms:.3f}"),
            (f"… at {RECALL:.0%} recall", f"{twins.false_alarms_at_recall:.3f}"),
        ]
    if found.unlabelled:
        rows.append(("unlabelled prompts called needs_info", f"{found.unlabelled:.3f}"))
    return Section(
        title="needs_info",
        words=(
            f"Whether anything is missing, on {found.rows:,} rows that say so, {found.lacking:,} "
            "of which lack something. Twins are two prompts that differ in just that."
        ),
        tables=(Table(caption="needs_info", head=("figure", "value"), rows=tuple(rows)),),
        pictures=("needs_info",),
    )


def slices(report: Report) -> Section:
    """The same by language, category and source."""
    kinds = {
        "language": report.slices.languages,
        "category": report.slices.categories,
        "source": report.slices.sources,
    }
    return Section(
        title="Languages, categories, sources",
        words=(
            "The source gives the label away in much public data, so the column of its own "
            "commonest label is what reading has to beat."
        ),
        tables=tuple(_slice_table(kind, scores) for kind, scores in kinds.items() if scores),
        pictures=("sources",),
    )


def _slice_table(kind: str, scores: Sequence[SliceScore]) -> Table:
    return Table(
        caption=f"By {kind}",
        head=(kind, "rows", "labels", "accuracy", "own majority", "macro-F1", "ECE", "less chance"),
        rows=tuple(
            (
                score.name,
                f"{score.rows:,}",
                str(score.labels),
                f"{score.accuracy:.2f}",
                f"{score.source_majority:.2f}",
                f"{score.macro_f1:.2f}",
                f"{score.ece:.3f}",
                f"{score.excess_ece:+.3f}",
            )
            for score in scores
        ),
    )
