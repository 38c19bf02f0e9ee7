"""SQLAlchemy engines for both kinds of store."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from router.errors import LedgerError
from router.ledger.place import Place

_BUSY_S = 5.0
_CONNECT_S = 5
_SILENCE_MS = 30_000


def open_engine(place: Place, *, writing: bool) -> Engine:
    """An engine that has not connected yet.

    A document goes in and out as the JSON text it is. Raises LedgerError where the driver of the
    store is not installed.
    """
    if place.sqlite is not None:
        return _sqlite(place.sqlite, writing=writing)
    # The server would keep the locks of a writer that vanished. A reader has none, and may take its
    # time between two pages.
    idle_ms = _SILENCE_MS if writing else 0
    try:
        return create_engine(
            place.url,
            pool_size=1,
            pool_pre_ping=True,
            # A report reads several times and must see one state; SQLite does so by itself.
            isolation_level="READ COMMITTED" if writing else "REPEATABLE READ",
            connect_args={
                "connect_timeout": _CONNECT_S,
                # A server that vanished without a word would hold a connection for hours.
                "tcp_user_timeout": _SILENCE_MS,
                "options": f"-c idle_in_transaction_session_timeout={idle_ms}",
            },
            json_serializer=_same,
            json_deserializer=_same,
            hide_parameters=True,  # of what goes wrong: they are callers' names, and prompts
        )
    except ModuleNotFoundError as error:
        message = "PostgreSQL needs the extra `postgres`: make setup EXTRAS=postgres"
        raise LedgerError(message) from error


def _sqlite(file: Path, *, writing: bool) -> Engine:
    """SQLite: one process writes (the drain lock sees to that), any number read.

    Readers open the file read-only: the SQLite of many systems can corrupt its log when a second
    connection checkpoints it.
    """
    mode = "rwc" if writing else "ro"
    uri = f"file:{quote(str(file))}?mode={mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        if writing:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            # What is deleted is overwritten: a prompt that has gone is not to be found in the file.
            connection.execute("PRAGMA secure_delete=ON")
        return connection

    engine = create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=1,
        json_serializer=_same,
        json_deserializer=_same,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The driver would begin by itself, but neither before a query nor before a CREATE TABLE.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def said(error: SQLAlchemyError) -> str:
    """What the database said, on one line, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())


def _same(document: str) -> str:
    return document
