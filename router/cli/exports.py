"""Entries on their way out of the ledger: read with a bar, written as JSONL, CSV or Parquet."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

import msgspec
import rich_click as click
from msgspec.structs import replace

from router.cli.model import bar
from router.domain import DecisionId, Entry
from router.errors import GearshiftError
from router.ledger.facets import Span
from router.ledger.flat import Column, Value, columns, row
from router.ledger.place import Place
from router.ledger.store import Store
from router.spreadsheet import inert, line

if TYPE_CHECKING:
    import pyarrow as pa

_STRIDE: Final = 1_000
_GROUP: Final = 20_000
"""Rows of one group of a Parquet file: what is in memory at a time."""


class Found:
    """The entries of a span, read once; how many there were, and which could not be read."""

    def __init__(self, entries: Iterator[Entry], spared: list[DecisionId]) -> None:
        self._entries = entries
        self.spared = spared
        self.read = 0

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.read += 1
            yield entry


class Write(Protocol):
    """Writes entries in one form, to standard output where no file is named."""

    def __call__(self, entries: Iterable[Entry], out: Path | None, *, with_prompts: bool) -> None:
        """Raises GearshiftError where the file cannot be written."""


@contextmanager
def read_entries(home: Place, span: Span, *, with_prompts: bool = False) -> Iterator[Found]:
    """The entries of `span`, with a bar at a terminal. Those that cannot be read are spared."""
    store = Store(home)
    spared: list[DecisionId] = []
    try:
        total = sum(one.tally.requests for one in store.tallies((), span))
        with bar("reading the ledger") as progress:

            def told() -> Iterator[Entry]:
                for number, entry in enumerate(store.entries(span, spare=spared.append)):
                    if number % _STRIDE == 0:
                        progress(number, total)
                    yield entry if with_prompts else replace(entry, prompt=None, kept=None)

            yield Found(told(), spared)
    finally:
        store.close()


def write_jsonl(entries: Iterable[Entry], out: Path | None, *, with_prompts: bool) -> None:
    """An entry a line; the text is in it as far as it is in the entries."""
    del with_prompts
    encode = msgspec.json.Encoder().encode
    with _opened(out) as file:
        for entry in entries:
            file.write(encode(entry).decode() + "\n")


def write_csv(entries: Iterable[Entry], out: Path | None, *, with_prompts: bool) -> None:
    """A row an entry, with names at the top."""
    wanted = columns(with_prompts=with_prompts)
    with _opened(out) as file:
        file.write(line(column.name for column in wanted))
        for entry in entries:
            file.write(line(_text(value) for value in row(entry, wanted)))


def write_parquet(entries: Iterable[Entry], out: Path | None, *, with_prompts: bool) -> None:
    """A row an entry; amounts are decimals with twelve places, times microseconds in UTC."""
    if out is None:
        raise click.UsageError("Parquet is no text: name a file with --out")
    try:
        import pyarrow as pa  # noqa: PLC0415  # heavy, and in no serving set
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise GearshiftError("Parquet needs the extra `sim`: make setup EXTRAS=sim") from error
    wanted = columns(with_prompts=with_prompts)
    schema = pa.schema([(column.name, _arrow(column)) for column in wanted])
    with _replaced(out) as draft, pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        rows = (row(entry, wanted) for entry in entries)
        while group := list(islice(rows, _GROUP)):
            writer.write_table(pa.table(list(zip(*group, strict=True)), schema=schema))


def _arrow(column: Column) -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415  # loaded by the caller

    return {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "time": pa.timestamp("us", tz="UTC"),
        "count": pa.int64(),
        "number": pa.float64(),
        "money": pa.decimal128(38, 12),
        "flag": pa.bool_(),
    }[column.kind]


def _text(value: Value) -> str:
    """A value as a spreadsheet reads it: no name is taken for a formula."""
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
        case tuple():
            return msgspec.json.encode(value).decode()
        case str():
            return inert(value)
    return "" if value is None else str(value)


@contextmanager
def _opened(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        sys.stdout.flush()  # before anybody says that it is written
        return
    with _replaced(out) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _replaced(out: Path) -> Iterator[Path]:
    """A draft beside `out` that takes its place once it is whole; only its owner may read it.

    A pipe or a device is written to as it is: it is nothing that could be replaced.
    """
    draft = out.parent / f".gearshift-{os.getpid()}"
    try:
        if out.exists() and not out.is_file():
            yield out
            return
        draft.touch(mode=0o600)
        yield draft
        draft.replace(out)
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror or error}"
        raise GearshiftError(message) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
