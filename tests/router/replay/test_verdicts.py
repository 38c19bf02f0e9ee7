"""Verdicts that were made before: kept whole, found by their keys, never taken for others'."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.replay.logged import LogError
from router.replay.mix import DEFAULT, draw, parse_mix
from router.replay.part import SCORES, pack, unpack
from router.replay.verdicts import NONE, Verdicts, keep, load
from tests.replays import EASY, exchange, surveyed, written

halves = st.integers(0, 2**64 - 1)
keys = st.lists(
    st.tuples(st.sampled_from([0, 1, 2**63]) | halves, halves), max_size=30, unique=True
)


def verdicts(found: list[tuple[int, int]]) -> Verdicts:
    """A verdict for each key, told apart by its number."""
    n = len(found)
    pairs = np.array(found, np.uint64).reshape(-1, 2)
    return Verdicts(
        key=pairs[:, 0],
        rest=pairs[:, 1],
        scores=np.arange(n * len(SCORES), dtype=np.int32).reshape(n, len(SCORES)),
        label=(np.arange(n) % 4).astype(np.uint8),
    )


@given(first=keys, second=keys, others=keys)
def test_what_was_kept_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[tuple[int, int]],
    second: list[tuple[int, int]],
    others: list[tuple[int, int]],
) -> None:
    path = tmp_path_factory.mktemp("kept") / "verdicts.bin"
    made = verdicts(first)
    keep(path, made)
    keep(path, verdicts(second))
    known = load(path)
    begun = {key for key, _ in first}
    for at, key in enumerate(known.find(np.array(first, np.uint64).reshape(-1, 2))):
        # Of keys that begin alike only the first is kept: the others are scored anew.
        if key >= 0:
            assert known.scores[key].tolist() == made.scores[at].tolist()
            assert known.label[key] == made.label[at]
        else:
            assert [half for half, _ in first].count(first[at][0]) > 1
    for pair, key in zip(
        others, known.find(np.array(others, np.uint64).reshape(-1, 2)), strict=True
    ):
        assert key < 0 or pair in first or pair in second
    assert len(known.key) == len(begun | {key for key, _ in second})


@pytest.mark.parametrize("content", [b"", b"x", b"gearshift verdicts 1\n", b"\0" * 1_000])
def test_a_file_that_is_none_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "verdicts.bin"
    path.write_bytes(content)
    assert len(load(path).key) == 0
    keep(path, verdicts([(1, 2)]))
    assert load(path).key.tolist() == [1]
    assert len(load(tmp_path / "missing").key) == len(NONE.key) == 0


def test_no_text_is_in_a_part_or_in_the_file(tmp_path: Path) -> None:
    part = surveyed(written(tmp_path / "log.jsonl", [exchange(EASY, user="ada")]))
    data = pack(part)
    assert b"Portugal" not in data
    again = unpack(data)
    assert again.names == part.names
    assert np.array_equal(again.judged.key, part.judged.key)
    assert np.array_equal(again.asked.rules, part.asked.rules)


def test_labels_are_drawn_alike_every_time_and_in_the_shares_of_the_mix() -> None:
    lines = [f"line {at}".encode() for at in range(20_000)]
    drawn = [draw(DEFAULT, line) for line in lines]
    assert drawn == [draw(DEFAULT, line) for line in lines]
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    assert shares.tolist() == pytest.approx(DEFAULT, abs=0.015)


def test_a_mix_is_shares_of_labels() -> None:
    assert parse_mix("easy=.5, hard=.25,needs_info=0.25") == (0.5, 0.0, 0.25, 0.25)
    for said in ("easy", "easy=x", "soft=1", "easy=-1", "easy=.5,easy=.4", ""):
        with pytest.raises(LogError, match="--mix: "):
            parse_mix(said)
