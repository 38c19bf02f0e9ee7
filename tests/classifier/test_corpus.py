"""Data files are read whole, or the line that is wrong is named."""

import gzip
from pathlib import Path

import pytest

from classifier.corpus import CorpusError, Example, digest, prompts, read

GOOD = b'{"prompt": "Why?", "label": "easy", "extra": {"kept": "elsewhere"}}\n'


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_plain_and_packed_files_are_read(tmp_path: Path, name: str) -> None:
    rows = read([write(tmp_path / name, GOOD + b"\n" + GOOD)])
    assert rows == [Example(prompt="Why?", label="easy")] * 2


def test_several_files_are_read_in_order(tmp_path: Path) -> None:
    one = write(tmp_path / "a.jsonl", b'{"prompt": "a"}')
    two = write(tmp_path / "b.jsonl", b'{"prompt": "b"}')
    assert [row.prompt for row in read([two, one])] == ["b", "a"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"label": "easy"}', "neither `prompt` nor a user's message in `messages`"),
        (b'{"messages": [{"role": "system", "content": "x"}]}', "neither `prompt` nor"),
        (b'{"prompt": "x", "label": "tricky"}', r"Invalid enum value 'tricky' - at `\$.label`"),
        (b'{"prompt": 7}', r"at `\$.prompt`"),
        (b"{oops", "malformed"),
        (b'{"prompt": "\xff"}', "utf-8"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, why: str) -> None:
    path = write(tmp_path / "rows.jsonl", GOOD + line + b"\n" + GOOD)
    with pytest.raises(CorpusError, match=rf"rows.jsonl, line 2: .*{why}"):
        read([path])


def test_a_missing_file_and_one_that_is_not_gzip_are_named(tmp_path: Path) -> None:
    fake = tmp_path / "fake.gz"
    fake.write_bytes(GOOD)
    for path in (tmp_path / "nowhere.jsonl", fake):
        with pytest.raises(CorpusError, match=rf"{path.name} cannot be read"):
            read([path])
    with pytest.raises(CorpusError, match="nowhere"):
        digest([tmp_path / "nowhere.jsonl"])


def test_a_packed_file_that_is_cut_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl.gz", GOOD * 1_000)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorpusError, match=r"rows.jsonl.gz cannot be read"):
        read([path])


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", GOOD)
    before = digest([path])
    assert before == digest([path])
    write(path, GOOD + GOOD)
    assert digest([path]) != before


def test_no_confidence_is_full_trust() -> None:
    assert Example(prompt="x").trust == 1
    assert Example(prompt="x", conf=0.2).trust == 0.2


def test_a_blank_row_has_nothing_but_text() -> None:
    assert Example(prompt="x", source="y", conf=0.4).blank
    assert not Example(prompt="x", needs_info=0).blank
    assert not Example(prompt="x", share_top=0.0).blank


def test_prompts_are_extracted_as_live_ones_are() -> None:
    block = "<system-reminder>x</system-reminder>"
    found = prompts([Example(prompt=f"Why?{block}"), Example(prompt=block)])
    assert found[0] is not None
    assert found[0].text == "Why?"
    assert found[1] is None


def test_a_conversation_is_its_human_turns(tmp_path: Path) -> None:
    line = (
        b'{"label": "easy", "messages": [{"role": "system", "content": "Be brief."},'
        b' {"role": "user", "content": "Translate cat."}, {"role": "assistant", "content": "chat"},'
        b' {"role": "user",'
        b' "content": [{"type": "text", "text": "And dog?"}, {"type": "image_url"}]}]}'
    )
    (row,) = read([write(tmp_path / "rows.jsonl", line)])
    assert (row.prompt, row.earlier) == ("And dog?", ("Translate cat.",))
    (prompt,) = prompts([row])
    assert prompt is not None
    assert (prompt.text, prompt.context) == ("And dog?", "Translate cat.")
