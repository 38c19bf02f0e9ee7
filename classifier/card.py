"""The model card: what a model learned from and how good it is, for people."""

from collections.abc import Iterator
from typing import Final

from classifier.evaluate import Report
from classifier.facts import Facts
from classifier.judge.lacking import Lacking
from classifier.judge.reliability import Reliability
from classifier.judge.robustness import Robustness
from classifier.judge.slices import POOLED_ROWS, SliceScore
from classifier.markdown import table
from classifier.metrics import Interval
from classifier.types import LABELS, TIERS, Version

_INTRODUCTION: Final = """\
Says of a prompt how hard it is (easy, medium, hard), whether it lacks what anyone would need
(needs_info), and how likely a model of each tier is to solve it. It is a static embedding with
logistic heads: 50 tokens take about 0.1 ms. A version with a second stage, which stands under
Encoder, also asks a small transformer about the short prompts of which the heads are unsure: that
takes 3 to 15 ms more. All of it runs on the CPU, and no text leaves the process.

The tiers are those of the models whose right and wrong answers were learned from: easy stands for
small open models (about 3 to 9 billion parameters), medium for large models that do not reason
first, hard for reasoning and frontier models.
"""

_LIMITS: Final = """\
- Its heads read words, pairs of words and marks, and follow no argument: of two prompts that differ
  in the one thing that matters it often says the same. A long text is judged by its head and tail,
  and by the heads alone.
- needs_info was learned from prompts that were made to lack something: word problems, requests to
  an assistant, and examples written for the purpose. People leave things out in other ways.
- In public data the source gives the label away. The table by source shows what remains when it
  does not; on a kind of prompt that is in no table, expect less.
- It does not judge safety, truth or taste, and must not be used to judge people.
"""
WEAK_ROWS: Final = 20
"""A source needs so many judged rows to be named as one that the model fails."""


def render(version: Version, facts: Facts, report: Report | None) -> str:
    """The card as Markdown. Without a report it says that nobody has judged the model yet."""
    parts = [
        f"# Model card: gearshift classifier {version}\n",
        _INTRODUCTION,
        "## What it learned from\n",
        _training(facts),
        "## How good it is\n",
        _quality(facts, report) if report else _unjudged(facts),
        "## Whom it fails\n",
        "".join(f"- {line}\n" for line in _weak(facts, report)) + _LIMITS,
    ]
    return "\n".join(parts)


def _weak(facts: Facts, report: Report | None) -> Iterator[str]:
    """Where this very version is weak."""
    shares = [sum(source.shares[tier] for source in facts.sources) for tier in range(len(TIERS))]
    few = min(range(len(TIERS)), key=shares.__getitem__)
    yield (
        f"`success` of the {TIERS[few]} tier rests on the {shares[few]:,} rows that have measured "
        "answers of its models."
    )
    slices = report.slices if report else None
    for kind, parts in (
        ("sources", slices.sources if slices else ()),
        ("languages", slices.languages if slices else ()),
    ):
        known = [part for part in parts if part.rows >= WEAK_ROWS]
        worst = sorted(known, key=lambda part: part.accuracy.value)[:3]
        if len(known) > 1:
            told = ", ".join(f"{one.name} ({one.accuracy.value:.0%})" for one in worst)
            yield f"Of the {kind} with {WEAK_ROWS} judged rows or more, least right on: {told}."


def _training(facts: Facts) -> str:
    left_out = ", ".join(f"{count:,} {name}" for name, count in facts.left_out.items())
    rows = [
        (
            source.name,
            f"{source.rows:,}",
            *(f"{source.labels.get(label, 0):,}" for label in LABELS),
            f"{source.needs_info:,}",
            *(f"{count:,}" for count in source.shares),
            "; ".join(source.licenses),
        )
        for source in facts.sources
    ]
    head = (
        "source",
        "rows",
        *LABELS,
        "needs_info known",
        *(f"share {t}" for t in TIERS),
        "licence",
    )
    return "\n".join(
        [
            *(
                [f"Built upon {facts.base}, whose own card says what that learned from. Here:\n"]
                if facts.base
                else []
            ),
            f"{facts.rows:,} rows; left out by licence class: {left_out or 'none'}.",
            f"Encoder: {facts.encoder}. Data: SHA-256 `{facts.data}`.\n",
            "Rows by label, rows that say whether something is missing, and rows with measured",
            "answers of each tier's models (each tier's `success` learns only from its own):\n",
            *table(head, rows),
            "",
        ]
    )


def _unjudged(facts: Facts) -> str:
    return (
        f"Macro-F1 over four labels, on the tenth of its rows that calibrated it: "
        f"{facts.held_macro_f1:.3f}. It was not judged on rows of their own: "
        "`gearshift evaluate --data F`.\n"
    )


