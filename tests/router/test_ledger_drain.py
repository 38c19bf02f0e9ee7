"""From the spool into the store: everything, each entry once, whatever lies between."""

import json
import stat
from pathlib import Path

import msgspec
import pytest

from router.errors import LedgerError
from router.ledger.catchup import catch_up
from router.ledger.drain import Rejection
from router.ledger.filelock import FileLock
from router.ledger.place import Place, place
from router.ledger.progress import Progress, read_lag, read_progress
from router.ledger.segments import segments
from router.ledger.upgrade import DRAIN_LOCK, upgrade
from tests.ledgers import (
    NOON_US,
    cost,
    drain,
    entry,
    files,
    open_drain,
    open_spool,
    postgres,
    stored,
)


@pytest.fixture
def home(tmp_path: Path) -> Place:
    made = place(str(tmp_path))
    upgrade(made)
    return made


def numbers(home: Place) -> list[int]:
    return [int(one.id, 16) for one in stored(home)]


def rejections(home: Place) -> list[Rejection]:
    lines = (home.spool / "rejected.jsonl").read_text().splitlines()
    return [Rejection(**json.loads(line)) for line in lines]


def write(home: Place, text: str | bytes) -> Path:
    """A segment of a worker that has gone."""
    home.spool.mkdir(exist_ok=True)
    path = home.spool / "1-1-0.jsonl"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def line(number: int) -> str:
    """An entry as a spool writes it."""
    return msgspec.json.encode(entry(number)).decode() + "\n"


def test_segments_of_workers_that_have_gone_are_deleted_and_living_ones_are_kept(
    home: Place,
) -> None:
    gone, living = open_spool(home), open_spool(home)
    gone.record(entry(1))
    living.record(entry(2))
    gone.close()
    drain(home)
    assert numbers(home) == [1, 2]
    assert len(files(home.spool)) == 1
    living.record(entry(3))
    living.close()
    drain(home)
    assert numbers(home) == [1, 2, 3]
    assert files(home.spool) == []


def test_a_living_worker_is_read_from_where_the_last_drain_ended(home: Place) -> None:
    spool = open_spool(home)
    spool.record(entry(1))
    drain(home)
    spool.record(entry(2))
    drain(home)
    assert numbers(home) == [1, 2]
    assert read_progress(home.spool).stored == 2


def test_losing_the_place_stores_nothing_twice(home: Place) -> None:
    spool = open_spool(home)
    spool.record(entry(1))
    drain(home)
    (home.spool / "progress.json").write_text("half a fi")
    spool.record(entry(2))
    drain(home)
    assert numbers(home) == [1, 2]


@pytest.mark.parametrize("batch", [1, 7, 10, 500])
def test_a_batch_may_end_anywhere(home: Place, batch: int) -> None:
    spools = [open_spool(home, segment_bytes=2_000) for _ in range(3)]
    for number in range(30):
        spools[number % 3].record(entry(number))
    drain(home, batch=batch)
    assert numbers(home) == list(range(30))
    assert read_lag(home.spool).bytes == 0
    for spool in spools:
        spool.close()
    drain(home, batch=batch)
    assert files(home.spool) == []


def test_a_line_that_is_still_being_written_waits_for_its_end(home: Place) -> None:
    spool = open_spool(home)
    spool.record(entry(1))
    (segment,) = files(home.spool)
    with segment.open("a") as file:
        file.write(line(2)[:100])
        file.flush()
        drain(home)
        assert numbers(home) == [1]
        file.write(line(2)[100:])
    drain(home)
    assert numbers(home) == [1, 2]
    assert read_progress(home.spool).torn == 0


def test_the_last_line_of_a_dead_worker_counts_when_only_its_end_is_missing(home: Place) -> None:
    write(home, line(1) + line(2).rstrip())
    drain(home)
    assert numbers(home) == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        line(1) + line(2)[:80] + "\n" + line(3),
        line(1) + "\0" * 512 + "\n" + line(3),
        line(1) + "\n\n{}\n" + line(3),
        line(1) + line(3) + line(2)[:80],
    ],
    ids=["torn in the middle", "zeros after a power cut", "no entry", "torn at the end"],
)
def test_lines_that_are_no_entries_are_set_aside_and_the_rest_is_stored(
    home: Place, text: str
) -> None:
    write(home, text)
    drain(home)
    assert numbers(home) == [1, 3]
    assert read_progress(home.spool).torn == 1
    (rejection,) = rejections(home)
    assert rejection.line in text
    assert files(home.spool) == []


def test_a_line_that_is_no_text_is_set_aside_readably(home: Place) -> None:
    write(home, b"\xff\xfe\n" + line(1).encode())
    drain(home)
    assert numbers(home) == [1]
    assert rejections(home)[0].line == "\\xff\\xfe"
    assert stat.S_IMODE((home.spool / "rejected.jsonl").stat().st_mode) == 0o600, "it holds prompts"


