"""Migrations: brings a store to the revision that this code reads and writes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from router.errors import LedgerError
from router.ledger.engine import open_engine, said
from router.ledger.filelock import FileLock
from router.ledger.place import Place
from router.ledger.rebuild import rebuild
from router.ledger.schema import REVISION

DRAIN_LOCK: Final = "drain.lock"
"""Held by whoever writes to the store from this spool."""
_ADVISORY: Final = 0x6765_6172_7368
"""The number that all instances lock in PostgreSQL while they migrate."""
_PATIENCE_S: Final = 10.0
_PAUSE_S: Final = 0.05


def upgrade(place: Place, *, patience_s: float = _PATIENCE_S) -> None:
    """Make the store, or bring it up to date. Safe to call from several processes at once.

    Raises LedgerError where it cannot be opened, comes from a later version, or another process
    keeps writing to it in an older form.
    """
    try:
        if not _is_current(place):
            with _only_writer(place, patience_s) as needed:
                if needed:
                    _migrate(place)
    except OSError as error:
        message = f"the ledger {place.name} cannot be made: {error.strerror}"
        raise LedgerError(message) from error
    except SQLAlchemyError as error:
        message = f"the ledger {place.name} cannot be opened: {said(error)}"
        raise LedgerError(message) from error
    except msgspec.DecodeError as error:
        message = (
            f"the ledger {place.name} stays as it was, for an entry of it cannot be read: {error}"
        )
        raise LedgerError(message) from error


def remake_rollups(place: Place) -> None:
    """Make the rollups anew, where somebody changed rows by hand.

    Raises LedgerError where it cannot be done, or a service writes to an embedded store.
    """
    engine = open_engine(place, writing=True)
    try:
        with _only_writer(place, 0.0) as alone:
            if not alone:
                message = f"a service writes to {place.name}: stop it first"
                raise LedgerError(message)
            with engine.begin() as connection:
                check_revision(connection, place.name)
                rebuild(connection)
    except OSError as error:
        message = f"the ledger {place.name} cannot be written: {error.strerror}"
        raise LedgerError(message) from error
    except SQLAlchemyError as error:
        message = f"the ledger {place.name} stays as it was: {said(error)}"
        raise LedgerError(message) from error
    finally:
        engine.dispose()


def check_revision(connection: Connection, name: str) -> None:
    """Raises LedgerError where the store `name` is not of the revision that is read and written."""
    found = revision_of(connection)
    if found != REVISION:
        message = (
            f"the ledger {name} is of revision {found or 'none'} instead of {REVISION}:"
            " start the service once to bring it up to date"
        )
        raise LedgerError(message)


def revision_of(connection: Connection) -> str | None:
    """The revision of a store; none for one that was never migrated."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _is_current(place: Place) -> bool:
    if place.sqlite is not None and not place.sqlite.exists():
        return False
    engine = open_engine(place, writing=False)
    try:
        with engine.connect() as connection:
            return revision_of(connection) == REVISION
    finally:
        engine.dispose()


@contextmanager
def _only_writer(place: Place, patience_s: float) -> Iterator[bool]:
    """Keep other writers out of an embedded store; whether the migration is still needed.

    PostgreSQL sees to that itself, by the advisory lock.
    """
    if place.sqlite is None:
        yield True
        return
    place.spool.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place.spool / DRAIN_LOCK)
    deadline = time.monotonic() + patience_s
    while not lock.take():
        if _is_current(place):
            yield False
            return
        if time.monotonic() > deadline:
            message = f"another process writes to {place.name} in an older form: stop it first"
            raise LedgerError(message)
        time.sleep(_PAUSE_S)
    try:
        yield True
    finally:
        lock.give_back()


def _migrate(place: Place) -> None:
    # Alembic takes a tenth of a second to import, and most starts have nothing to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", _escaped(Path(__file__).parent / "migrations"))
    if place.sqlite is not None:
        # Callers' names are in it, and where it is configured their prompts.
        place.sqlite.touch(mode=0o600)
    engine = open_engine(place, writing=True)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY})
            config.attributes["connection"] = connection
            before = revision_of(connection)
            command.upgrade(config, "head")
            # Later migrations change what is added up, or they do not: it costs a pass to be sure.
            if before is not None and before != REVISION:
                rebuild(connection)
    except CommandError as error:
        message = f"the ledger {place.name} comes from a later version of gearshift: {error}"
        raise LedgerError(message) from error
    finally:
        engine.dispose()


def _escaped(path: Path) -> str:
    """A path as alembic's configuration takes it, where a per cent sign begins a reference."""
    return str(path).replace("%", "%%")
