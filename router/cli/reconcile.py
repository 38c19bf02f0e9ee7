"""`gearshift reconcile`: the ledger beside what a provider says that it billed."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click
from msgspec.structs import replace
from rich.console import Console

from router.cli.amount import Amount
from router.cli.exports import read_entries
from router.cli.ledger import begun_ledger, read_moment
from router.config.load import environment, load
from router.config.presets import preset_path
from router.config.schema import Config
from router.domain import ModelId
from router.errors import GearshiftError
from router.ledger.facets import Span, day_of
from router.prices.book import Prices, build_prices
from router.prices.rates import Rate
from router.reconcile.booked import Hours, book
from router.reconcile.compare import Terms
from router.reconcile.invoice import FORMATS, Format, Invoice
from router.reconcile.names import Names, pair
from router.reconcile.read import Reading, read_invoice
from router.reconcile.summary import Reconciliation
from router.reconcile.summary import reconcile as hold
from router.reconcile.tables import FIELDS, Field
from router.reconcile.told import to_json, to_table
from router.report.since import ACCEPTED

_DAY_US: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_PAIR: Final = re.compile(r"([^=]+)=(.+)")


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    invoice: str
    since: int | None
    until: int | None
    form: Format | None
    columns: dict[Field, str]
    named: dict[str, str]
    upstream: str | None
    currency: str | None
    utc_offset: int
    tolerance: float
    whole: bool
    as_json: bool
    config: str | None


def _pairs(said: Iterable[str]) -> dict[str, str]:
    matches = [(one, _PAIR.fullmatch(one.strip())) for one in said if one.strip()]
    if wrong := [one for one, match in matches if match is None]:
        message = f"{wrong[0]!r} is no pair such as NAME=VALUE"
        raise click.BadParameter(message)
    return {match[1].strip(): match[2].strip() for _, match in matches if match}


def _read_map(
    context: click.Context, parameter: click.Parameter, said: tuple[str, ...]
) -> dict[str, str]:
    return _pairs(said)


def _read_columns(context: click.Context, parameter: click.Parameter, said: str) -> dict[str, str]:
    columns = _pairs(said.split(","))
    if unknown := [name for name in columns if name not in FIELDS]:
        message = f"{unknown[0]!r} is none of {', '.join(FIELDS)}"
        raise click.BadParameter(message)
    return columns


@click.command()
@click.option(
    "--invoice", required=True, type=click.Path(dir_okay=False), help="The provider's export."
)
@click.option("--since", callback=read_moment, help=f"First day: {ACCEPTED}.  [the invoice's]")
@click.option("--until", callback=read_moment, help="The day after the last, likewise.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Of the export.  [by its look]")
@click.option(
    "--columns",
    default="",
    callback=_read_columns,
    help="What stands where, as day=Date,model=Product,amount=Total.  [by the headings]",
)
@click.option(
    "--map",
    "named",
    multiple=True,
    callback=_read_map,
    help="A model of the invoice and the configured one that it is, as NAME=MODEL.",
)
@click.option("--upstream", help="Only models of this host.  [the hosts that the invoice names]")
@click.option("--currency", metavar="CODE", help="Of the invoice, where it does not say it.")
@click.option(
    "--utc-offset",
    type=click.IntRange(-12, 14),
    default=0,
    show_default=True,
    help="Hours that the invoice's days are ahead of UTC.",
)
@click.option(
    "--tolerance",
    type=Amount(0, 100),
    default=1.0,
    show_default=True,
    help="Per cent of the invoice that is no difference.",
)
@click.option("--all", "whole", is_flag=True, help="Show rows that match, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--config", type=click.Path(dir_okay=False), help="Configuration of the service.")
def reconcile(**said: object) -> None:
    """Hold the ledger against a provider's invoice or usage export, by day and model.

    Reads OpenAI's costs and usage (CSV or JSON), OpenRouter's activity (CSV or JSON), and any CSV
    whose headings name a day, a model, tokens or an amount. Nothing is changed, and nothing is sent
    anywhere.

    \b
    Example:
      gearshift reconcile --invoice costs_2026-11.csv
      gearshift reconcile --invoice bill.csv --utc-offset 8 --map kimi-k2-0905=kimi-k2-instruct
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    options = msgspec.convert(said, _Options)
    reading = Reading(form=options.form, columns=options.columns, currency=options.currency)
    invoice = _within(read_invoice(Path(options.invoice), reading), options)
    found = _held(invoice, _config(options), options)
    if options.as_json:
        click.echo(to_json(found), nl=False)
    else:
        Console().print(to_table(found, whole=options.whole))


