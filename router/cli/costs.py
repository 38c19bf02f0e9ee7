"""`gearshift costs`: what each model costs and writes, and how to learn that from a log."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click

from router.cli.calibrate import configuration, lengths_of
from router.cli.costs_table import fitted_lines, shown
from router.cli.entries import read_entries
from router.cli.ledger import read_since
from router.config.load import environment
from router.config.schema import Config
from router.errors import GearshiftError
from router.ledger.facets import Span
from router.prices.answers import Answers, gather
from router.prices.book import build_prices
from router.prices.fit import LEAST_ROWS, fit_lengths
from router.prices.fitted import FILE, Fit, write_fit
from router.prices.lengths import Lengths
from router.prices.overview import overview
from router.report.since import ACCEPTED

CONFIG: Final = click.option(
    "--config", metavar="F", help="Configuration file (TOML): models, prices, priors."
)


@click.group()
def costs() -> None:
    """What each model costs and writes, and what that is known from.

    \b
    Example:
      gearshift costs show
      gearshift costs fit --since 30d
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)


@costs.command("fit")
@click.option(
    "--since", default="30d", show_default=True, callback=read_since, help=f"Start: {ACCEPTED}."
)
@click.option(
    "--data",
    "files",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Entries as JSONL (also .gz), all of them, instead of the ledger; may be repeated.",
)
@click.option(
    "--simulated", is_flag=True, help="Fit answers of the sandbox also where real ones are."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Write to this file.  [{FILE} in GEARSHIFT_DATA_DIR]",
)
@CONFIG
def fit_costs(
    since: int, files: tuple[Path, ...], simulated: bool, out: Path | None, config: str | None
) -> None:
    """Learn how much each model writes from answers that were billed.

    Services read the result when they start; until then, and for models with few answers, the
    priors of the configuration stand.

    \b
    Example:
      gearshift costs fit --since 30d
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    settings = configuration(config)
    span = Span(since_us=since, until_us=time.time_ns() // 1_000)
    answers = gather(read_entries(files, span), simulated=True if simulated else None)
    fit = fit_lengths(answers)
    if not fit.levels:
        raise GearshiftError(_too_few(answers))
    path = out or Path(environment().data_dir) / FILE
    write_fit(path, fit)
    click.echo(f"{path}")
    found = overview(settings, build_prices(settings, datetime.now(UTC)), _over(settings, fit))
    for line in (*fitted_lines(found), *_left_out(answers)):
        click.echo(line, err=True)
    if fit.simulated != settings.simulated:
        kind = "simulated" if fit.simulated else "real"
        click.echo(f"this configuration will not use it: the answers were {kind}", err=True)


@costs.command("show")
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON.")
@CONFIG
def show_costs(as_json: bool, config: str | None) -> None:
    """Show prices and output lengths of every model, with what they rest on.

    \b
    Example:
      gearshift costs show
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    settings = configuration(config)
    found = overview(settings, build_prices(settings, datetime.now(UTC)), lengths_of(settings))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    click.echo("\n".join(shown(found)))


def _over(settings: Config, fit: Fit) -> Lengths:
    """The lengths as they are with `fit`, whichever kind of answers it rests on."""
    priors = Lengths.priors(settings)
    return Lengths(priors.stated, {}, fit)


def _left_out(answers: Answers) -> Iterator[str]:
    if answers.left_out:
        yield f"left out: {', '.join(f'{n:,} {why}' for why, n in answers.left_out.items())}"


def _too_few(answers: Answers) -> str:
    counts = Counter(answers.models[code] for code in answers.model.tolist())
    seen = ", ".join(f"{model} {count:,}" for model, count in counts.items()) or "none at all"
    left_out = "".join(f"; {line}" for line in _left_out(answers))
    return (
        f"no model has {LEAST_ROWS} answers that ended by themselves and were billed ({seen}"
        f"{left_out}): take an earlier --since, or keep the priors"
    )
