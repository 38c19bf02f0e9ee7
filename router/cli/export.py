"""`gearshift export`: the ledger's entries, for other programs."""

from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec
import rich_click as click

from router.cli.exports import Write, read_entries, write_csv, write_jsonl, write_parquet
from router.cli.ledger import begun_ledger, read_moment
from router.errors import GearshiftError
from router.ledger.facets import Span
from router.report.since import ACCEPTED

Form: TypeAlias = Literal["jsonl", "csv", "parquet"]
_FORMS: Final[tuple[Form, ...]] = get_args(Form)
_WRITERS: Final[dict[Form, Write]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    since: int | None
    until: int | None
    form: Form | None
    out: str | None
    with_prompts: bool


@click.command()
@click.option("--since", callback=read_moment, help=f"Start: {ACCEPTED}.  [the beginning]")
@click.option("--until", callback=read_moment, help="End, likewise.  [the end]")
@click.option(
    "--format", "form", type=click.Choice(_FORMS), help="Form.  [by the ending of --out, or jsonl]"
)
@click.option("--out", type=click.Path(dir_okay=False), help="Write to this file.")
@click.option(
    "--with-prompts", is_flag=True, help="With the text of prompts, where it was kept and still is."
)
def export(**said: object) -> None:
    """Write the ledger's entries in the order of their arrival.

    As JSONL each line is a whole entry, as `gearshift simulate` reads it; CSV and Parquet have a
    row for each, with amounts in US dollars to the last digit. Who asked is in all of them, so the
    file is made for your eyes only.

    \b
    Example:
      gearshift export --since 30d --out november.parquet
      gearshift export --since 2026-11-01 --until 2026-12-01 --format csv > november.csv
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    options = msgspec.convert(said, _Options)
    form = _form(options)
    out = None if options.out is None else Path(options.out)
    span = Span(since_us=options.since, until_us=options.until)
    entries = read_entries(begun_ledger(), span, with_prompts=options.with_prompts)
    with entries as found:
        _WRITERS[form](found, out, with_prompts=options.with_prompts)
    told = f" to {out}" if out else ""
    click.echo(f"{found.read:,} entries written{told}", err=True)
    if found.spared:
        message = (
            f"{len(found.spared):,} entries could not be read and are left out, the first of them"
            f" {found.spared[0]}: their documents are damaged, or from a later version"
        )
        raise GearshiftError(message)


def _form(options: _Options) -> Form:
    ending = Path(options.out or "").suffix.removeprefix(".")
    by_ending: Form = next((form for form in _FORMS if form == ending), "jsonl")
    form = options.form or by_ending
    if options.out == "":
        raise click.UsageError("--out names no file")
    if form == "parquet" and options.out is None:
        raise click.UsageError("Parquet is no text: name a file with --out")
    return form
