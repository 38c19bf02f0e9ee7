"""`gearshift evaluate`: judging a version of the classifier."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from classifier import artifact
from classifier.evaluate import Report
from classifier.evaluate import evaluate as judge
from classifier.facts import Facts
from classifier.registry import find, resolve
from router.cli.model import DATA, REGISTRY, Data, plainly


@click.command()
@DATA
@click.option(
    "--version", "name", metavar="V", help="A version, or its beginning; else the one in service."
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@REGISTRY
def evaluate(data: Data, name: str | None, as_json: bool, registry: Path) -> None:
    """Judge a version on labelled prompts that it did not learn from.

    \b
    Example:
      gearshift evaluate --data val.jsonl.gz --json
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly():
        path = find(registry, name) if name else resolve(registry)
        facts = msgspec.json.decode(artifact.read_text(path, artifact.FACTS), type=Facts)
        report = judge(artifact.load(path), data.read(), facts)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        Console(width=100).print(*_tables(report), sep="\n")


def _tables(report: Report) -> Sequence[Table | str]:
    score = report.macro_f1
    rules = ", ".join(f"{name} {value:.3f}" for name, value in report.baselines.items())
    interval = f"[{score.low:.3f}, {score.high:.3f}]"
    return (
        f"{report.version}: macro-F1 {score.value:.3f} {interval} on {report.judged:,} rows",
        f"rules that read nothing: {rules}",
        f"accuracy {report.accuracy:.3f}, calibration error {report.ece:.3f}",
        _table(
            ("truth ↓ said →", *report.confusion, "F1"),
            [
                (name, *map(str, counts.values()), f"{report.f1[name]:.3f}")
                for name, counts in report.confusion.items()
            ],
        ),
        _table(
            ("source", "rows", "labels", "accuracy", "own majority", "macro-F1"),
            [
                (
                    s.name,
                    str(s.rows),
                    str(s.labels),
                    f"{s.accuracy:.2f}",
                    f"{s.source_majority:.2f}",
                    f"{s.macro_f1:.2f}",
                )
                for s in report.sources
            ],
        ),
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    return table
