"""Files as they are found: with marks, of other systems, cut off, changed, or of one line."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from router.replay import sources
from router.replay.formats.choose import recognise
from router.replay.joining import Answers
from router.replay.lines import lines
from router.replay.log import open_log
from router.replay.logged import Format, LogError
from router.replay.part import ABSENT
from router.replay.sources import BOM, Source, Unit, find, unpack
from tests.replays import EASY, HARD, exchange, replayed, surveyed, written

ONE = json.dumps(exchange(EASY)).encode()
AZURE = b"TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.68,374,44\r\n"


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("log.jsonl", ONE + b"\n" + ONE + b"\n", 2),
        ("log.jsonl", ONE, 1),
        ("log.json", b"[" + ONE.replace(b'"request"', b'"x"') + b"]", 0),
        ("log.json", b'[{"conversations": [{"from": "human", "value": "hi"}]}]', 1),
        ("log.csv", AZURE, 1),
        ("log.txt", b"hello\nthere\n", 2),
    ],
)
def test_a_mark_before_the_first_line_is_no_part_of_it(
    tmp_path: Path, name: str, content: bytes, rows: int
) -> None:
    form: Format | None = "sharegpt" if not rows else None
    plain, marked = tmp_path / name, tmp_path / f"marked-{name}"
    plain.write_bytes(content)
    marked.write_bytes(BOM + content)
    without, with_mark = surveyed(plain, named=form), surveyed(marked, named=form)
    assert with_mark.rows == without.rows == rows
    assert with_mark.bad == without.bad
    assert with_mark.judged.key.tolist() == without.judged.key.tolist()


def test_a_mark_is_taken_off_once_and_only_where_the_file_begins(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(BOM + b"a\n" + BOM + b"b\n" + BOM)
    source = Source(path=str(path), size=path.stat().st_size)
    whole = [Unit(source=source, format="text")]
    cut = [Unit(source=source, format="text", start=at, end=at + 1) for at in range(source.size)]
    for units in (whole, cut):
        assert [line for unit in units for line in lines(unit)] == [b"a", BOM + b"b", BOM]


@pytest.mark.parametrize("end", [b"\r\n", b"\n\n", b" \r\n \n"])
def test_other_line_ends_and_blank_lines_change_nothing(tmp_path: Path, end: bytes) -> None:
    plain, odd = tmp_path / "plain.jsonl", tmp_path / "odd.jsonl"
    other = json.dumps(exchange(HARD)).encode()
    plain.write_bytes(ONE + b"\n" + other + b"\n")
    odd.write_bytes(ONE + end + other + end)
    assert surveyed(odd).bad == ()
    assert replayed(odd).policies[0].cost.tolist() == replayed(plain).policies[0].cost.tolist()


def test_line_separators_of_unicode_are_text(tmp_path: Path) -> None:
    text = "one\u2028two\u2029three\x85four\x0cfive"
    log = tmp_path / "log.jsonl"
    log.write_bytes(json.dumps(exchange(text), ensure_ascii=False).encode() + b"\n")
    part = surveyed(log)
    assert (part.rows, part.lines, part.bad) == (1, 1, ())
    assert part.judged.characters.tolist() == [len(text)]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_file_that_is_still_being_written_loses_its_last_line_and_says_so(
    tmp_path: Path, share: float
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(ONE + b"\n" + ONE[: int(len(ONE) * share)])
    part = surveyed(log)
    assert (part.rows, part.lines) == (1, 2)
    assert [row.line for row in part.bad] == [1]


@pytest.mark.parametrize("left", [10, 40, -9, -1])
def test_a_compressed_file_that_was_cut_off_is_named_and_never_half_counted(
    tmp_path: Path, left: int
) -> None:
    log = tmp_path / "log.jsonl.gz"
    log.write_bytes(gzip.compress((ONE + b"\n") * 50)[:left])
    with pytest.raises(LogError, match=r"log\.jsonl\.gz cannot be read: "):
        surveyed(log)


def test_a_compressed_file_in_pieces_is_read_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl.gz"
    log.write_bytes(gzip.compress(ONE + b"\n") + gzip.compress(ONE + b"\n" + ONE))
    assert surveyed(log).rows == 3


def test_a_long_compressed_file_that_changed_is_unpacked_anew(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl.gz"
    seen = []
    for stamp, text in ((1, b"a" * 40), (2, b"b" * 40)):
        log.write_bytes(gzip.compress(text, compresslevel=0, mtime=0))
        found = Source(path=str(log), size=sources.UNPACK_BYTES + 1, codec="gz", changed_ns=stamp)
        seen.append(Path(unpack(found, tmp_path / "state").path).read_bytes())
    assert seen == [b"a" * 40, b"b" * 40]


def test_what_broke_off_leaves_no_half_of_an_unpacked_file(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl.gz"
    log.write_bytes(gzip.compress(ONE * 9)[:-8])
    found = Source(path=str(log), size=sources.UNPACK_BYTES + 1, codec="gz")
    for _ in range(2):
        with pytest.raises(LogError, match="cannot be read"):
            unpack(found, tmp_path / "state")
        assert not list((tmp_path / "state").glob("*.unpacked"))


@pytest.mark.parametrize("content", [b"", BOM, b" \n\n", BOM + b"\r\n"])
def test_a_file_of_nothing_is_said_to_be_empty(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(content)
    with pytest.raises(LogError, match=r"log\.jsonl is empty"):
        open_log([str(log)], None, tmp_path)


@pytest.mark.parametrize("content", ["\ufeff{}".encode("utf-16"), b"PAR1\0\0", b"{\0}"])
def test_what_is_no_text_is_called_binary(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "log"
    log.write_bytes(content)
    with pytest.raises(LogError, match="is binary; a log is text: exchange, batch"):
        recognise(find([str(log)])[0])


def test_a_first_line_longer_than_what_is_looked_at_is_recognised(tmp_path: Path) -> None:
    long = exchange("word " * (sources.HEAD_BYTES // 4))
    log = written(tmp_path / "log.jsonl", [long, exchange(EASY)])
    assert recognise(find([str(log)])[0]) == ("exchange", False)
    assert surveyed(log).rows == 2


def batch(tmp_path: Path, *answers: Mapping[str, object]) -> Path:
    body = {"model": "m", "messages": [{"role": "user", "content": EASY}]}
    asked = {"custom_id": "r", "url": "/v1/chat/completions", "body": body}
    replies = [
        {"custom_id": "r", "response": {"status_code": 200, "body": answer}} for answer in answers
    ]
    return written(tmp_path / "log.jsonl", [*replies, asked])


def test_a_joined_answer_that_nobody_counted_is_counted_by_its_text(tmp_path: Path) -> None:
    answer = {"model": "vendor/flash", "choices": [{"message": {"content": "x" * 400}}]}
    beside = written(tmp_path / "b.jsonl", [exchange(EASY, response=answer)])
    columns = joined(batch(tmp_path, answer))
    expected = surveyed(beside).replied.tokens.tolist()
    assert columns == expected
    assert expected[0][2] == 100


def test_of_two_answers_to_one_request_the_last_one_counts(tmp_path: Path) -> None:
    def answer(written_tokens: int) -> dict[str, object]:
        usage = {"prompt_tokens": 9, "completion_tokens": written_tokens}
        return {"choices": [{"message": {"content": "x"}}], "usage": usage}

    assert joined(batch(tmp_path, answer(3), answer(5)))[0][2] == 5


def test_an_empty_answer_has_no_count(tmp_path: Path) -> None:
    assert joined(batch(tmp_path, {"choices": []}))[0][2] == ABSENT


def joined(log: Path) -> list[list[int]]:
    """Tokens of the requests of a batch after its answers have met them."""
    tokens: list[list[int]] = Answers().join(surveyed(log)).replied.tokens.tolist()
    return tokens


@pytest.mark.parametrize("name", ["s.jsonl", "[x].jsonl", "naïve log.jsonl", "a%20b.jsonl"])
def test_a_file_is_found_by_its_own_name_whatever_that_is(tmp_path: Path, name: str) -> None:
    written(tmp_path / name, [exchange(EASY)])
    written(tmp_path / "x.jsonl", [exchange(EASY)])
    (found,) = find([str(tmp_path / name)])
    assert Path(found.path).name == name
