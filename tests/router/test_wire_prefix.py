import json
from typing import Any

from router.wire.request import parse_chat, prefix_digest, prefix_digests

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


def digests(*messages: dict[str, Any]) -> tuple[bytes | None, bytes | None]:
    body = {"model": "auto", "messages": messages}
    return prefix_digests(parse_chat(json.dumps(body).encode(), max_messages=100))


def test_a_turn_knows_its_conversation_by_the_name_that_it_had_a_turn_before() -> None:
    system = {"role": "system", "content": "s"}
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "functions.f:0"}]}
    answer = {"role": "tool", "tool_call_id": "functions.f:0", "content": "42"}
    first: list[dict[str, Any]] = [system, HELLO]
    second = [*first, call, answer, {"role": "assistant", "content": "hi"}, HELLO]
    third = [*second, {"role": "assistant", "content": "again"}, {"role": "user", "content": "bye"}]

    assert digests(*first)[0] is None
    assert digests(*second)[0] == digests(*first)[1]
    assert digests(*third)[0] == digests(*second)[1]
    assert digests(*third)[1] == digest(*third)


def test_another_answer_in_between_is_another_conversation() -> None:
    told = [HELLO, {"role": "assistant", "content": "hi"}, HELLO]
    other = [HELLO, {"role": "assistant", "content": "no"}, HELLO]

    assert digests(*told)[0] == digests(*other)[0] == digest(HELLO)
    assert digests(*told)[1] != digests(*other)[1]
