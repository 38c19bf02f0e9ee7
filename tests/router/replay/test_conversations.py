"""What hangs together in a log is followed, within bounds."""

from pathlib import Path

import numpy as np

from router.domain import ModelId
from router.prices.prefixes import TIMELESS
from router.replay.conversations import Before, Conversations, Loops
from router.replay.part import Part
from tests.replays import surveyed, written

A, B = ModelId("a"), ModelId("b")


def asked(session: str, at: str | None, text: str = "hello") -> dict[str, object]:
    request = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return {"session": session, "timestamp": at, "request": request}


def part(tmp_path: Path, *lines: object) -> Part:
    return surveyed(written(tmp_path / "log.jsonl", lines))


def follow(
    part: Part, taken: list[int], answered: list[int], conversations: Conversations | None = None
) -> Before:
    by = np.array(answered, np.int32)
    return (conversations or Conversations()).follow(part, np.array(taken, np.int64), by)


def test_each_request_knows_the_one_before_it_in_its_conversation(tmp_path: Path) -> None:
    lines = (
        asked("x", "2026-11-20T12:00:00Z"),
        asked("y", "2026-11-20T12:00:10Z"),
        asked("x", "2026-11-20T12:01:00Z"),
        asked("x", "2026-11-20T12:01:30Z"),
    )
    before = follow(part(tmp_path, *lines), [100, 900, 300, 200], [0, 0, 1, 1])
    assert before.tokens.tolist() == [0, 0, 100, 200]
    assert before.gap_us.tolist() == [0, 0, 60_000_000, 30_000_000]
    assert before.same.tolist() == [True, True, False, True]


def test_conversations_go_on_from_one_part_to_the_next(tmp_path: Path) -> None:
    known = Conversations()
    one = part(tmp_path, asked("x", "2026-11-20T12:00:00Z"))
    follow(one, [100], [0], known)
    assert follow(one, [100], [0], known).tokens.tolist() == [100]


def test_a_time_that_is_missing_or_goes_back_is_no_long_time(tmp_path: Path) -> None:
    lines = (
        asked("x", None),
        asked("x", "2026-11-20T12:00:00Z"),
        asked("x", "2026-11-20T11:00:00Z"),
    )
    before = follow(part(tmp_path, *lines), [10, 10, 10], [0, 0, 0])
    assert before.gap_us.tolist() == [0, TIMELESS, 0]


def test_those_not_heard_of_longest_are_forgotten_first(tmp_path: Path) -> None:
    lines = [asked(name, None) for name in ("x", "y", "x", "z", "y", "x")]
    before = follow(part(tmp_path, *lines), [9] * 6, [0] * 6, Conversations(most=2))
    # y was pushed out by z, and pushed out x in its turn.
    assert before.tokens.tolist() == [0, 0, 9, 0, 0, 0]


def test_a_tool_loop_is_pinned_to_the_model_that_began_it() -> None:
    loops = Loops(most=2)
    loops.begin(1, A)
    loops.begin(2, B)
    assert (loops.pin(1), loops.pin(2), loops.pin(3)) == (A, B, None)
    loops.begin(3, B)
    assert loops.pin(1) is None


def test_users_and_keys_make_other_conversations_of_the_same_words(tmp_path: Path) -> None:
    lines = [
        asked("", None) | {"user": "a"},
        asked("", None) | {"user": "b"},
        asked("", None) | {"user": "a", "key": "k"},
        asked("", None) | {"user": "a"},
        asked("", None, "other words") | {"user": "a"},
    ]
    names = part(tmp_path, *lines).told.conversation.tolist()
    assert len(set(names)) == 4
    assert names[0] == names[3]


def test_traces_without_blocks_are_conversations_of_one_request(tmp_path: Path) -> None:
    lines = [{"timestamp": at, "input_length": 5, "output_length": 5} for at in (0, 1, 2)]
    assert len(set(part(tmp_path, *lines).told.conversation.tolist())) == 3
