"""A row stands on the same side of every split, for ever."""

from collections import Counter

from classifier.corpus import Example
from classifier.folds import PARTS, parts


def rows(count: int) -> list[Example]:
    return [Example(prompt=f"how far is it from place {n} to the sea") for n in range(count)]


def test_every_part_gets_its_share() -> None:
    counted = Counter(parts(rows(4_000)).tolist())
    assert set(counted) == set(PARTS)
    assert 3_000 < counted["train"] < 3_400
    assert 300 < counted["calibrate"] < 500
    assert 300 < counted["promote"] < 500


def test_a_row_keeps_its_part_whatever_stands_around_it() -> None:
    alone = {row.prompt: parts([row]).item() for row in rows(50)}
    shuffled = rows(200)[::-1]
    among = dict(zip([row.prompt for row in shuffled], parts(shuffled).tolist(), strict=True))
    assert {prompt: among[prompt] for prompt in alone} == alone


def test_near_duplicates_and_twins_share_a_part() -> None:
    for n in range(50):
        pair = [Example(prompt=f"book it {n}", pair_id=n), Example(prompt="book two", pair_id=n)]
        near = [Example(prompt=f"a {n}", cluster=n), Example(prompt=f"another {n}", cluster=n)]
        assert len(set(parts(pair).tolist())) == 1
        assert len(set(parts(near).tolist())) == 1


def test_case_and_marks_do_not_move_a_row() -> None:
    for n in range(50):
        said = [Example(prompt=f"What is {n}?"), Example(prompt=f"what is {n}")]
        assert len(set(parts(said).tolist())) == 1
