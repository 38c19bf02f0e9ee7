"""Spools that were cut, mixed up or written by hand: what is whole is stored, once, and no more."""

import random
from pathlib import Path

import msgspec
import pytest

from router.domain import Caller, Entry
from router.ledger.catchup import catch_up
from router.ledger.place import Place, place
from router.ledger.progress import Progress, read_lag, read_progress, write_progress
from router.ledger.upgrade import upgrade
from tests.ledgers import drain, entry, files, open_spool, said, stored


@pytest.fixture
def home(tmp_path: Path) -> Place:
    made = place(str(tmp_path))
    upgrade(made)
    made.spool.mkdir(exist_ok=True)
    return made


def line(one: Entry) -> bytes:
    return msgspec.json.encode(one) + b"\n"


def segment(home: Place, data: bytes, pid: int = 1) -> Path:
    """A segment of a worker that has gone."""
    path = home.spool / f"{pid}-1-0.jsonl"
    path.write_bytes(data)
    return path


def ids(home: Place) -> list[int]:
    return [int(one.id, 16) for one in stored(home)]


def rejected(home: Place) -> list[dict[str, object]]:
    aside = home.spool / "rejected.jsonl"
    lines = aside.read_bytes().splitlines() if aside.exists() else []
    return [msgspec.json.decode(one) for one in lines]


WHOLE = b"".join(line(entry(n, caller=Caller(user="ünï🧭"))) for n in (1, 2))
FIRST = len(line(entry(1, caller=Caller(user="ünï🧭"))))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.7, 0.99])
def test_a_file_that_was_cut_keeps_every_line_before_the_cut(home: Place, share: float) -> None:
    cut = FIRST + int((len(WHOLE) - FIRST - 2) * share)
    segment(home, WHOLE[:cut])
    drain(home)
    assert ids(home) == [1]
    assert len(rejected(home)) == (0 if cut == FIRST else 1)
    assert read_progress(home.spool).torn == len(rejected(home))
    assert files(home.spool) == []


def test_a_cut_within_a_sign_is_set_aside_as_it_is(home: Place) -> None:
    at = WHOLE.index("🧭".encode()) + 2
    segment(home, WHOLE[:at])
    drain(home)
    (aside,) = rejected(home)
    assert str(aside["line"]).endswith("\\xf0\\x9f")
    assert ids(home) == []


@pytest.mark.parametrize(
    "junk",
    [
        b"\n\n\n",
        b"\x00" * 4_096 + b"\n",
        b"\xff\xfe\n",
        b"[" * 5_000 + b"\n",
        b'{"type":"feedback"}\n',
        b'{"type":"feedback","decision_id":"x","at_us":1,"opinion":"superb"}\n',
        b"   \n",
        b"{}\n",
        b'{"id": 1}\n',
    ],
)
def test_junk_between_two_entries_costs_neither(home: Place, junk: bytes) -> None:
    segment(home, line(entry(1)) + junk + line(entry(2)))
    drain(home)
    assert ids(home) == [1, 2]
    assert len(rejected(home)) == (0 if junk == b"\n\n\n" else 1)
    assert read_progress(home.spool).stored == 2


@pytest.mark.parametrize("blank", [1, 499, 500, 501, 2_000])
def test_blank_lines_hide_nothing_from_a_command_that_looks_once(home: Place, blank: int) -> None:
    segment(home, b"\n" * blank + b"".join(line(entry(n)) for n in range(600)) + b"\n" * blank)
    catch_up(home)
    assert ids(home) == list(range(600))
    assert files(home.spool) == []
    assert read_lag(home.spool).entries == 0


@pytest.mark.parametrize("seed", range(5))
def test_whoever_writes_what_and_how_often_each_entry_is_stored_once(
    home: Place, seed: int
) -> None:
    dice = random.Random(seed)
    copies = [n for n in range(40) for _ in range(dice.randint(1, 3))]
    dice.shuffle(copies)
    for pid in range(1, 6):
        own = copies[pid - 1 :: 5]
        segment(home, b"".join(line(entry(n)) for n in own), pid=pid)
        if dice.random() < 0.5:
            drain(home, batch=dice.randint(1, 9))
    drain(home, batch=dice.randint(1, 9))
    assert ids(home) == list(range(40))
    assert read_progress(home.spool).stored == len(copies)


def test_the_first_of_two_entries_of_one_id_stands_also_within_a_batch(home: Place) -> None:
    one, other = entry(1, caller=Caller(user="first")), entry(1, caller=Caller(user="second"))
    segment(home, line(one) + line(other))
    drain(home)
    segment(home, line(other), pid=2)
    drain(home)
    assert stored(home) == [one]


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xff",
        b'{"offsets":{"1-1-0.jsonl":"x"}}',
        b'{"offsets":{"1-1-0.jsonl":null}}',
        b"0" * 10_000,
    ],
)
def test_a_note_of_the_place_that_was_spoilt_stores_all_and_nothing_twice(
    home: Place, note: bytes
) -> None:
    spool = open_spool(home)
    spool.record(entry(1))
    drain(home)
    (home.spool / "progress.json").write_bytes(note)
    spool.record(entry(2))
    drain(home)
    spool.close()
    assert ids(home) == [1, 2]
    assert read_progress(home.spool).offsets != {}


def test_a_shorter_note_leaves_nothing_of_a_longer_one(home: Place) -> None:
    long = Progress(offsets={f"{n}-1-0.jsonl": 10**12 for n in range(50)}, trouble="é" * 500)
    write_progress(home.spool, long)
    write_progress(home.spool, Progress(stored=3))
    assert read_progress(home.spool) == Progress(stored=3)


def test_a_place_beyond_the_end_of_a_file_waits_for_nothing(home: Place) -> None:
    path = segment(home, line(entry(1)))
    write_progress(home.spool, Progress(offsets={path.name: 10**9}))
    assert read_lag(home.spool).entries == 0
    drain(home)
    assert files(home.spool) == []


def test_feedback_and_entries_share_a_segment_in_any_order(home: Place) -> None:
    spool = open_spool(home)
    for number in range(20):
        spool.record(said(number))
        spool.record(entry(number))
    spool.close()
    drain(home, batch=3)
    assert ids(home) == list(range(20))
    assert rejected(home) == []


@pytest.mark.parametrize(
    "name", ["x-1-0.jsonl", "1-1-0.jsonl.bak", "1-1-0.new", "1-zz-0.jsonl", "notes.txt", ".jsonl"]
)
def test_what_is_no_segment_is_left_where_it_is(home: Place, name: str) -> None:
    (home.spool / name).write_bytes(line(entry(9)))
    segment(home, line(entry(1)))
    drain(home)
    assert ids(home) == [1]
    assert (home.spool / name).read_bytes() == line(entry(9))
