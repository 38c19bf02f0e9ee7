"""The engine: what was read stays read, and a cluster says what one machine says."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from classifier.registry import builtin
from router.replay import daft_door, sources
from router.replay.engine import Plan, read_parts
from router.replay.log import open_log
from router.replay.logged import LogError
from router.replay.mix import DEFAULT
from router.replay.part import Part
from router.replay.survey import Task
from tests.replays import EASY, HARD, exchange, written

ROOT = Path(__file__).parents[3]
PATIENCE_S = 80


def plan(folder: Path, *names: Path, state: bool = True) -> Plan:
    log = open_log([str(name) for name in names], None, folder / "unpacked")
    return Plan(
        units=log.units,
        task=Task(
            artifact=str(builtin()),
            verdicts=str(folder / "verdicts.bin"),
            rules=((),),
            mix=DEFAULT,
        ),
        state=str(folder / "state") if state else "",
    )


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    return [
        written(tmp_path / f"{name}.jsonl", [exchange(EASY), exchange(f"{HARD} {name}")])
        for name in ("a", "b", "c")
    ]


def places(parts: list[Part]) -> list[tuple[int, int]]:
    return [(part.unit, part.rows) for part in parts]


def test_parts_come_in_the_order_of_the_log(tmp_path: Path, logs: list[Path]) -> None:
    daft_door.start("local")
    assert places(list(read_parts(plan(tmp_path, *logs)))) == [(0, 2), (1, 2), (2, 2)]


def test_a_run_that_was_broken_off_goes_on(tmp_path: Path, logs: list[Path]) -> None:
    daft_door.start("local")
    reading = read_parts(plan(tmp_path, *logs))
    first = next(reading)
    reading.close()
    kept = list((tmp_path / "state").iterdir())
    assert len(kept) == 1
    written_at = kept[0].stat().st_mtime_ns
    again = list(read_parts(plan(tmp_path, *logs)))
    assert places(again) == [(0, 2), (1, 2), (2, 2)]
    assert kept[0].stat().st_mtime_ns == written_at
    assert np.array_equal(again[0].judged.scores, first.judged.scores)


def test_a_changed_file_is_read_anew(tmp_path: Path, logs: list[Path]) -> None:
    daft_door.start("local")
    list(read_parts(plan(tmp_path, *logs)))
    written(logs[0], [exchange(EASY)] * 5)
    assert places(list(read_parts(plan(tmp_path, *logs))))[0] == (0, 5)


def test_what_was_scored_once_is_not_scored_again(tmp_path: Path, logs: list[Path]) -> None:
    daft_door.start("local")
    first = list(read_parts(plan(tmp_path, *logs, state=False)))
    assert sum(int(part.judged.fresh.sum()) for part in first) >= 4
    again = list(read_parts(plan(tmp_path, *logs, state=False)))
    assert not any(part.judged.fresh.any() for part in again)
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.judged.scores, other.judged.scores)
        assert np.array_equal(one.judged.label, other.judged.label)


def test_a_file_that_goes_away_is_named(tmp_path: Path, logs: list[Path]) -> None:
    daft_door.start("local")
    asked = plan(tmp_path, *logs)
    logs[1].unlink()
    with pytest.raises(LogError, match=r"b\.jsonl cannot be read"):
        list(read_parts(asked))


def test_urls_are_found_and_read_through_the_engine(tmp_path: Path, logs: list[Path]) -> None:
    """A file system behind a protocol stands for a bucket: the same doors lead to both."""
    daft_door.start("local")
    assert [Path(path).name for path, _ in daft_door.list_files(f"file://{tmp_path}/*.jsonl")] == [
        "a.jsonl",
        "b.jsonl",
        "c.jsonl",
    ]
    with daft_door.open_url(f"file://{logs[0]}") as file:
        assert file.read() == logs[0].read_bytes()
    with pytest.raises(LogError, match="nowhere"):
        sources.find(["s3-odd://nowhere/x.jsonl"])


def simulated(engine: str, folder: Path) -> dict[str, object]:
    """The sample logs simulated in a process of its own, whose children end with it."""
    out, told = folder / engine, folder / f"{engine}.json"
    script, logs = ROOT / "tests" / "ray_run.py", ROOT / "data" / "logs"
    with told.open("wb") as stdout, (folder / f"{engine}.err").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, str(script), engine, str(logs), str(out)],
            stdout=stdout,
            stderr=stderr,
            cwd=ROOT,
            env=os.environ | {"GEARSHIFT_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            if engine == "ray" and not Path(f"{out}.up").exists():
                pytest.skip(f"no Ray cluster came up within {PATIENCE_S} s: a busy machine")
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 0, (folder / f"{engine}.err").read_text()[-2_000:]
    found: dict[str, object] = json.loads(told.read_text())
    return found


def test_a_ray_cluster_gives_the_same_totals(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    here, there = (simulated(engine, tmp_path) for engine in ("local", "ray"))
    assert here.pop("log") != there.pop("log")
    assert here == there
    assert here["requests"] == 2_300
