"""A command starts no threads for linear algebra: they would only wait for one another."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TASKS = Path("/proc/self/task")
COUNT = """
import os, sys
from router.cli.main import main
sys.argv = ["gearshift", "train", "--help"]
try:
    main()
except SystemExit:
    assert "numpy" in sys.modules
    print(len(os.listdir("/proc/self/task")), os.environ["OPENBLAS_NUM_THREADS"])
"""


def threads(**environ: str) -> list[str]:
    """How many threads a command runs in, and how many were asked for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS")}
    done = subprocess.run(
        [sys.executable, "-c", COUNT],
        env=kept | environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.skipif(not TASKS.exists(), reason="threads are counted in /proc")
def test_a_command_runs_in_one_thread() -> None:
    assert threads() == ["1", "1"]


@pytest.mark.skipif(not TASKS.exists(), reason="threads are counted in /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has one thread either way")
def test_who_asks_for_more_gets_more() -> None:
    count, asked = threads(OPENBLAS_NUM_THREADS="2")
    assert asked == "2"
    assert int(count) > 1
