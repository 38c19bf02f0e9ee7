"""The spool: an entry is on disk before `record` returns, and a bad disk troubles no request."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from router.domain import Caller
from router.ledger.place import place
from router.ledger.progress import read_progress
from router.ledger.spool import SpoolState
from router.ledger.upgrade import upgrade
from tests.house.tree import ROOT
from tests.ledgers import drain, entry, files, open_spool, stored, worker


def steps(folder: Path, *script: tuple[int | None, list[int]]) -> list[SpoolState]:
    """What a process said of its spool after each step; see tests.ledger_worker."""
    child = worker("full", folder, json.dumps(script))
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    return [SpoolState(**json.loads(line)) for line in said.splitlines()]


def numbers(folder: Path) -> list[int]:
    """Which entries end up in the store."""
    home = place(str(folder))
    upgrade(home)
    drain(home)
    return [int(one.id, 16) for one in stored(home)]


def test_an_entry_is_one_line_in_the_file_once_it_is_recorded(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    spool = open_spool(home)
    spool.record(entry(1))
    spool.record(entry(2))
    (segment,) = files(home.spool)
    assert [json.loads(line)["id"] for line in segment.read_text().splitlines()] == [
        entry(1).id,
        entry(2).id,
    ]
    state = spool.state()
    assert (state.recorded, state.spooled, state.ringed, state.dropped) == (2, 2, 0, 0)
    assert state.degraded is None


def test_nobody_else_may_read_what_callers_may_have_written(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    open_spool(home).record(entry(1))
    (segment,) = files(home.spool)
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    spool = open_spool(home, segment_bytes=1_000)
    for number in range(6):
        spool.record(entry(number))
    assert len(files(home.spool)) > 1
    assert all(1_000 <= path.stat().st_size < 3_000 for path in files(home.spool)[:-1])
    spool.close()
    assert numbers(tmp_path) == list(range(6))


def test_two_workers_of_one_process_write_to_files_of_their_own(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    first, second = open_spool(home), open_spool(home)
    first.record(entry(1))
    second.record(entry(2))
    assert len(files(home.spool)) == 2


def test_a_spool_that_recorded_nothing_leaves_no_file(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    open_spool(home).close()
    assert not home.spool.exists()


def test_an_entry_that_cannot_be_written_down_is_counted(tmp_path: Path) -> None:
    spool = open_spool(place(str(tmp_path)))
    spool.record(entry(1, caller=Caller(user="\ud800")))
    spool.record(entry(2))
    state = spool.state()
    assert (state.recorded, state.spooled, state.dropped) == (2, 1, 1)


def test_a_full_disk_costs_nothing_once_there_is_room_again(tmp_path: Path) -> None:
    well, full, again = steps(tmp_path, (None, [0, 1]), (0, [2, 3]), (None, [4]))
    assert well.degraded is None
    assert full.degraded is not None
    assert "cannot be written" in full.degraded
    assert (full.spooled, full.ringed, full.dropped) == (2, 2, 0)
    assert again.degraded is None
    assert (again.spooled, again.ringed, again.dropped) == (5, 0, 0)
    assert numbers(tmp_path) == [0, 1, 2, 3, 4]


def test_when_the_memory_is_full_too_the_oldest_entries_go_and_are_counted(tmp_path: Path) -> None:
    full, again = steps(tmp_path, (0, list(range(8))), (None, [8]))
    assert (full.ringed, full.dropped) == (5, 3)
    assert (again.recorded, again.spooled, again.dropped) == (9, 5, 4)
    assert numbers(tmp_path) == [4, 5, 6, 7, 8]


def test_no_empty_files_are_left_by_tries_that_failed(tmp_path: Path) -> None:
    steps(tmp_path, (0, list(range(8))))
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("room", [1, 100])
def test_a_line_that_the_disk_cut_is_written_again_and_cuts_no_other(
    tmp_path: Path, room: int
) -> None:
    _, cut, mended = steps(tmp_path, (None, [0]), (room, [1]), (None, [2, 3]))
    assert cut.degraded is not None
    assert (cut.spooled, cut.ringed) == (1, 1)
    assert (mended.spooled, mended.ringed, mended.degraded) == (4, 0, None)
    assert numbers(tmp_path) == [0, 1, 2, 3]
    assert read_progress(tmp_path / "spool").torn == 1


def test_a_file_that_ends_in_a_cut_line_is_left_for_a_new_one(tmp_path: Path) -> None:
    steps(tmp_path, (None, [0]), (100, [1]), (0, [2]), (None, [3]))
    assert len(files(tmp_path / "spool")) == 2
    assert numbers(tmp_path) == [0, 1, 2, 3]


def test_a_spool_folder_that_is_deleted_is_made_again(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    spool = open_spool(home)
    spool.record(entry(1))
    shutil.rmtree(home.spool)
    spool.record(entry(2))
    spool.close()
    assert spool.state().spooled == 2
    assert numbers(tmp_path) == [2]


def test_a_folder_that_cannot_be_made_is_tried_again_with_each_entry(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    home.spool.write_text("in the way")
    spool = open_spool(home)
    spool.record(entry(1))
    assert spool.state().ringed == 1
    home.spool.unlink()
    spool.record(entry(2))
    assert spool.state().ringed == 0
    spool.close()
    assert numbers(tmp_path) == [1, 2]


def test_what_waits_in_memory_is_written_without_waiting_for_the_next_request(
    tmp_path: Path,
) -> None:
    home = place(str(tmp_path))
    home.spool.write_text("in the way")
    spool = open_spool(home, ring=500)
    for number in range(300):
        spool.record(entry(number))
    home.spool.unlink()
    spool.retry()
    assert (spool.state().spooled, spool.state().ringed) == (300, 0)
    spool.close()
    assert numbers(tmp_path) == list(range(300))


def test_a_disk_without_room_is_not_littered_and_keeps_its_file(tmp_path: Path) -> None:
    """A real full disk: a file system of 512 KiB, in a mount namespace of the child's own."""
    alone = ["unshare", "-rm"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets no test mount a file system")
    mount = 'mount -t tmpfs -o size=512k none "$0" && exec "$1" -m tests.ledger_worker crowd "$0"'
    done = subprocess.run(
        [*alone, "sh", "-c", mount, tmp_path, sys.executable],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    full, again = (SpoolState(**json.loads(line)) for line in done.stdout.splitlines())
    assert full.degraded is not None
    assert "No space left on device" in full.degraded
    assert full.spooled > 0
    assert full.ringed > 0
    assert (again.spooled, again.ringed, again.dropped) == (full.recorded, 0, 0)
