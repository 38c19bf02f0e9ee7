"""Where a ledger lives: the spool's folder and the store's URL."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from router.errors import LedgerError

_ACCEPTED = "postgresql://USER@HOST/DATABASE, or nothing for SQLite in the data directory"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The two homes of an entry: first the spool, then the store."""

    spool: Path
    """Folder of the segment files; always on a local disk."""
    sqlite: Path | None
    """The embedded store's file; none where the store is a server."""
    url: str = ""
    """The server, as SQLAlchemy names it. Holds the password: never shown."""

    @property
    def name(self) -> str:
        """The store as a person may see it, without its password."""
        if self.sqlite is not None:
            return str(self.sqlite)
        parts = urlsplit(self.url)
        return f"postgresql://{parts.hostname or 'localhost'}{parts.path}"


def place(data_dir: str, ledger_url: str = "") -> Place:
    """The ledger of a data directory, its store at `ledger_url` where one is given.

    Raises LedgerError for a URL of any other kind than PostgreSQL's.
    """
    root = Path(data_dir).absolute()
    spool = root / "spool"
    if not ledger_url:
        return Place(spool=spool, sqlite=root / "ledger.sqlite3")
    scheme, _, rest = ledger_url.partition("://")
    if not rest or scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        message = f"GEARSHIFT_LEDGER_URL names a store of an unknown kind; accepted: {_ACCEPTED}"
        raise LedgerError(message)
    return Place(spool=spool, sqlite=None, url=f"postgresql+psycopg://{rest}")
