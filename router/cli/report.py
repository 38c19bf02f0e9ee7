"""`gearshift report`: what the requests cost, and what they would have cost."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final, Literal, TypeAlias, get_args

import msgspec
import rich_click as click
from rich.console import Console

from classifier.pages.draw import picture
from classifier.pages.page import render_sheet
from classifier.types import TIERS, Tier
from router.cli.ledger import bring_up_to_date, ledger_home, read_since
from router.config.load import environment, load
from router.errors import GearshiftError
from router.ledger.catchup import is_begun
from router.ledger.facets import DIMENSIONS, Dimension, Span
from router.ledger.place import Place
from router.ledger.store import Store
from router.report.markdown import to_markdown
from router.report.page import pictures, sheet
from router.report.plain import to_csv, to_json
from router.report.since import ACCEPTED
from router.report.summary import Question, Report, compose, read_report
from router.report.table import to_table

Form: TypeAlias = Literal["table", "json", "csv", "md", "html"]
_FORMS: Final[tuple[Form, ...]] = get_args(Form)
_WIDTH: Final = 100
_PICTURES: Final = ("vl_convert", "jinja2")


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    since: int
    by: tuple[Dimension, ...]
    form: Form
    baseline: Tier | None
    simulated: bool
    out: str | None
    config: str | None


def _read_by(context: click.Context, parameter: click.Parameter, said: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in said.split(",") if name.strip()))
    if unknown := [name for name in names if name not in DIMENSIONS]:
        message = f"{unknown[0]!r} is none of {', '.join(DIMENSIONS)}"
        raise click.BadParameter(message)
    return names


@click.command()
@click.option(
    "--since", default="7d", show_default=True, callback=read_since, help=f"Start: {ACCEPTED}."
)
@click.option(
    "--by", default="", callback=_read_by, help=f"Groups, by comma: {', '.join(DIMENSIONS)}."
)
@click.option(
    "--format", "form", default="table", show_default=True, type=click.Choice(_FORMS), help="Form."
)
@click.option(
    "--baseline", type=click.Choice(TIERS), help="Compare with this tier.  [configured, or hard]"
)
@click.option("--simulated", is_flag=True, help="Show simulated money also where there is real.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write to this file.")
@click.option("--config", type=click.Path(dir_okay=False), help="Configuration of the service.")
def report(**said: object) -> None:
    """Show what the requests cost, and what each tier alone would have cost.

    \b
    Example:
      gearshift report --since 24h --by model,tier
      gearshift report --by user --format csv --out users.csv
      gearshift report --since 30d --by day --format html --out report.html
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    options = msgspec.convert(said, _Options)
    if options.form == "html":
        _check_pictures()
    home = ledger_home()
    question = _question(options, environment().config)
    if is_begun(home):
        _write(_read(home, question), options)
    else:
        _begin(home, question, options)


def _check_pictures() -> None:
    """Find out before the file is begun that it could not be finished."""
    missing = [name for name in _PICTURES if find_spec(name) is None]
    if missing:
        message = f"{missing[0]} is not installed: make setup EXTRAS=report"
        raise GearshiftError(message)


def _question(options: _Options, configured: str) -> Question:
    config = options.config or configured
    return Question(
        by=options.by,
        # Without a file the service runs with a preset, and those compare with hard.
        baseline=options.baseline or (load(config).baseline if config else "hard"),
        simulated=options.simulated,
        span=Span(since_us=options.since, until_us=time.time_ns() // 1_000),
    )


def _begin(home: Place, question: Question, options: _Options) -> None:
    """Say that there is nothing yet; a program gets the empty report that it can read."""
    people = options.form == "table"
    click.echo(f"No ledger yet at {home.name}: it begins with the first request.", err=not people)
    if not people:
        _write(compose((), (), question), options)


def _read(home: Place, question: Question) -> Report:
    """The report; what it leaves out is said on standard error."""
    bring_up_to_date(home)
    store = Store(home)
    try:
        return read_report(store, question)
    finally:
        store.close()


def _write(report: Report, options: _Options) -> None:
    if options.out is None:
        _print(report, options.form, sys.stdout, width=None)
        return
    try:
        with Path(options.out).open("w", encoding="utf-8", newline="") as file:
            _print(report, options.form, file, width=_WIDTH)
    except OSError as error:
        message = f"{options.out} cannot be written: {error.strerror}"
        raise GearshiftError(message) from error


def _print(report: Report, form: Form, file: IO[str], *, width: int | None) -> None:
    match form:
        case "table":
            Console(file=file, width=width).print(to_table(report))
        case "json":
            file.write(to_json(report))
        case "csv":
            file.write(to_csv(report))
        case "md":
            file.write(to_markdown(sheet(report), {}))
        case "html":
            file.write(_page(report))


def _page(report: Report) -> str:
    drawn = tuple(picture(chart) for chart in pictures(report))
    return render_sheet(sheet(report), drawn)
