"""The model card: what a model learned from and how good it is, for people."""

from collections.abc import Iterator, Sequence
from typing import Final

from classifier.evaluate import Report
from classifier.facts import Facts
from classifier.types import LABELS, TIERS, Version

_INTRODUCTION: Final = """\
Says of a prompt how hard it is (easy, medium, hard), whether it lacks what anyone would need
(needs_info), and how likely a model of each tier is to solve it. It is a static embedding with
logistic heads: no network runs, no text leaves the process, 50 tokens take about 0.1 ms.

The tiers are those of the models whose right and wrong answers were learned from: easy stands for
small open models (about 3 to 9 billion parameters), medium for large models that do not reason
first, hard for reasoning and frontier models.
"""

_LIMITS: Final = """\
- It has seen hardly any everyday chat, edits, follow-ups or agentic turns: what it says of them
  rests on words that also stand in exams, puzzles and coding tasks. Short requests for a small
  program are often taken for needs_info, because the only such rows that it saw lacked something
  on purpose; long designs and open-ended work are often called easy.
- needs_info was learned from prompts that were made to lack something, mostly word problems and
  requests to an assistant. People leave things out in other ways.
- It has learned from English, and some Chinese exam questions. For any other language it goes by
  length, numbers and marks.
- `success` of the hard tier rests on maths, code and puzzles alone.
- The source gives the label away in most of the data. The table by source shows what remains when
  it does not; on a kind of prompt that is not in the table, expect less.
- It does not judge safety, truth or taste, and must not be used to judge people.
"""


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
        _LIMITS,
    ]
    return "\n".join(parts)


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
            *_table(head, rows),
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
    score, hard_miss = report.macro_f1, report.hard_miss
    lines = [
        f"On {report.judged:,} held-out rows with a trusted label (95 % bootstrap over clusters of",
        "near duplicates):\n",
        *_table(
            ("", "macro-F1 over four labels"),
            [
                ("this model", f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"),
                *((name, f"{value:.3f}") for name, value in report.baselines.items()),
                ("this model, on the rows that calibrated it", f"{facts.held_macro_f1:.3f}"),
            ],
        ),
        "\n(The source's majority is no router's: a request does not say which exam it is from.)\n",
        f"Accuracy {report.accuracy:.3f}; top-label calibration error {report.ece:.3f};",
        f"needs_info AUROC {_maybe(report.needs_info_auroc)};",
        f"truly hard rows that are called easy: {_maybe(hard_miss)}.",
        *_pooled(report),
        *_shares(report),
        *_tables(report),
        "",
    ]
    return "\n".join(lines)


def _tables(report: Report) -> list[str]:
    """What was said of what, then each source, then each tier's `success`."""
    return [
        "\nRows are the truth, columns what was said:\n",
        *_table(
            ("", *LABELS, "F1"),
            [
                (name, *(str(count) for count in counts.values()), f"{report.f1[name]:.3f}")
                for name, counts in report.confusion.items()
            ],
        ),
        "\nBy source:\n",
        *_table(
            ("source", "rows", "labels", "accuracy", "always its own majority", "macro-F1"),
            [
                (
                    source.name,
                    str(source.rows),
                    str(source.labels),
                    f"{source.accuracy:.2f}",
                    f"{source.source_majority:.2f}",
                    f"{source.macro_f1:.2f}",
                )
                for source in report.sources
            ],
        ),
        "\n`success`, against the measured share of right answers:\n",
        *_table(
            ("tier", "rows", "predicted", "measured", "Brier"),
            [
                (s.tier, str(s.rows), f"{s.predicted:.3f}", f"{s.measured:.3f}", f"{s.brier:.3f}")
                for s in report.success
            ],
        ),
    ]


def _pooled(report: Report) -> Iterator[str]:
    if report.pooled:
        right = report.pooled.accuracy
        yield (
            f"In the {report.pooled.sources} sources with two labels and at least 60 rows "
            f"({report.pooled.rows:,} rows): accuracy {right.value:.3f} [{right.low:.3f}, "
            f"{right.high:.3f}]; always the commonest label {report.pooled.majority:.3f}."
        )


def _shares(report: Report) -> Iterator[str]:
    if report.unlabelled:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in report.unlabelled.items())
        yield f"Labels over real prompts without any label: {shares}."


def _maybe(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
