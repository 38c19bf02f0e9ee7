"""What the commands that read the ledger share: which part of it, and that it is up to date."""

import time

import rich_click as click

from router.config.load import environment
from router.errors import LedgerError
from router.ledger.catchup import catch_up, is_begun
from router.ledger.place import Place, place
from router.ledger.progress import read_lag
from router.report.since import since_us


def read_since(context: click.Context, parameter: click.Parameter, said: str) -> int:
    """The moment that an option names, microseconds since the epoch: a callback of click's."""
    try:
        return since_us(said, time.time_ns() // 1_000)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def read_moment(context: click.Context, parameter: click.Parameter, said: str | None) -> int | None:
    """The same of an option that may be left out."""
    return None if said is None else read_since(context, parameter, said)


def ledger_home() -> Place:
    """Where the ledger of this environment lives. Raises LedgerError."""
    surroundings = environment()
    return place(surroundings.data_dir, surroundings.ledger_url)


def begun_ledger() -> Place:
    """The same, drained. Raises LedgerError also where nothing was ever recorded."""
    home = ledger_home()
    if not is_begun(home):
        message = f"there is no ledger yet at {home.name}: it begins with the first request"
        raise LedgerError(message)
    bring_up_to_date(home)
    return home


def bring_up_to_date(home: Place) -> None:
    """Store what waits, where no service does that; say on standard error what waits still."""
    catch_up(home)
    try:
        lag = read_lag(home.spool)
    except OSError as error:
        click.echo(f"what waits in {home.spool} is not in it: {error.strerror}", err=True)
        return
    if lag.entries:
        reason = f" ({lag.trouble})" if lag.trouble else ""
        click.echo(
            f"{lag.entries:,} requests wait to be stored and are not in it{reason}", err=True
        )