def _config(options: _Options) -> Config:
    """The configuration that names models and prices; without one, that of the default preset."""
    return load(options.config or environment().config or preset_path("k2"))


def _within(invoice: Invoice, options: _Options) -> Invoice:
    """The charges of the days that were asked for."""
    since = "" if options.since is None else day_of(options.since)
    until = None if options.until is None else day_of(options.until)
    charges = tuple(
        one for one in invoice.charges if since <= one.day and (until is None or one.day < until)
    )
    if not charges:
        days = f"{invoice.charges[0].day} to {invoice.charges[-1].day}"
        message = f"{options.invoice} has nothing in these days: it goes from {days}"
        raise GearshiftError(message)
    return replace(invoice, charges=charges)


def _held(invoice: Invoice, config: Config, options: _Options) -> Reconciliation:
    with read_entries(begun_ledger(), _span(invoice)) as entries:
        hours = book(entries)
    hosts_names: dict[str, str] = {
        model: config.model[model].name if model in config.model else model for _, model in hours
    }
    models = [charge.model for charge in invoice.charges if charge.model]
    names = pair(models, hosts_names, options.named)
    hours, notes = _of_hosts(hours, names, config, options.upstream)
    if entries.spared:
        notes.append(f"{len(entries.spared):,} entries of the ledger could not be read")
    terms = Terms(
        names=names,
        rates=_rates(config, build_prices(config, datetime.now(UTC))),
        tolerance=options.tolerance / 100,
        offset_h=options.utc_offset,
    )
    return hold(invoice, hours, terms, notes)


def _span(invoice: Invoice) -> Span:
    """The invoice's days and one more at both ends: no calendar is further away."""
    first, last = (date.fromisoformat(invoice.charges[end].day) for end in (0, -1))
    # Numbers of days: they do not end where the calendar does.
    since = (first.toordinal() - _EPOCH - 1) * _DAY_US
    until = (last.toordinal() - _EPOCH + 2) * _DAY_US
    return Span(since_us=max(0, since), until_us=until)


def _of_hosts(
    hours: Hours, names: Names, config: Config, upstream: str | None
) -> tuple[Hours, list[str]]:
    """The sums of the hosts that the invoice is of, and a note of what was left out."""
    host = {model: settings.upstream for model, settings in config.model.items()}
    if upstream is not None and upstream not in config.upstream:
        message = f"there is no upstream {upstream!r}; there are {', '.join(config.upstream)}"
        raise GearshiftError(message)
    billed = set(names.of_invoice.values())
    hosts = {
        host.get(ModelId(model), model)
        for model, name in names.of_ledger.items()
        if upstream is None and name in billed
    }
    hosts |= {upstream} if upstream is not None else set()
    if not hosts:
        return hours, []
    kept = {slot: sums for slot, sums in hours.items() if host.get(slot[1], slot[1]) in hosts}
    left = sorted({model for _, model in hours} - {model for _, model in kept})
    told = f"left out, because other hosts serve them: {', '.join(left)} (--upstream says which)"
    return kept, [told] if left else []


def _rates(config: Config, prices: Prices) -> dict[str, Rate]:
    """Today's prices by the host's name of a model, where they do not depend on length."""
    return {
        settings.name: prices.quotes[model].rates[0]
        for model, settings in config.model.items()
        if len(prices.quotes[model].rates) == 1
    }
