"""The sample logs that ship: what their script makes, and readable to the last line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.replays import surveyed

LOGS = Path(__file__).parent.parent.parent / "data" / "logs"


def test_the_logs_are_what_their_script_makes() -> None:
    words = [sys.executable, "-m", "scripts.logs", "--check"]
    subprocess.run(words, check=True, cwd=LOGS.parents[1])


@pytest.mark.parametrize(("name", "rows"), [("conversations.jsonl", 300), ("lengths.jsonl", 2_000)])
def test_every_line_of_a_sample_is_a_request(tmp_path: Path, name: str, rows: int) -> None:
    path = tmp_path / name
    path.symlink_to(LOGS / name)
    part = surveyed(path)
    assert (part.rows, part.bad) == (rows, ())
    assert (part.replied.tokens >= 0).all()
    times = part.told.at_us.tolist()
    assert times == sorted(times)


def test_the_conversations_are_of_several_turns_and_users(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.symlink_to(LOGS / "conversations.jsonl")
    part = surveyed(path)
    conversations = len(set(part.told.conversation.tolist()))
    assert 100 < conversations < 200
    assert len({part.names[at] for at in part.told.user.tolist()}) > 15
    assert part.replied.tokens[:, 1].max() > 0
