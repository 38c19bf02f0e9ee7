import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain import Usage
from router.wire.answer import Answer, parse_answer
from router.wire.tokens import estimate_tokens, estimate_usage


def read(**fields: Any) -> Answer:
    message = {"role": "assistant", "content": "hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = parse_answer(json.dumps({"choices": [choice], **fields}).encode())
    assert answer is not None
    return answer


def read_message(**message: Any) -> Answer:
    return read(choices=[{"message": {"role": "assistant", **message}, "finish_reason": "stop"}])


def test_reads_usage_and_finish_reason() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }

    answer = read(usage=usage)

    assert answer.finish == "stop"
    assert answer.usage == Usage(input=100, cached=80, output=50, reasoning=30, source="billed")


@pytest.mark.parametrize(
    "usage",
    [
        {"cached_tokens": 80},
        {"prompt_tokens_details": {"cached_tokens": 80}},
        {"cached_tokens": 80, "prompt_tokens_details": {"cached_tokens": 80}},
        {"cached_tokens": 0, "prompt_tokens_details": {"cached_tokens": 80}},
        {"cached_tokens": 80, "prompt_tokens_details": None},
    ],
)
def test_finds_cached_tokens_in_every_place_and_adds_none_twice(usage: dict[str, Any]) -> None:
    answer = read(usage={"prompt_tokens": 100, "completion_tokens": 5, **usage})

    assert answer.usage == Usage(input=100, cached=80, output=5, source="billed")


def test_finds_usage_in_the_first_choice() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "cached_tokens": 3}
    billed = Usage(input=9, cached=3, output=4, source="billed")
    choice = {"message": {"content": "x"}, "finish_reason": "stop", "usage": usage}

    assert read(choices=[choice]).usage == billed
    assert read(choices=[choice], usage=usage).usage == billed
    poorer = {"prompt_tokens": 9, "completion_tokens": 4}
    assert read(choices=[choice], usage=poorer).usage == billed


@pytest.mark.parametrize(
    "usage",
    [None, {}, [], "12", 12, {"prompt_tokens": "9"}, {"prompt_tokens": 0, "completion_tokens": 0}],
)
def test_usage_without_a_token_is_none_at_all(usage: object) -> None:
    assert read(usage=usage).usage == Usage(source="none")


def test_nonsense_in_usage_stays_within_bounds() -> None:
    nonsense = {"prompt_tokens": 10, "cached_tokens": 99, "completion_tokens": -5}
    assert read(usage=nonsense).usage == Usage(input=10, cached=10, source="billed")

    huge = read(usage={"prompt_tokens": 10**18, "completion_tokens": 1.0}).usage
    assert huge.input < 2**63 // 1_000
    assert huge.output == 1


def test_measures_what_was_written_in_bytes_of_utf8() -> None:
    assert read_message(content="hello").output_bytes == 5
    assert read_message(content="请请").output_bytes == 6
    assert read_message(content=None, reasoning_content="abc").output_bytes == 3
    assert read_message(content="x", reasoning="abc").output_bytes == 4
    assert read_message(content=[{"type": "text", "text": "abc"}]).output_bytes == 3


def test_reasoning_under_two_names_is_measured_once() -> None:
    assert read_message(content="x", reasoning="abc", reasoning_content="abc").output_bytes == 4


def test_measures_names_and_arguments_of_tool_calls() -> None:
    function = {"name": "read", "arguments": '{"path":"a"}'}
    call = {"id": "functions.read:0", "type": "function", "function": function}

    assert read_message(content=None, tool_calls=[call]).output_bytes == 4 + 12


def test_counts_all_choices() -> None:
    choices = [{"message": {"content": "ab"}}, {"message": {"content": "c"}}]

    answer = read(choices=choices)

    assert answer.output_bytes == 3
    assert answer.finish is None


def test_an_empty_finish_reason_is_none() -> None:
    assert read(choices=[{"message": {"content": "ab"}, "finish_reason": ""}]).finish is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>504</html>",
        b"[]",
        b"{}",
        b'{"choices":null}',
        b'{"choices":{}}',
        b'{"choices":[1]}',
        b'{"error":{"message":"no"}}',
        b'{"choices":[{"message":{"content":"cut o',
        b'{"choices":' + b"[" * 100_000,
    ],
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    assert parse_answer(body) is None


@pytest.mark.parametrize(("size", "tokens"), [(-5, 0), (0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_estimates_tokens_rounded_up(size: int, tokens: int) -> None:
    assert estimate_tokens(size) == tokens


def test_an_estimate_says_that_it_is_one() -> None:
    assert estimate_usage(12, 41) == Usage(input=12, output=11, source="estimated")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(body: bytes) -> None:
    parse_answer(body)


NAMES = st.sampled_from(
    [
        "choices", "message", "delta", "content", "reasoning_content", "tool_calls", "function",
        "arguments", "finish_reason", "usage", "prompt_tokens", "completion_tokens", "error",
        "cached_tokens", "prompt_tokens_details", "message", "type", "code", "detail",
    ]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, ANYTHING, max_size=4))
def test_arbitrary_values_in_the_fields_that_are_read_never_raise(fields: dict[str, Any]) -> None:
    answer = parse_answer(
        json.dumps({"choices": [{"message": fields, **fields}], **fields}).encode()
    )

    if answer is not None and answer.usage.source == "billed":
        assert 0 <= answer.usage.cached <= answer.usage.input
        assert 0 <= answer.usage.reasoning <= answer.usage.output


def test_reasoning_is_measured_apart_and_once() -> None:
    message = {"content": "größe", "reasoning_content": "hm, so", "reasoning": "hm, so"}
    answer = parse_answer(json.dumps({"choices": [{"message": message}]}).encode())
    assert answer is not None
    assert (answer.reasoning_bytes, answer.output_bytes) == (6, 6 + 7)
    plain = parse_answer(b'{"choices": [{"message": {"content": "hi"}}, {}]}')
    assert plain is not None
    assert plain.reasoning_bytes == 0
