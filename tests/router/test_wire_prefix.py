import json
from typing import Any

from router.wire.request import parse_chat, prefix_digest

HELLO = {"role": "user", "content": "hello"}


def digest(*messages: dict[str, Any]) -> bytes | None:
    body = {"model": "auto", "messages": messages}
    return prefix_digest(parse_chat(json.dumps(body).encode(), max_messages=100))


def test_a_tool_loop_keeps_its_digest_from_call_to_call() -> None:
    opening = [{"role": "system", "content": "s"}, HELLO]
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "functions.f:0"}]}
    answer = {"role": "tool", "tool_call_id": "functions.f:0", "content": "42"}

    first = digest(*opening)

    assert first is not None
    assert len(first) == 16
    assert digest(*opening, call, answer) == first
    assert digest(*opening, call, answer, call, answer) == first


def test_a_digest_tells_conversations_apart() -> None:
    system = {"role": "system", "content": "s"}
    digests = [
        digest(*messages)
        for messages in (
            [HELLO],
            [system, HELLO],
            [{"role": "system", "content": "t"}, HELLO],
            [HELLO, {"role": "assistant", "content": "yes?"}, HELLO],
            [{"role": "user", "content": "hell"}, {"role": "user", "content": "o"}],
            [{"role": "user", "content": "hello "}],
        )
    ]

    assert len(set(digests)) == len(digests)


def test_a_digest_does_not_depend_on_how_a_message_is_written() -> None:
    parts = [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}]

    assert digest({"content": parts, "role": "user"}) == digest(HELLO)


def test_no_human_turn_no_digest() -> None:
    assert digest({"role": "system", "content": "s"}) is None
