"""Every format that a log comes in, read into the same value; bad lines say what is wrong."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from router.domain import Usage
from router.replay.formats import batch, exchange, lengths, prompts
from router.replay.formats.choose import reader_of
from router.replay.logged import FORMATS, Answered, Bad, moment_us
from tests.replays import bad, logged


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


REQUEST = {
    "model": "gpt-4o",
    "user": "in-body",
    "max_tokens": 300,
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello"},
    ],
}
RESPONSE = {
    "model": "vendor/instruct",
    "choices": [{"finish_reason": "tool_calls", "message": {"content": "hi"}}],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
}


def test_an_exchange_has_who_when_what_and_the_answer() -> None:
    line = {
        "timestamp": "2026-11-20T12:00:00Z",
        "user": "ada",
        "session": "s1",
        "key": "team",
        "tags": ["a", "b"],
        "request": REQUEST,
        "response": RESPONSE,
    }
    found = logged(exchange.read(encoded(line)))
    assert (found.key, found.user, found.session, found.tags) == ("team", "ada", "s1", ("a", "b"))
    assert found.at_us == int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) * 10**6
    assert [turn.text for turn in found.turns] == ["be brief", "hello"]
    assert found.facts.max_tokens == 300
    assert found.answer == Answered(
        model="vendor/instruct",
        usage=Usage(input=20, cached=4, output=7, reasoning=2, source="billed"),
        called_tools=True,
    )


def test_what_the_line_does_not_say_the_body_does() -> None:
    found = logged(exchange.read(encoded({"request": REQUEST})))
    assert (found.user, found.at_us, found.answer) == ("in-body", -1, None)


@pytest.mark.parametrize(
    ("asked", "forced", "dial"),
    [
        ("gpt-4o", None, "auto"),
        ("kimi-k2-thinking", None, "auto"),
        ("auto:cheap", None, "cheap"),
        ("gearshift/hard", "hard", "auto"),
    ],
)
def test_only_words_that_were_said_to_a_router_bind_it(
    asked: str, forced: str | None, dial: str
) -> None:
    found = logged(exchange.read(encoded({"request": REQUEST | {"model": asked}})))
    assert (found.facts.forced, found.facts.dial) == (forced, dial)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "truncated"),
        (b"[1]", "object"),
        (b"{}", "`request` is missing"),
        (encoded({"request": {"model": "m", "messages": []}}), "`messages` is empty"),
        (encoded({"request": REQUEST, "timestamp": "yesterday"}), "yesterday"),
        (encoded({"request": REQUEST, "timestamp": -5}), "no time"),
    ],
)
def test_a_bad_exchange_says_what_is_wrong(line: bytes, reason: str) -> None:
    assert reason in bad(exchange.read(line))


def test_an_answer_that_is_none_is_no_answer() -> None:
    assert (
        logged(exchange.read(encoded({"request": REQUEST, "response": {"error": 1}}))).answer
        is None
    )
    assert logged(exchange.read(encoded({"request": REQUEST, "response": None}))).answer is None


def test_a_prompt_is_a_conversation_of_one_turn() -> None:
    for found in (
        logged(prompts.read(encoded({"prompt": "how are you?", "user": 7}))),
        logged(prompts.read_text(b"  how are you?\r")),
    ):
        assert [(turn.role, turn.text) for turn in found.turns] == [("user", "how are you?")]
    assert "prompt" in bad(prompts.read(encoded({"prompt": ""})))
    assert "UTF-8" in bad(prompts.read_text(b"\xff\xfe"))


def test_a_trace_has_lengths_and_no_text() -> None:
    line = {"timestamp": 1_500, "input_length": 6_758, "output_length": 500, "hash_ids": [0, 1]}
    found = logged(lengths.read_mooncake(encoded(line)))
    assert (found.at_us, found.turns, found.prefix) == (1_500_000, (), (0, 1))
    assert found.answer is not None
    assert found.answer.usage == Usage(input=6_758, output=500, source="billed")
    assert found.drawn

    again = logged(lengths.read_azure(b"2023-11-16 18:15:46.6805900,374,44\r"))
    assert again.at_us == 1_700_158_546_680_590
    assert again.answer is not None
    assert (again.answer.usage.input, again.answer.usage.output) == (374, 44)


def test_a_bad_trace_says_what_is_wrong() -> None:
    assert tuple(lengths.read_azure(b"TIMESTAMP,ContextTokens,GeneratedTokens\r")) == ()
    assert "2 columns" in bad(lengths.read_azure(b"2023-11-16,374"))
    assert "negative" in bad(lengths.read_azure(b"2023-11-16 18:15:46.68,-1,44"))
    assert "input_length" in bad(lengths.read_mooncake(b'{"input_length": -4, "output_length": 1}'))


def test_batch_files_are_requests_and_answers() -> None:
    asked = {
        "custom_id": "r1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": REQUEST,
    }
    assert logged(batch.read(encoded(asked))).custom_id == "r1"
    reply = {"status_code": 200, "request_id": "x", "body": RESPONSE}
    output = {"id": "b", "custom_id": "r1", "response": reply, "error": None}
    (answer,) = batch.read(encoded(output))
    assert isinstance(answer, Answered)
    assert (answer.custom_id, answer.usage.output) == ("r1", 7)
    failed = output | {"response": {"status_code": 429, "body": {}}}
    assert "not answered" in bad(batch.read(encoded(failed)))
    other = asked | {"url": "/v1/embeddings"}
    assert "no chat completion" in bad(batch.read(encoded(other)))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "line",
    [
        b"\xff",
        b"{",
        b"{}",
        b"[]",
        b"[[]]",
        b"null",
        b"7",
        b'"x"',
        b"[" * 100_000,
        b'{"a": {"b": []}}',
    ],
)
def test_nothing_that_stands_in_a_line_raises(form: str, line: bytes) -> None:
    for found in reader_of(msgspec.convert(form, type=type(FORMATS[0])))(line):
        if isinstance(found, Bad):
            assert 0 < len(found.reason) <= 300


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        (1_700_000_000, 1_700_000_000_000_000),
        (1_700_000_000.5, 1_700_000_000_500_000),
        (1_700_000_000_123, 1_700_000_000_123_000),
        (1_700_000_000_123_456, 1_700_000_000_123_456),
        (1_700_000_000_123_456_000, 1_700_000_000_123_456),
        ("1700000000", 1_700_000_000_000_000),
        ("2023-11-14T22:13:20", 1_700_000_000_000_000),
        ("2023-11-14 23:13:20+01:00", 1_700_000_000_000_000),
        ("2023-11-14T22:13:20.1234567Z", 1_700_000_000_123_456),
        (None, -1),
        ("", -1),
    ],
)
def test_times_are_read_as_logs_write_them(said: str | float | None, moment: int) -> None:
    assert moment_us(said) == moment


def test_an_answer_without_counts_is_counted_by_its_text() -> None:
    response = {"choices": [{"message": {"content": "x" * 400}}]}
    found = logged(exchange.read(encoded({"request": REQUEST, "response": response})))
    assert found.answer is not None
    assert found.answer.usage.output == 100
    assert found.answer.usage.input == found.facts.input_tokens
    assert found.answer.usage.source == "estimated"
