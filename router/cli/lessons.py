"""`gearshift lessons`: what one's own traffic teaches, as training rows."""

import sys
import time
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click

from classifier.corpus import Example
from router.cli.ledger import begun_ledger, read_since
from router.errors import GearshiftError
from router.ledger.facets import Span
from router.report.since import ACCEPTED
from router.traffic.lessons import rows_from_ledger

_SAID: Final = frozenset({"label", "needs_info"})
"""Fields that say that nothing is known, too: left out, they would follow from the others."""


@click.command()
@click.option(
    "--since", default="30d", show_default=True, callback=read_since, help=f"Start: {ACCEPTED}."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def lessons(since: int, out: Path | None) -> None:
    """Write what kept prompts and feedback teach, one JSON object a line.

    The lines are what `gearshift train --data` reads. They hold prompts, so the file is made for
    your eyes only.

    \b
    Example:
      gearshift lessons --since 30d --out lessons.jsonl
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    rows = rows_from_ledger(begun_ledger(), Span(since_us=since, until_us=time.time_ns() // 1_000))
    if not rows:
        message = (
            "nothing was learned: rows need prompts that were kept (`ledger.store_prompts`) and "
            "something that is known of them, such as feedback"
        )
        raise GearshiftError(message)
    _write(rows, out)
    labelled = sum(row.label is not None for row in rows)
    click.echo(f"{len(rows):,} rows, {labelled:,} of them with a label", err=True)


def _write(rows: list[Example], out: Path | None) -> None:
    lines = msgspec.json.Encoder().encode_lines([_told(row) for row in rows])
    if out is None:
        sys.stdout.write(lines.decode())
        return
    try:
        out.touch(mode=0o600)
        if out.is_file():  # it may have been there, and open to others; /dev/null stays so
            out.chmod(0o600)
        out.write_bytes(lines)
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror}"
        raise GearshiftError(message) from error


def _told(row: Example) -> dict[str, object]:
    """What is known of a row. Of a label that is left out whoever reads the row would make one."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(row).items()
        if name in _SAID or value not in (None, ())
    }
