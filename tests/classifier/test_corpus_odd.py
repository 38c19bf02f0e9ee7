"""Rows and files as nobody should write them: each is read, or its fault is told in a line."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifier.corpus import (
    CorpusError,
    Example,
    Line,
    digest,
    group_key,
    groups,
    load,
    prompts,
    read,
)
from classifier.folds import PARTS, parts
from classifier.formats import find, records
from classifier.held import as_rows
from classifier.shapes import SHARES, plain, settle
from classifier.types import LABELS
from tests.judged import verdict

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*LABELS, "Needs Info", "yes", "0.5", "nan", '["a"]', '{"m": 1}', 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "user", "m"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FEW = settings(max_examples=50)
NAMES = st.sampled_from([*Line.__struct_fields__, "outcomes", "outcome:m", "Label", "text", ""])
ROWS = st.dictionaries(NAMES, VALUES, max_size=6)
MODELS: Any = {"easy": ("m",)}


def accepted(fields: dict[str, Any]) -> Example | None:
    """The example that `fields` make; none where a fault was told."""
    try:
        return msgspec.convert(settle(fields, MODELS), Line).example()
    except msgspec.ValidationError as error:
        fault = plain(error)
    except ValueError as error:
        fault = str(error)
    assert fault
    return None


@FEW
@given(ROWS)
@example({"prompt": "x", "conf": 10**400})
@example({"prompt": "x", "needs_info": -(10**400)})
@example({"prompt": "x", "outcome:m": 10**400})
def test_whatever_stands_in_a_row_it_is_an_example_or_a_fault(fields: dict[str, Any]) -> None:
    found = accepted(fields)
    if found is not None:
        assert found.prompt.strip()
        assert found.label in (None, *LABELS)
        assert found.needs_info in (None, 0, 1)
        known = [getattr(found, name) for name in (*SHARES, "conf")]
        assert all(value is None or 0 <= value <= 1 for value in known)


@FEW
@given(ROWS.filter(lambda fields: "outcomes" not in fields and "outcome:m" not in fields))
def test_what_was_read_is_read_again_as_it_was(fields: dict[str, Any]) -> None:
    """A row that is written out as it was read keeps its meaning."""
    first = accepted(fields)
    if first is not None:
        again = msgspec.json.decode(msgspec.json.encode(first))
        assert accepted(again) == first


@pytest.mark.parametrize("field", ["conf", "share_mid", "needs_info", "outcome:m"])
def test_a_number_beyond_any_float_is_named(tmp_path: Path, field: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"prompt": "x", field: 10**400}) + "\n")
    with pytest.raises(CorpusError, match=rf"line 1: `{field}` is 1000"):
        load([path], MODELS)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", [0, 2])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_are_read_whatever_ends_their_lines(
    tmp_path: Path, end: str, start: int, delimiter: str
) -> None:
    lines = [f"prompt{delimiter}label", f"one{delimiter}easy", f"two{delimiter}hard", ""]
    path = tmp_path / "rows.csv"
    path.write_bytes((start * end + end.join(lines)).encode())
    assert [(row.prompt, row.label) for row in read([path])] == [("one", "easy"), ("two", "hard")]


def test_a_line_end_inside_a_cell_is_text_and_lines_are_counted_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'prompt,label\r\n"one\r\nmore",easy\r\n"two\nmore",simple\r\n')
    places = [record.place for record in records(path)]
    assert places == ["line 2", "line 4"]
    with pytest.raises(CorpusError, match=r"rows.csv, line 4: label 'simple'"):
        read([path])


@pytest.mark.parametrize(
    "line",
    [b'{"prompt": "\\ud83d"}', b'{"prompt": "x", "earlier": ["\\udc00"]}', b"[" * 100_000],
)
def test_what_is_no_text_or_too_deep_is_one_bad_row(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"prompt": "fine", "label": "easy"}\n' + line + b"\n")
    reading = load([path], skip_bad=True)
    assert [row.prompt for row in reading.examples] == ["fine"]
    assert reading.skipped == 1
    assert "line 2" in reading.notes[0]


def test_the_same_id_twice_is_two_rows_of_the_same_group(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1, "prompt": "Fix it"}\n' * 2)
    rows = read([path])
    assert [row.id for row in rows] == [1, 1]
    assert np.unique(groups(rows)).size == 1
    assert np.unique(parts(rows)).size == 1


def test_no_files_are_no_rows() -> None:
    assert read([]) == []
    assert find([]) == ()
    assert groups([]).size == len(prompts([])) == parts([]).size == 0


def test_a_file_that_two_patterns_name_is_read_once(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv", ".hidden.jsonl"):
        (tmp_path / name).write_text("x")
    both = find([str(tmp_path / "b.jsonl"), str(tmp_path), str(tmp_path / "*.jsonl")])
    assert [path.name for path in both] == ["b.jsonl", "a.csv"]


def test_the_digest_tells_files_of_other_cuts_and_orders_apart(tmp_path: Path) -> None:
    def files(*texts: bytes) -> list[Path]:
        made = [tmp_path / f"{len(texts)}-{number}" for number in range(len(texts))]
        for path, text in zip(made, texts, strict=True):
            path.write_bytes(text)
        return made

    told = {
        digest(files(*texts)) for texts in [(b"ab", b"c"), (b"a", b"bc"), (b"c", b"ab"), (b"abc",)]
    }
    assert len(told) == 4
    assert digest([]) not in told


NAMED = st.sampled_from(["", "Fix it", "fix  IT!", "mend it", "修理", "?", "!!"])
EXAMPLES = st.lists(
    st.builds(
        Example,
        prompt=NAMED,
        cluster=st.none() | st.integers(0, 2) | st.sampled_from(["0", "b"]),
        pair_id=st.none() | st.integers(0, 2),
    ),
    max_size=12,
)


@FEW
@given(EXAMPLES)
def test_rows_share_a_number_just_where_they_share_a_key(rows: list[Example]) -> None:
    numbers, keys = groups(rows), [group_key(row) for row in rows]
    assert numbers.shape == (len(rows),)
    assert len(set(zip(keys, numbers.tolist(), strict=True))) == len(set(keys))
    assert sorted(set(numbers.tolist())) == list(range(len(set(keys))))
    assert numbers.tolist() == [sorted(set(keys)).index(key) for key in keys]


@FEW
@given(EXAMPLES)
def test_rows_that_share_a_key_share_a_part(rows: list[Example]) -> None:
    found = dict(zip(map(group_key, rows), parts(rows).tolist(), strict=True))
    assert [found[group_key(row)] for row in rows] == parts(rows).tolist()
    assert set(found.values()) <= set(PARTS)


def test_one_long_prompt_among_many_rows_is_no_trouble() -> None:
    """As a table of equally wide names these keys would take a hundred gigabytes."""
    rows = [Example(prompt="word " * 100_000)] + [Example(prompt="x", label="hard")] * 50_000
    numbers = groups(rows)
    assert numbers[0] != numbers[1]
    assert np.unique(numbers[1:]).size == 1
    held = as_rows(rows, [verdict("hard")] * len(rows))
    assert np.unique(held.group).size == 2
