"""`gearshift evaluate`: judging a version of the classifier."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from classifier import artifact
from classifier.corpus import Example, readable
from classifier.evaluate import STEPS, Measured, Report
from classifier.evaluate import evaluate as judge
from classifier.facts import Facts
from classifier.folds import of_part
from classifier.judge.frontier import COSTS
from classifier.judge.speed import speed
from classifier.model import Classifier
from classifier.pages.page import to_json, write
from classifier.pages.sections import headline
from classifier.registry import find, resolve
from classifier.routellm import Exam, ExamScore, examine, read_exams, wants
from classifier.types import Costs
from router.cli.calibrate import configuration, lengths_of
from router.cli.model import DATA, REGISTRY, Data, ModelError, plainly, steps
from router.cli.table import table
from router.errors import ConfigError
from router.prices.book import build_prices
from router.prices.tiers import tier_costs

PICTURES: Final = ("jinja2", "vl_convert")
"""What the report extra brings."""


def _read_costs(_: click.Context, __: click.Parameter, said: str | None) -> Costs | None:
    if said is None:
        return None
    try:
        costs: Costs = msgspec.convert(said.split(","), Costs, strict=False)
    except msgspec.ValidationError:
        costs = 0.0, 0.0, 0.0
    if not _rise(costs):
        message = f"{said!r} is not three rising costs, as in 0.05,0.25,1"
        raise click.BadParameter(message)
    return costs


def _rise(costs: Costs) -> bool:
    easy, medium, hard = costs
    return 0 <= easy <= medium <= hard < math.inf and easy < hard


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    data: Data
    held_out: bool
    name: str | None
    as_json: bool
    out: Path | None
    routellm: Path | None
    costs: Costs | None
    config: str | None
    registry: Path


@click.command()
@DATA
@click.option(
    "--version", "name", metavar="V", help="A version, or its beginning; else the one in service."
)
@click.option(
    "--held-out",
    is_flag=True,
    help="Judge only by rows that training never uses, a tenth of the data; always so with the "
    "prompts that ship.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write report.html, report.json and its pictures here.",
)
@click.option(
    "--routellm",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also sit RouteLLM's sets: gsm8k, mmlu, mt_bench as .jsonl or .jsonl.gz.",
)
@click.option(
    "--costs",
    show_default="by the prices of the configuration",
    callback=_read_costs,
    metavar="E,M,H",
    help="Costs of one request to easy, medium and hard, in any unit.",
)
@click.option("--config", metavar="F", help="Configuration file (TOML): prices.")
@REGISTRY
def evaluate(**said: object) -> None:
    """Judge a version on labelled prompts that it did not learn from.

    Data that also trains, trains with nine tenths of itself: --held-out judges by the rest.

    \b
    Example:
      gearshift evaluate --data mine.csv --held-out
      gearshift evaluate --data val.jsonl.gz --out evaluation
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    options = msgspec.convert(said, _Options)
    if options.out:
        _check(options.out)
    with plainly():
        report = _judge(options)
        written = write(report, options.out) if options.out else ()
    if options.as_json:
        click.echo(to_json(report), nl=False)
        return
    Console(width=100).print(*_tables(report), sep="\n")
    for path in written:
        click.echo(path)


def _check(out: Path) -> None:
    """Find out before the work, not after it, that its result could not be written."""
    missing = [name for name in PICTURES if find_spec(name) is None]
    if missing:
        message = f"{missing[0]} is not installed: make setup EXTRAS=report"
        raise ModelError(message)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror}"
        raise ModelError(message) from error


def _judge(options: _Options) -> Report:
    name, registry = options.name, options.registry
    path = find(registry, name) if name else resolve(registry)
    facts = msgspec.json.decode(artifact.read_text(path, artifact.FACTS), type=Facts)
    classifier = artifact.load(path)
    exams = read_exams(options.routellm) if options.routellm else []
    costs = options.costs or _costs(options.config)
    with steps(STEPS + 1 + len(exams)) as begin:
        examples = _rows(options)
        report = judge(classifier, examples, facts, costs=costs, progress=begin)
        begin("taking the time")
        measured = Measured(
            speed=speed(classifier, readable(examples)[1]),
            routellm=tuple(_sit(classifier, exam, begin) for exam in exams),
        )
    return msgspec.structs.replace(report, measured=measured)


def _costs(config: str | None) -> Costs:
    """Of a typical request by the configuration; COSTS, and it is said, where it tells none."""
    settings = configuration(config)
    prices = build_prices(settings, datetime.now(UTC))
    try:
        costs = tier_costs(settings, prices, lengths_of(settings))
    except ConfigError as error:
        why = str(error)
    else:
        if _rise(costs):
            return costs
        why = "easier tiers do not cost less than harder ones"
    usual = ",".join(f"{cost:g}" for cost in COSTS)
    click.echo(f"{why}; weighed by {usual}: --costs says otherwise", err=True)
    return COSTS


def _rows(options: _Options) -> list[Example]:
    examples = options.data.read()
    if not options.held_out and not options.data.shipped:
        return examples
    return of_part(examples, "promote")


def _sit(classifier: Classifier, exam: Exam, begin: Callable[[str], None]) -> ExamScore:
    begin(f"sitting {exam.name}")
    return examine(exam, wants(classifier, exam.prompts))


def _tables(report: Report) -> Iterator[Table | str]:
    rules = ", ".join(f"{name} {rule.macro_f1:.3f}" for name, rule in report.baselines.items())
    yield f"{report.version}: macro-F1 {report.macro_f1:.3f} on {report.judged:,} rows"
    yield f"rules that read nothing: {rules}"
    counts = report.confusion.rows
    yield table(
        ("truth ↓ said →", *counts, "F1"),
        [
            (score.name, *map(str, counts[score.name].values()), f"{score.f1:.3f}")
            for score in report.labels
        ],
    )
    yield table(("figure", "value", ""), [*headline(report)[1:], *_measured(report.measured)])


def _measured(measured: Measured) -> Iterator[tuple[str, str, str]]:
    for exam in measured.routellm:
        margin = f"{exam.margin:+.3f} beyond the length rule"
        yield f"RouteLLM {exam.name}, APGR", f"{exam.apgr:.3f}", margin
    if measured.speed:
        took = measured.speed
        yield (
            "time of one prompt",
            f"{took.median_ms:.2f} ms, 95 % under {took.p95_ms:.2f} ms",
            f"{took.batch_per_s:,.0f}/s in a batch; {took.second:.1%} to the second stage",
        )
