"""Data files as records: JSONL, CSV and TSV, plain or gzip, and Parquet.

A row that cannot be read is a record that says why; a file that cannot is an error.
"""

import csv
import glob
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

LONGEST_CELL: Final = 2**31 - 1
"""The csv module stops at 131,072 characters otherwise: shorter than some prompts."""
DELIMITERS: Final = ",;\t|"

_FIRST_LINE: Final = re.compile(r"(?:^|(?<=\r))[^\r\n]*\S", re.MULTILINE)
"""The first that is not blank, whatever ends it."""

_MAGIC: Final = {
    b"\x1f\x8b": "is gzip data: end its name in .gz",
    b"\x28\xb5\x2f\xfd": "is zstandard data: unpack it first",
    b"PK\x03\x04": "is a zip archive or a spreadsheet: save it as CSV",
    b"PAR1": "is Parquet: end its name in .parquet",
    b"\xff\xfe": "is UTF-16: save it as UTF-8",
    b"\xfe\xff": "is UTF-16: save it as UTF-8",
}


class FileError(Exception):
    """A file cannot be used at all; the message names it and the fix."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it stands in its file."""

    place: str
    """`line 7`, or `row 7` where there are no lines; the first is 1."""
    fields: dict[str, object] = {}
    wrong: str | None = None
    """Why there are no fields."""


def find(patterns: Sequence[str]) -> tuple[Path, ...]:
    """The files that `patterns` name: files, globs, folders with all below. Raises FileError."""
    return distinct([path for pattern in patterns for path in _find(pattern)])


def distinct(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Each of `paths` once. Raises FileError where one is there packed and unpacked as well.

    For its rows would count twice.
    """
    found = dict.fromkeys(paths)
    for path in found:
        if path.with_name(f"{path.name}.gz") in found:
            msg = f"{path} is there twice, also as {path.name}.gz: name or keep one of them"
            raise FileError(msg)
    return tuple(found)


def records(path: Path) -> Iterator[Record]:
    """Every row of `path`, in order. Raises FileError; ImportError for Parquet without pyarrow."""
    reader = _READERS.get(_suffix(path))
    if reader is None:
        msg = (
            f"{path} has no name of a known format: {', '.join(_READERS)} (the text ones also .gz)"
        )
        raise FileError(msg)
    return reader(path)


def _find(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_dir():
        below = (file for file in path.rglob("*") if not file.name.startswith("."))
        found = sorted(file for file in below if file.is_file() and _suffix(file) in _READERS)
        if not found:
            raise FileError(f"{path} holds no data file ({', '.join(_READERS)})")
        return found
    if path.exists():
        return [path]
    matched = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (absolute ones too)
    if not matched:
        raise FileError(f"there is no file {pattern}")
    return [file for match in matched for file in _find(match)]


def _suffix(path: Path) -> str:
    """`.csv` of `rows.csv` and of `rows.csv.gz`; a Parquet file is packed inside."""
    name = path.name.lower()
    inner = Path(name.removesuffix(".gz")).suffix
    return Path(name).suffix if inner in {".parquet", ".pq"} else inner


def _json_lines(path: Path) -> Iterator[Record]:
    text = _text(path)
    if text.lstrip().startswith("["):
        raise FileError(f"{path} is one JSON list: write one object a line (`jq -c '.[]'`)")
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _json_line(f"line {number}", line)


def _json_line(place: str, line: str) -> Record:
    try:
        fields = msgspec.json.decode(line)
    except (ValueError, RecursionError) as error:
        return Record(place=place, wrong=str(error))
    if not isinstance(fields, dict):
        return Record(place=place, wrong='one JSON object a line is needed: {"prompt": …}')
    return Record(place=place, fields=fields)


def _table(path: Path) -> Iterator[Record]:
    """Rows of a CSV or TSV file; an empty cell is no value."""
    text = _text(path)
    csv.field_size_limit(LONGEST_CELL)
    delimiter = "\t" if _suffix(path) == ".tsv" else _delimiter(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    line = 1
    try:
        for cells in rows:
            if header and cells:
                yield _row(f"line {line}", header, cells)
            elif cells:
                header = _header(path, cells)
            line = rows.line_num + 1
    except csv.Error as error:
        msg = f"{path}, line {line}: {error} (a quote inside quoted text is written twice)"
        raise FileError(msg) from error


def _header(path: Path, cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise FileError(f"{path}, line 1: two columns are called {', '.join(twice)}")
    return names


def _row(place: str, header: Sequence[str], cells: Sequence[str]) -> Record:
    if len(cells) != len(header):
        msg = (
            f"{len(cells)} cells under {len(header)} columns: "
            "text that holds the delimiter or a line break stands in quotes"
        )
        return Record(place=place, wrong=msg)
    named = zip(header, cells, strict=True)
    return Record(place=place, fields={name: cell or None for name, cell in named if name})


def _delimiter(text: str) -> str:
    """The one that makes most columns of the header."""
    found = _FIRST_LINE.search(text)
    line = found[0] if found else ""
    return max(DELIMITERS, key=lambda one: len(next(csv.reader([line], delimiter=one), [])))


def _parquet(path: Path) -> Iterator[Record]:
    import pyarrow  # noqa: PLC0415 (an extra, and only for who has such files)
    from pyarrow import parquet  # noqa: PLC0415

    number = 0
    try:
        for batch in parquet.ParquetFile(path).iter_batches():
            for fields in batch.to_pylist(maps_as_pydicts="lossy"):
                number += 1
                yield Record(place=f"row {number}", fields=fields)
    except (OSError, pyarrow.ArrowException) as error:
        raise FileError(f"{path} cannot be read as Parquet: {error}") from error


def _text(path: Path) -> str:
    """The text of a file, without a byte order mark. Raises FileError."""
    data = _bytes(path)
    for magic, told in _MAGIC.items():
        if data.startswith(magic):
            raise FileError(f"{path} {told}")
    if b"\0" in data:
        raise FileError(f"{path} is binary: {', '.join(_READERS)} are known")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"{data[error.start]:#04x}"
        msg = f"{path}, line {line}: byte {byte} is not UTF-8: save the file as UTF-8"
        raise FileError(msg) from error


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.name.lower().endswith(".gz") else data
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path} cannot be read: {error}") from error


_READERS: Final[dict[str, Callable[[Path], Iterator[Record]]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_lines,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _parquet,
    ".pq": _parquet,
}
