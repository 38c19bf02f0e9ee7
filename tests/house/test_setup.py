"""Set-up says in one plain line what a person can mend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

INTERPRETER = """#!/bin/sh
case "$*" in
*-m\\ venv*) echo '{trouble}' >&2; exit 1 ;;
*) exec {python} "$@" ;;
esac
"""


def said(folder: Path, python: Path | str) -> str:
    """What set-up says when it is given this interpreter; it must fail."""
    done = subprocess.run(
        [str(ROOT / "scripts" / "setup"), str(folder / "venv"), "requirements/serve.txt"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert not (folder / "venv").exists()
    return done.stderr


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """Where an interpreter stands that cannot make environments."""
    return tmp_path / "python"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_an_unsuitable_python_is_named(tmp_path: Path, failing: Path) -> None:
    assert said(tmp_path, tmp_path / "absent") == (
        "setup: gearshift needs Python 3.11, 3.12 or 3.13; found none "
        "(PYTHON=/path/to/python3.12 names another)\n"
    )
    old = write(failing, "#!/bin/sh\ncase $2 in *platform*) echo 3.10.9 ;; *) exit 1 ;; esac\n")
    assert "found 3.10.9 (" in said(tmp_path, old)


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("The virtual environment was not created: ensurepip is not available", "python3-venv"),
        ("No module named venv", "without its venv module"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("[Errno 122] Disk quota exceeded", "the disk is full"),
        ("PermissionError: [Errno 13] Permission denied", "cannot write"),
    ],
)
def test_what_stops_the_environment_is_told_in_one_line(
    tmp_path: Path, failing: Path, trouble: str, told: str
) -> None:
    python = write(failing, INTERPRETER.format(trouble=trouble, python=sys.executable))
    message = said(tmp_path, python)
    assert message.count("\n") == 1
    assert told in message


def test_what_is_not_known_is_shown_as_it_is(tmp_path: Path, failing: Path) -> None:
    python = write(failing, INTERPRETER.format(trouble="it rained", python=sys.executable))
    message = said(tmp_path, python)
    assert message.startswith("it rained\n")
    assert message.endswith("setup: cannot make " + str(tmp_path / "venv") + "\n")


@pytest.mark.parametrize("lock", ["serve", "dev", "extras"])
def test_a_lock_holds_versions_and_nothing_of_a_machine(lock: str) -> None:
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines()
    assert lines
    for line in lines:
        requirement = line.partition(" ;")[0]
        name, _, version = requirement.partition("==")
        assert name, line
        assert version, line
        assert not set(requirement) & set("/:@+"), line


def test_what_serves_is_what_is_developed_with() -> None:
    # What one of them needs on one platform alone, the other may need on all.
    serve, dev = (
        {
            line.partition(" ;")[0]
            for line in (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines()
        }
        for lock in ("serve", "dev")
    )
    assert serve <= dev


def test_the_serving_set_is_light() -> None:
    lock = (ROOT / "requirements" / "serve.txt").read_text()
    for heavy in ("torch", "scikit-learn", "scipy", "transformers", "pandas", "daft", "altair"):
        assert f"\n{heavy}==" not in lock
