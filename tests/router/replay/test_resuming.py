"""What a run leaves for the next one: parts and verdicts, whole or not at all."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.registry import builtin
from router.replay import daft_door
from router.replay.engine import Plan, read_parts
from router.replay.log import open_log
from router.replay.logged import LogError
from router.replay.mix import DEFAULT
from router.replay.part import SCORES, pack, unpack
from router.replay.sources import Unit, find
from router.replay.survey import Surveyor, Task
from router.replay.verdicts import HEADER_BYTES, ROW_BYTES, Verdicts, keep, load
from tests.replays import EASY, HARD, exchange, written


def task(folder: Path) -> Task:
    verdicts = str(folder / "verdicts.bin")
    return Task(artifact=str(builtin()), verdicts=verdicts, rules=((),), mix=DEFAULT)


def plan(folder: Path, *names: Path) -> Plan:
    log = open_log([str(name) for name in names], None, folder / "unpacked")
    return Plan(units=log.units, task=task(folder), state=str(folder / "state"))


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Of one, two and three requests, so that parts are told apart by their size."""
    return [
        written(tmp_path / f"{n}.jsonl", [exchange(f"{EASY} {at}") for at in range(n)])
        for n in (1, 2, 3)
    ]


def rows(asked: Plan) -> list[tuple[int, int]]:
    return [(part.unit, part.rows) for part in read_parts(asked)]


WHOLE = [(0, 1), (1, 2), (2, 3)]


def test_what_another_run_keeps_meanwhile_shifts_nothing(tmp_path: Path, logs: list[Path]) -> None:
    daft_door.start("local")
    mine = read_parts(plan(tmp_path, *logs))
    first = next(mine)
    assert rows(plan(tmp_path, *logs)) == WHOLE, "another run goes to its end"
    assert [(p.unit, p.rows) for p in (first, *mine)] == WHOLE
    assert rows(plan(tmp_path, *logs)) == WHOLE
    assert not list((tmp_path / "state").glob("*.part"))


def test_a_kept_part_that_is_damaged_is_named_with_what_to_do(
    tmp_path: Path, logs: list[Path]
) -> None:
    daft_door.start("local")
    reading = read_parts(plan(tmp_path, *logs))
    next(reading)
    reading.close()
    (kept,) = (tmp_path / "state").iterdir()
    for damage in (b"", b"\xc1", b"\x00" * 64, b"[]", kept.read_bytes()[:-9]):
        kept.write_bytes(damage)
        with pytest.raises(LogError, match=rf"{kept.name} of an earlier run is damaged: delete it"):
            rows(plan(tmp_path, *logs))
    kept.unlink()
    assert rows(plan(tmp_path, *logs)) == WHOLE


def test_a_part_cut_at_any_place_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", [exchange(EASY)])
    (source,) = find([str(log)])
    whole = pack(Surveyor(task(tmp_path)).survey(0, Unit(source=source, format="exchange")))
    assert unpack(whole).rows == 1
    for end in range(0, len(whole), 7):
        with pytest.raises((ValueError, KeyError, TypeError)):
            unpack(whole[:end])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, logs: list[Path]) -> None:
    daft_door.start("local")
    (tmp_path / "state").write_bytes(b"a file")
    with pytest.raises(LogError, match=r"state cannot be written: "):
        rows(plan(tmp_path, *logs))


def test_verdicts_that_cannot_be_kept_cost_nothing_but_time(
    tmp_path: Path, logs: list[Path]
) -> None:
    daft_door.start("local")
    (tmp_path / "verdicts.bin").mkdir()
    assert rows(plan(tmp_path, *logs)) == WHOLE


@pytest.fixture(scope="module")
def surveyor(tmp_path_factory: pytest.TempPathFactory) -> Surveyor:
    return Surveyor(task(tmp_path_factory.mktemp("survey")))


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.sampled_from((EASY, HARD, "hi")), min_size=1, max_size=8),
    cuts=st.sets(st.integers(1, 5_000), max_size=4),
)
def test_wherever_a_log_is_cut_its_requests_get_the_same_verdicts(
    surveyor: Surveyor,
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    cuts: set[int],
) -> None:
    log = written(tmp_path_factory.mktemp("cut") / "log", [exchange(text) for text in texts])
    (source,) = find([str(log)])
    whole = surveyor.survey(0, Unit(source=source, format="exchange"))
    ends = [0, *sorted(cut for cut in cuts if cut < source.size), source.size]
    parts = [
        surveyor.survey(at, Unit(source=source, format="exchange", start=start, end=end))
        for at, (start, end) in enumerate(pairwise(ends))
    ]
    assert sum(part.lines for part in parts) == whole.lines == len(texts)
    for name in ("label", "scores", "key", "characters"):
        joined = np.concatenate([getattr(part.judged, name) for part in parts])
        assert np.array_equal(joined, getattr(whole.judged, name))
    assert not any(part.judged.fresh.any() for part in parts), "all of them were scored before"


def verdicts(*keys: int, first: int = 0) -> Verdicts:
    n = len(keys)
    return Verdicts(
        key=np.array(keys, np.uint64),
        rest=np.array(keys, np.uint64) + np.uint64(1),
        scores=np.arange(first, first + n * len(SCORES), dtype=np.int32).reshape(n, len(SCORES)),
        label=np.array([key % 4 for key in keys], np.uint8),
    )


def test_a_store_that_was_cut_short_is_as_good_as_none_wherever_that_was(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.bin"
    keep(path, verdicts(*range(40, 0, -1)))
    whole = path.read_bytes()
    assert len(whole) == HEADER_BYTES + 40 * ROW_BYTES
    for end in range(0, len(whole), 23):
        path.write_bytes(whole[:end])
        assert len(load(path).key) == 0
    for gone in range(1, 40, 3):  # at the end of a row it looks whole
        path.write_bytes(whole[: -gone * ROW_BYTES])
        assert len(load(path).key) == 0
    path.write_bytes(whole + b"\0" * ROW_BYTES)
    assert len(load(path).key) == 0
    path.write_bytes(whole)
    assert load(path).key.tolist() == list(range(1, 41))


@given(st.lists(st.lists(st.integers(0, 60), max_size=9, unique=True), max_size=5))
def test_in_whatever_order_verdicts_come_the_same_are_kept(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    for name, order in (("a", batches), ("b", batches[::-1])):
        for batch in order:
            keep(folder / name, verdicts(*batch))
    kept = [load(folder / name) for name in "ab"]
    wanted = sorted({key for batch in batches for key in batch})
    for one in kept:
        assert one.key.tolist() == wanted
        assert one.label.tolist() == [key % 4 for key in wanted]
        assert one.find(np.column_stack([one.key, one.rest])).tolist() == list(range(len(wanted)))


def test_an_older_verdict_is_not_replaced_by_a_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.bin"
    keep(path, verdicts(7))
    keep(path, verdicts(7, 9, first=500))
    known = load(path)
    assert known.scores[:, 0].tolist() == [0, 505]
    assert not list(tmp_path.glob("*.part"))