def _quality(facts: Facts, report: Report) -> str:
    cost = report.confusion.mean_cost
    lines = [
        f"On {report.judged:,} held-out rows with a trusted label (95 % bootstrap over clusters of",
        "near duplicates; every figure is defined in docs/evaluation.md):\n",
        *table(
            ("", "macro-F1 over four labels", "mean cost of errors", "hard called easy"),
            [
                ("this model", f"{report.macro_f1:.3f}", f"{cost:.3f}", _maybe(report.hard_miss)),
                *(
                    (name, f"{rule.macro_f1:.3f}", f"{rule.mean_cost:.3f}", _maybe(rule.hard_miss))
                    for name, rule in report.baselines.items()
                ),
                (
                    "this model, on the rows that calibrated it",
                    f"{facts.held_macro_f1:.3f}",
                    "",
                    "",
                ),
            ],
        ),
        "\n(The source's majority is no router's: a request does not say which exam it is from.)\n",
        f"Accuracy {report.accuracy:.3f}.",
        *_pooled(report),
        *_shares(report),
        *_labels(report),
        *_calibration(report.calibration),
        *_needs_info(report.needs_info),
        *_robustness(report.robustness),
        *_slices(report),
        "",
    ]
    return "\n".join(lines)


def _labels(report: Report) -> list[str]:
    rows = report.confusion.rows
    return [
        "\nRows are the truth, columns what was said:\n",
        *table(
            ("", *LABELS, "precision", "recall", "F1"),
            [
                (
                    score.name,
                    *(str(count) for count in rows[score.name].values()),
                    f"{score.precision:.3f}",
                    f"{score.recall:.3f}",
                    f"{score.f1:.3f}",
                )
                for score in report.labels
            ],
        ),
    ]


def _calibration(found: Reliability) -> Iterator[str]:
    yield (
        f"\nCalibration of the label's probability: top-label error {found.ece:.3f}; a perfect\n"
        f"model shows {found.perfect:.3f} on so many rows; so {found.excess:.3f} beyond chance.\n"
        f"Brier score over four labels: {found.brier:.3f}."
    )
    if found.success:
        yield "\n`success`, against the measured share of right answers:\n"
        yield from table(
            ("tier", "rows", "predicted", "measured", "Brier"),
            [
                (s.tier, str(s.rows), f"{s.predicted:.3f}", f"{s.measured:.3f}", f"{s.brier:.3f}")
                for s in found.success
            ],
        )


def _needs_info(found: Lacking | None) -> Iterator[str]:
    if found is None:
        return
    yield (
        f"\nneeds_info, on {found.rows:,} rows that say whether something is missing "
        f"({found.lacking:,} do): AUROC {found.auroc:.3f}; average precision "
        f"{found.average_precision:.3f}; at its cut-off it finds {found.recall:.3f}, and "
        f"{found.precision:.3f} of what it calls so is."
    )
    if found.twins:
        twins = found.twins
        yield (
            f"Of {twins.pairs} pairs of twins the underspecified one scores higher in "
            f"{twins.higher:.3f}; false alarms on answerable twins {twins.false_alarms:.3f}, "
            f"and {twins.false_alarms_at_recall:.3f} where 70 % are found."
        )


def _robustness(found: Robustness | None) -> Iterator[str]:
    if found is None:
        return
    each = "; ".join(f"{kind.name} {kind.flipped.value:.3f}" for kind in found.noises)
    yield (
        f"\nLabels flipped by noise, over {found.rows:,} prompts (seed {found.seed}): "
        f"{found.mean:.3f} on average; {each}."
    )
    yield f"By polite wrappers round the prompt: {found.templates_mean:.3f}."


def _slices(report: Report) -> Iterator[str]:
    kinds = {
        "language": report.slices.languages,
        "category": report.slices.categories,
        "source": report.slices.sources,
    }
    for kind, scores in kinds.items():
        if not scores:
            continue
        yield f"\nBy {kind} (ECE: calibration error, and less what chance shows on so few rows):\n"
        yield from table(
            (kind, "rows", "labels", "accuracy", "own majority", "macro-F1", "ECE", "less chance"),
            [_slice(score) for score in scores],
        )


def _slice(score: SliceScore) -> tuple[str, ...]:
    return (
        score.name,
        str(score.rows),
        str(score.labels),
        f"{score.accuracy:.2f}",
        f"{score.source_majority:.2f}",
        f"{score.macro_f1:.2f}",
        f"{score.ece:.2f}",
        f"{score.excess_ece:+.2f}",
    )


def _pooled(report: Report) -> Iterator[str]:
    pooled = report.slices.pooled
    if pooled:
        yield (
            f"In the {pooled.sources} sources with two labels and at least {POOLED_ROWS} rows "
            f"({pooled.rows:,} rows): accuracy {pooled.accuracy:.3f}; always the commonest "
            f"label {pooled.majority:.3f}."
        )


def _shares(report: Report) -> Iterator[str]:
    if report.unlabelled:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in report.unlabelled.items())
        yield f"Labels over real prompts without any label: {shares}."


def _maybe(figure: Interval | float | None) -> str:
    return "unknown" if figure is None else f"{figure:.3f}"
