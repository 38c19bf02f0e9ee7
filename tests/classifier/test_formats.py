"""Every format gives the same rows, and a file that gives none says what it is."""

import codecs
import gzip
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from classifier.corpus import CorpusError, Example, load, read
from classifier.formats import FileError, find, records

ROWS = [
    Example(prompt='Say "hi",\nthen stop', label="easy", needs_info=0, conf=0.5, cluster="7"),
    Example(prompt="And in French?", earlier=("Say hi",), label="hard", needs_info=0),
]
CSV = (
    "prompt,label,conf,cluster,messages\r\n"
    '"Say ""hi"",\nthen stop",Easy,0.5,7,\r\n'
    "\r\n"
    ',hard,,,"[{""role"": ""user"", ""content"": ""Say hi""}, '
    '{""role"": ""user"", ""content"": ""And in French?""}]"\r\n'
)
TALK = [{"role": "user", "content": "Say hi"}, {"role": "user", "content": "And in French?"}]
TABLE = {
    "prompt": ['Say "hi",\nthen stop', None],
    "label": ["easy", "hard"],
    "conf": [0.5, float("nan")],
    "cluster": ["7", None],
    "messages": [None, TALK],
}


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.csv", CSV.encode()),
        ("ROWS.CSV", CSV.encode()),
        ("bom.csv", codecs.BOM_UTF8 + CSV.encode()),
        ("rows.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("unix.csv", CSV.replace("\r\n", "\n").encode()),
    ],
)
def test_tables_are_read(tmp_path: Path, name: str, data: bytes) -> None:
    assert read([write(tmp_path / name, data)]) == ROWS


@pytest.mark.parametrize(("delimiter", "suffix"), [(";", "csv"), ("\t", "csv"), ("\t", "tsv")])
def test_other_delimiters_are_seen(tmp_path: Path, delimiter: str, suffix: str) -> None:
    text = delimiter.join(("prompt", "label", "needs_info")) + "\n"
    text += delimiter.join(('"a, b; c"', "needs info", "true")) + "\n"
    path = write(tmp_path / f"rows.{suffix}", text)
    assert read([path]) == [Example(prompt="a, b; c", label="needs_info", needs_info=1)]


def test_parquet_is_read_with_nested_messages(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table(TABLE), path)
    assert read([path]) == ROWS


def test_parquet_outcomes_may_be_columns_text_a_struct_or_a_map(tmp_path: Path) -> None:
    told = {"a": 1.0, "b": 0.5}
    shapes: dict[str, dict[str, Any]] = {
        "columns": {f"outcome:{name}": [value] for name, value in told.items()},
        "text": {"outcomes": ['{"a": 1, "b": 0.5}']},
        "struct": {"outcomes": [told]},
        "map": {"outcomes": pa.array([list(told.items())], pa.map_(pa.string(), pa.float64()))},
    }
    for name, columns in shapes.items():
        path = tmp_path / f"{name}.parquet"
        parquet.write_table(pa.table({"prompt": ["x"], **columns}), path)
        (row,) = load([path], {"easy": ("a", "b")}).examples
        assert (row.share_small, row.label, row.conf) == (0.75, "easy", 0.5), name


def test_a_nested_column_where_text_belongs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"prompt": [["a", "b"]]}), path)
    with pytest.raises(CorpusError, match=r"row 1: `prompt` must be text, not a list"):
        read([path])


def test_without_pyarrow_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pyarrow"):
        list(records(write(tmp_path / "rows.parquet", b"PAR1")))


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("rows.txt", "x", r"no name of a known format: .jsonl, .*\.parquet"),
        ("rows.xlsx", b"PK\x03\x04", "no name of a known format"),
        ("rows.parquet.gz", b"", "no name of a known format"),
        ("rows.csv", b"PK\x03\x04xx", "a zip archive or a spreadsheet: save it as CSV"),
        ("rows.csv", gzip.compress(b"x", mtime=0), "is gzip data: end its name in .gz"),
        ("rows.jsonl", b"PAR1xx", "is Parquet: end its name in .parquet"),
        ("rows.jsonl", b"\x28\xb5\x2f\xfdxx", "is zstandard data: unpack it first"),
        ("rows.csv", "prompt,label\n".encode("utf-16"), "is UTF-16: save it as UTF-8"),
        ("rows.csv", b"prompt\nx\0y", "is binary"),
        ("rows.csv", "prompt\na\ncafé\n".encode("latin-1"), "line 3: byte 0xe9 is not UTF-8"),
        ("rows.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("rows.json", b' [{"prompt": "x"}]', "one JSON list: write one object a line"),
        ("rows.csv", b"prompt,label,label\nx,easy,hard\n", "two columns are called label"),
        ("rows.csv", b'prompt,label\n"x"y,easy\n', r"line 2: .* is written twice"),
        ("rows.csv", b'prompt,label\na,easy\n"x,easy\n', r"line 3: unexpected end of data"),
        ("rows.csv", b"prompt,label\n", "has no row to learn from"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_it_is(
    tmp_path: Path, name: str, data: bytes | str, why: str
) -> None:
    path = write(tmp_path / name, data)
    with pytest.raises(CorpusError, match=rf"{name}.*{why}"):
        read([path])


@pytest.mark.parametrize("row", ["a, b,easy", "a"])
def test_a_row_of_another_width_is_named(tmp_path: Path, row: str) -> None:
    path = write(tmp_path / "rows.csv", f'prompt,label\n"two\nlines",easy\n{row}\n')
    with pytest.raises(CorpusError, match=r"line 4: \d cells? under 2 columns: .* in quotes"):
        read([path])


def test_unnamed_columns_and_long_cells_are_no_trouble(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", f",prompt\n0,{'long ' * 50_000}\n")
    (row,) = read([path])
    assert len(row.prompt) == 250_000


def test_files_globs_and_folders_are_found(tmp_path: Path) -> None:
    inner = tmp_path / "rows" / "more"
    inner.mkdir(parents=True)
    a, b = write(tmp_path / "rows" / "a.csv", "x"), write(inner / "b.jsonl.gz", "x")
    write(tmp_path / "rows" / "README.md", "x")
    write(tmp_path / "rows" / ".hidden.csv", "x")
    assert find([str(tmp_path / "rows")]) == (a, b)
    assert find([str(tmp_path / "rows" / "*.csv"), str(a)]) == (a,)
    assert find([str(tmp_path / "**" / "*.gz")]) == (b,)
    odd = write(tmp_path / "[1].csv", "x")
    assert find([str(odd)]) == (odd,)


def test_a_file_that_is_there_packed_and_unpacked_is_not_read_twice(tmp_path: Path) -> None:
    plain = write(tmp_path / "rows.jsonl", "x")
    packed = write(tmp_path / "rows.jsonl.gz", "x")
    for named in ([str(tmp_path)], [str(tmp_path / "rows*")], [str(packed), str(plain)]):
        with pytest.raises(FileError, match=r"rows.jsonl is there twice, .* keep one of them"):
            find(named)
    assert find([str(packed)]) == (packed,)
    other = tmp_path / "other"
    other.mkdir()
    assert len(find([str(plain), str(write(other / "rows.jsonl.gz", "x"))])) == 2


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no file nowhere"):
        find(["nowhere.csv"])
    with pytest.raises(FileError, match="holds no data file"):
        find([str(tmp_path)])
