"""Entries that a command reads: from the ledger, or from files with one as JSON a line."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import track

from router.cli.ledger import begun_ledger
from router.domain import Entry
from router.errors import GearshiftError
from router.ledger.facets import Span
from router.ledger.store import Store

_LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a line: more is no entry."""
_read: Final = msgspec.json.Decoder(Entry).decode


def read_entries(files: Sequence[Path], span: Span) -> Iterator[Entry]:
    """The entries of `files`, or without any those of the ledger in `span`; counted at a terminal.

    Raises GearshiftError, LedgerError.
    """
    if files:
        yield from _counted(entry for file in files for entry in entries_in(file))
        return
    store = Store(begun_ledger())
    try:
        yield from _counted(store.entries(span))
    finally:
        store.close()


def entries_in(path: Path) -> Iterator[Entry]:
    """The entries of a JSONL file, also gzipped. Raises GearshiftError with the line."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while line := file.readline(_LONGEST):
                number += 1
                if line.strip():
                    yield _read(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"{path}, line {number} is no entry of a ledger: {error}"
        raise GearshiftError(message) from error
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise GearshiftError(f"{path} cannot be read: {why}") from error


def _counted(entries: Iterable[Entry]) -> Iterator[Entry]:
    console = Console(stderr=True)
    yield from track(entries, "reading", console=console, disable=not console.is_terminal)
