"""`gearshift ledger`: what the ledger's store is to be told by hand."""

import rich_click as click

from router.cli.ledger import begun_ledger
from router.ledger.upgrade import remake_rollups


@click.group()
def ledger() -> None:
    """Look after the ledger's store."""


@ledger.command()
def rebuild() -> None:
    """Add up every entry anew, after rows were deleted or changed by hand.

    Reports read sums that are kept as entries come in. It takes up to a minute for a million
    entries; beside SQLite the service has to be stopped.

    \b
    Example:
      gearshift ledger rebuild
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    home = begun_ledger()
    remake_rollups(home)
    click.echo(f"the sums of {home.name} are made anew", err=True)
