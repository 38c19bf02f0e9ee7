"""Files are found, recognised, and cut into units that lose and double nothing."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import CompressedOutputStream, OSFile

from router.replay import sources
from router.replay.formats.choose import recognise
from router.replay.lines import lines
from router.replay.logged import FORMATS, LogError
from router.replay.sources import Source, Unit, find, units, unpack
from tests.replays import exchange, written


@given(
    texts=st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"\n", b" ")), max_size=12),
    ends=st.booleans(),
    size=st.integers(min_value=1, max_value=40),
)
def test_wherever_a_file_is_cut_every_line_is_read_once(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes], ends: bool, size: int
) -> None:
    content = b"\n".join(texts) + (b"\n" if ends and texts else b"")
    path = tmp_path_factory.mktemp("cut") / "log"
    path.write_bytes(content)
    whole = Source(path=str(path), size=len(content))
    cut = [
        Unit(source=whole, format="text", start=at, end=min(len(content), at + size))
        for at in range(0, len(content), size)
    ]
    wanted = content.split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    assert [line for unit in cut for line in lines(unit)] == wanted


def test_a_long_file_is_cut_and_a_document_is_not(tmp_path: Path) -> None:
    source = Source(path=str(tmp_path / "x"), size=sources.UNIT_BYTES * 2 + 1)
    assert [unit.bytes for unit in units(source, "text", whole=False)] == [
        sources.UNIT_BYTES,
        sources.UNIT_BYTES,
        1,
    ]
    assert [unit.whole for unit in units(source, "otel", whole=True)] == [True]


def test_files_globs_and_folders_are_found_in_order_and_once(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "sub/c.jsonl", ".hidden/d.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x\n")
    found = find([str(tmp_path), str(tmp_path / "*.jsonl")])
    names = [Path(source.path).name for source in found]
    assert names == ["a.jsonl", "b.jsonl", "c.jsonl"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"there is no file .*/missing"):
        find([str(tmp_path / "missing")])
    with pytest.raises(LogError, match="there is no file"):
        find([str(tmp_path / "*.jsonl")])
    with pytest.raises(LogError, match="holds no file"):
        find([str(tmp_path)])
    (tmp_path / "empty").touch()
    with pytest.raises(LogError, match="empty is empty"):
        find([str(tmp_path)])


def test_compressed_files_are_read_as_they_are(tmp_path: Path) -> None:
    content = b"one\ntwo\n"
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(content))
    denser = tmp_path / "log.zst"
    with OSFile(str(denser), "wb") as file, CompressedOutputStream(file, "zstd") as out:
        out.write(content)
    for source in find([str(packed), str(denser)]):
        (unit,) = units(source, "text", whole=False)
        assert list(lines(unit)) == [b"one", b"two"]


def test_a_long_compressed_file_is_unpacked_once(tmp_path: Path) -> None:
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(b"one\ntwo\n" * 1_000_000, 1))
    (source,) = find([str(packed)])
    big = Source(path=source.path, size=sources.UNPACK_BYTES + 1, codec=source.codec)
    plain = unpack(big, tmp_path / "state")
    assert (plain.codec, plain.size) == ("", 8_000_000)
    assert unpack(big, tmp_path / "state") == plain
    assert unpack(source, tmp_path / "state") is source


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(b"one\n" * 10_000)[:40])
    (source,) = find([str(packed)])
    with pytest.raises(LogError, match=r"log\.gz cannot be read"):
        recognise(source)


AZURE = b"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,374,44\n"


@pytest.mark.parametrize(
    ("name", "content", "form", "whole"),
    [
        ("x", b'{"request": {}}\n', "exchange", False),
        ("x", b'{"timestamp": 1, "request": {}}', "exchange", False),
        ("x", b'{"reque\n{"request": {}}\n', "exchange", False),
        ("x", b'\xef\xbb\xbf{"prompt": "a"}\n', "prompts", False),
        ("x", b'{"messages": []}\n', "sharegpt", False),
        ("x", b'[{"id": "1", "conversations": []}]', "sharegpt", True),
        ("x", b'{"custom_id": "a", "body": {}}\n', "batch", False),
        ("x", b'{"id": "1", "decision": {}, "facts": {}}\n', "ledger", False),
        ("x", b'{"timestamp": 0, "input_length": 1, "output_length": 2}\n', "mooncake", False),
        ("x", b'{"resourceSpans": []}\n', "otel", False),
        ("x", b'{\n  "resourceSpans": []\n}\n', "otel", True),
        ("x", b'{"spend": 0.1, "startTime": "x"}\n', "litellm", False),
        ("x", b'[{"spend": 0.1, "startTime": "x"}]', "litellm", True),
        ("x", b'{"traceId": "t", "type": "GENERATION"}\n', "langfuse", False),
        ("x", AZURE, "azure", False),
        ("x.txt", b"what is this?\n", "text", False),
        ("x.txt", b'{"prompt": "a"}\n', "prompts", False),
    ],
)
def test_a_format_is_recognised_by_its_first_lines(
    tmp_path: Path, name: str, content: bytes, form: str, whole: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    (source,) = find([str(tmp_path / name)])
    assert recognise(source) == (form, whole)


def test_what_is_not_recognised_asks_for_its_name(tmp_path: Path) -> None:
    path = written(tmp_path / "log", [{"something": "else"}])
    (source,) = find([str(path)])
    with pytest.raises(LogError, match=f"--format {', '.join(FORMATS)}"):
        recognise(source)
    assert recognise(source, "prompts") == ("prompts", False)
    path.write_bytes(b"\x7fELF\0\0")
    with pytest.raises(LogError, match="is binary"):
        recognise(source, "prompts")
    path.write_bytes(b" \n\n")
    with pytest.raises(LogError, match="is empty"):
        recognise(source)


def test_an_exchange_log_is_known_as_one(tmp_path: Path) -> None:
    (source,) = find([str(written(tmp_path / "log", [exchange("hi")]))])
    assert recognise(source) == ("exchange", False)