def test_an_entry_that_the_store_refuses_does_not_keep_the_others_out(home: Place) -> None:
    spool = open_spool(home)
    for number in range(20):
        spool.record(entry(number, cost=cost(2**50) if number in {3, 11} else cost(1)))
    spool.close()
    drain(home)
    assert numbers(home) == [number for number in range(20) if number not in {3, 11}]
    assert [json.loads(one.line)["id"] for one in rejections(home)] == [entry(3).id, entry(11).id]
    assert read_progress(home.spool).refused == 2
    assert files(home.spool) == []


def test_postgresql_refuses_one_by_one_as_well(tmp_path: Path) -> None:
    with postgres() as url:
        home = place(str(tmp_path), url)
        upgrade(home)
        spool = open_spool(home)
        for number in range(9):
            spool.record(entry(number, cost=cost(2**50) if number == 4 else cost(1)))
        spool.close()
        drain(home)
        assert numbers(home) == [0, 1, 2, 3, 5, 6, 7, 8]
        assert read_progress(home.spool).refused == 1


def test_while_the_store_is_away_nothing_is_lost_and_everyone_can_see_why(home: Place) -> None:
    assert home.sqlite is not None
    spool = open_spool(home)
    spool.record(entry(1))
    draining = open_drain(home)
    draining.run()
    away = home.sqlite.rename(home.sqlite.with_suffix(".away"))
    spool.record(entry(2))
    spool.record(entry(3))
    with pytest.raises(LedgerError, match="was deleted"):
        draining.run()
    lag = read_lag(home.spool)
    assert lag.entries == 2
    assert lag.bytes == len(line(2)) + len(line(3))
    assert lag.trouble is not None
    away.rename(home.sqlite)
    draining.run()
    draining.close()
    assert numbers(home) == [1, 2, 3]
    after = read_lag(home.spool)
    assert (after.entries, after.bytes, after.age_s, after.trouble) == (0, 0, 0.0, None)


def test_the_lag_is_as_old_as_the_oldest_entry_that_waits(home: Place) -> None:
    spool = open_spool(home)
    spool.record(entry(1, at_us=NOON_US))
    spool.record(entry(2, at_us=NOON_US + 5_000_000))
    lag = read_lag(home.spool, now_us=NOON_US + 9_000_000)
    assert (lag.entries, lag.age_s) == (2, 9.0)


def test_a_long_stream_that_was_just_recorded_does_not_look_like_a_long_wait(home: Place) -> None:
    spool = open_spool(home)
    spool.record(entry(1))
    drain(home)
    caught_up = read_progress(home.spool).caught_up_us
    spool.record(entry(2, at_us=caught_up - 600_000_000))
    assert read_lag(home.spool, now_us=caught_up + 2_000_000).age_s == 2.0


def test_many_waiting_entries_are_counted_about_right(home: Place) -> None:
    spool = open_spool(home)
    for number in range(600):
        spool.record(entry(number))
    lag = read_lag(home.spool)
    assert lag.bytes > 256 * 1024
    assert abs(lag.entries - 600) <= 6


def test_a_folder_that_does_not_exist_lags_by_nothing(tmp_path: Path) -> None:
    assert read_lag(tmp_path / "none").entries == 0
    assert read_progress(tmp_path / "none") == Progress()


def test_a_command_drains_when_no_service_does(home: Place) -> None:
    spool = open_spool(home)
    spool.record(entry(1))
    catch_up(home)
    assert numbers(home) == [1]


def test_a_command_leaves_the_draining_to_the_service_that_runs(home: Place) -> None:
    service = FileLock(home.spool / DRAIN_LOCK)
    assert service.take()
    open_spool(home).record(entry(1))
    catch_up(home)
    assert numbers(home) == []
    service.give_back()
    catch_up(home)
    assert numbers(home) == [1]


def test_a_lock_on_a_file_that_was_deleted_counts_as_lost(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = FileLock(path), FileLock(path)
    assert first.take()
    assert not second.take()
    path.unlink()
    assert second.take()
    assert not first.take()
    second.give_back()
    assert first.take()
    assert first.take()


def test_the_place_of_every_segment_is_forgotten_with_the_segment(home: Place) -> None:
    spool = open_spool(home)
    spool.record(entry(1))
    drain(home)
    assert list(read_progress(home.spool).offsets) == [files(home.spool)[0].name]
    spool.close()
    drain(home)
    assert read_progress(home.spool).offsets == {}


def test_segments_come_in_the_order_in_which_their_writers_began(tmp_path: Path) -> None:
    for name in ("10-10-10", "9-f-0", "10-10-2", "rejected", "1-2"):
        (tmp_path / f"{name}.jsonl").touch()
    assert [path.stem for path in segments(tmp_path)] == ["9-f-0", "10-10-2", "10-10-10"]
