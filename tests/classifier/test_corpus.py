"""Data files are read whole, or the line that is wrong is named."""

import gzip
from pathlib import Path

import pytest

from classifier.corpus import (
    CorpusError,
    Example,
    digest,
    group_key,
    groups,
    load,
    prompts,
    read,
    samples,
)

GOOD = b'{"prompt": "Why?", "label": "easy", "extra": {"kept": "elsewhere"}}\n'


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_plain_and_packed_files_are_read(tmp_path: Path, name: str) -> None:
    rows = read([write(tmp_path / name, GOOD + b"\n" + GOOD)])
    assert rows == [Example(prompt="Why?", label="easy", needs_info=0)] * 2


def test_several_files_are_read_in_order(tmp_path: Path) -> None:
    one = write(tmp_path / "a.jsonl", b'{"prompt": "a"}')
    two = write(tmp_path / "b.jsonl", b'{"prompt": "b"}')
    assert [row.prompt for row in read([two, one])] == ["b", "a"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"label": "easy"}', "no `prompt` and no `messages`; found: label"),
        (b'{"messages": [{"role": "system", "content": "x"}]}', "the role user; found: system"),
        (b'{"messages": [{"role": "user"}]}', "neither `prompt` nor a user's message"),
        (b'{"prompt": "x", "label": "tricky"}', "label 'tricky' is none of easy, medium, hard, ne"),
        (b'{"prompt": 7}', "`prompt` must be text, not a whole number"),
        (b'{"prompt": "x", "messages": [{"content": "x"}]}', "`messages.*` Object missing .*role"),
        (b'{"prompt": "x", "cluster": 1.5}', "`cluster` must be a whole number or text, not a n"),
        (b"{oops", "malformed"),
        (b"7", "one JSON object a line is needed"),
        (b'{"prompt": "\xff"}', "byte 0xff is not UTF-8"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, why: str) -> None:
    path = write(tmp_path / "rows.jsonl", GOOD + line + b"\n" + GOOD)
    with pytest.raises(CorpusError, match=rf"rows.jsonl, line 2: .*{why}"):
        read([path])


def test_a_missing_file_and_one_that_is_not_gzip_are_named(tmp_path: Path) -> None:
    fake = tmp_path / "fake.jsonl.gz"
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


def test_bad_lines_are_told_together_and_like_ones_as_one(tmp_path: Path) -> None:
    lines = [b'{"prompt": "x", "label": "simple"}'] * 3 + [b'{"prompt": "x", "conf": 7}', GOOD]
    path = write(tmp_path / "rows.jsonl", b"\n".join(lines))
    with pytest.raises(CorpusError) as caught:
        read([path])
    first, second, end = str(caught.value).split("\n")
    assert first.startswith(f"{path}, line 1 and 2 more rows: label 'simple'")
    assert second.startswith(f"{path}, line 4: `conf` is 7")
    assert end == "4 rows cannot be used; --skip-bad leaves them out"


def test_twenty_kinds_of_faults_are_listed(tmp_path: Path) -> None:
    lines = b"\n".join(b'{"prompt": "x", "label": "l%d"}' % number for number in range(25))
    with pytest.raises(CorpusError) as caught:
        read([write(tmp_path / "rows.jsonl", lines)])
    told = str(caught.value).split("\n")
    assert len(told) == 22
    assert "'l19'" in told[19]
    assert told[20:] == [
        "… and 5 faults of other kinds",
        "25 rows cannot be used; --skip-bad leaves them out",
    ]


def test_bad_lines_are_skipped_and_counted_where_that_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", GOOD + b"{oops\n" + GOOD)
    reading = load([path], skip_bad=True)
    assert (len(reading.examples), reading.skipped) == (2, 1)
    assert reading.notes[0].startswith(f"{path}, line 2: JSON is malformed")


@pytest.mark.parametrize("data", [b"", b"\n \n", b"{oops\n"])
def test_a_file_without_a_good_row_is_an_error_even_then(tmp_path: Path, data: bytes) -> None:
    good, bad = write(tmp_path / "a.jsonl", GOOD), write(tmp_path / "b.jsonl", data)
    with pytest.raises(CorpusError, match=r"b.jsonl has no row to learn from"):
        load([good, bad], skip_bad=True)


def test_the_label_tells_whether_something_is_missing_where_no_field_does(tmp_path: Path) -> None:
    lines = [
        b'{"prompt": "a", "label": "needs_info"}',
        b'{"prompt": "b", "label": "easy"}',
        b'{"prompt": "c", "label": "easy", "needs_info": null}',
        b'{"prompt": "d"}',
    ]
    rows = read([write(tmp_path / "rows.jsonl", b"\n".join(lines))])
    assert [row.needs_info for row in rows] == [1, 0, None, None]


OUTCOMES = (
    b'{"prompt": "a", "outcomes": {"s1": 1, "s2": 1, "m": true, "other": 0}}\n'
    b'{"prompt": "b", "outcomes": {"s1": 0, "s2": 1, "m": 0.9}}\n'
    b'{"prompt": "c", "outcomes": {"s1": 0, "m": 0, "t": 1}, "label": "medium"}\n'
)
MODELS = {"easy": ("s1", "s2"), "medium": ("m",), "hard": ("t",)}


def test_outcomes_become_shares_and_labels(tmp_path: Path) -> None:
    reading = load([write(tmp_path / "rows.jsonl", OUTCOMES)], MODELS)  # type: ignore[arg-type]
    assert [(r.share_small, r.share_mid, r.share_top, r.label) for r in reading.examples] == [
        (1, 1, None, "easy"),
        (0.5, 0.9, None, "medium"),
        (0, 0, 1, "medium"),
    ]
    assert reading.notes == ("outcomes of other are not used: --models puts them into no tier",)


def test_outcomes_without_models_and_models_without_outcomes_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", OUTCOMES)
    with pytest.raises(CorpusError, match="outcomes of s1, s2, m, other: say whose tier they are"):
        load([path])
    with pytest.raises(CorpusError, match="--models names s3, and there are outcomes of m, other"):
        load([path], {"easy": ("s1", "s3")})


def test_rows_of_the_same_words_and_other_labels_are_counted(tmp_path: Path) -> None:
    lines = [
        b'{"prompt": "Fix it!", "label": "easy"}',
        b'{"prompt": "fix it", "label": "needs_info"}',
        b'{"prompt": "fix it"}',
        b'{"prompt": "fix it", "earlier": ["Here is my text: teh"], "label": "medium"}',
    ]
    path = write(tmp_path / "rows.jsonl", b"\n".join(lines))
    reading = load([path])
    (note,) = reading.notes
    assert note.startswith("2 rows contradict others with the same words, all are kept; first: ")
    assert note.endswith(f"easy ({path}, line 1) and needs_info ({path}, line 2)")
    assert len(reading.examples) == 4


def test_rows_of_the_same_words_are_one_group() -> None:
    rows = [Example(prompt="Fix it!"), Example(prompt="fix  it"), Example(prompt="mend it")]
    assert group_key(rows[0]) == group_key(rows[1])
    numbers = groups([*rows, Example(prompt="x", pair_id=3), Example(prompt="y", pair_id="3")])
    assert numbers[0] == numbers[1] != numbers[2]
    assert numbers[3] == numbers[4]


def test_the_rows_that_ship_can_be_read() -> None:
    for path in samples():
        assert all(row.label for row in read([path]))
