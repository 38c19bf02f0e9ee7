import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import BadRequest
from router.wire.request import parse_chat, split_batch

HELLO = {"role": "user", "content": "hello"}


def refuse(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse_chat(body, max_messages=100)
    return caught.value


def refuse_fields(**fields: Any) -> BadRequest:
    return refuse(json.dumps({"model": "auto", "messages": [HELLO], **fields}).encode())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"{", "not valid JSON"),
        (b'{"model":"auto",}', "(byte 16)"),
        (b"<html>", "not valid JSON: invalid character (byte 0)"),
        (b'{"model":"\\ud83d","messages":[]}', "not valid JSON"),
        (b'{"model":"auto","messages":[],"x":NaN}', "not valid JSON"),
        (b"[]", "expected `object`, got `array`"),
        (b'"text"', "expected `object`, got `str`"),
        (b'{"x":"caf\xe9"}', "not valid UTF-8: byte 9 is 0xe9"),
        (b'{"x":"\xed\xa0\x80"}', "not valid UTF-8"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_refuses_what_is_not_a_json_object(body: bytes, words: str) -> None:
    error = refuse(body)

    assert words in str(error)
    assert error.status == 400
    assert error.param is None


def test_finds_bad_utf8_in_fields_that_are_only_forwarded() -> None:
    body = b'{"model":"auto","messages":[{"role":"user","content":"a"}],"metadata2":{"a":"\xff"}}'

    assert "0xff" in str(refuse(body))


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"model": 5}, "model", "expected `str`, got `int`"),
        ({"messages": []}, "messages", "empty"),
        ({"messages": {}}, "messages", "expected `array`, got `object`"),
        ({"messages": None}, "messages", "got `null`"),
        ({"messages": ["hi"]}, "messages[0]", "expected `object`, got `str`"),
        ({"messages": [HELLO, {"content": "x"}]}, "messages[1].role", "missing"),
        ({"messages": [{"role": 1, "content": "x"}]}, "messages[0].role", "got `int`"),
        (
            {"messages": [HELLO, HELLO, HELLO, {"role": "user", "content": 5}]},
            "messages[3].content",
            "expected `str | array | null`, got `int`",
        ),
        (
            {"messages": [{"role": "user", "content": ["x"]}]},
            "messages[0].content[0]",
            "expected `object`",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "messages[0].content[0].text",
            "got `int`",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages[0].content[0].type",
            "missing",
        ),
        ({"messages": [HELLO] * 101}, "messages", "101 messages; the limit is 100"),
        ({"stream": "yes"}, "stream", "expected `bool | null`, got `str`"),
        ({"stream_options": True}, "stream_options", "got `bool`"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "got `int`"),
        ({"max_tokens": 0}, "max_tokens", "expected `int` >= 1, got `0`"),
        ({"max_tokens": -3}, "max_tokens", "got `-3`"),
        ({"max_tokens": 1.5}, "max_tokens", "got `float`"),
        ({"max_tokens": "12"}, "max_tokens", "got `str`"),
        ({"max_tokens": 10**30}, "max_tokens", "expected `int` <= 2147483647, got `1000"),
        ({"max_completion_tokens": 0}, "max_completion_tokens", "expected `int` >= 1"),
        ({"n": 0}, "n", "expected `int` >= 1"),
        ({"temperature": "hot"}, "temperature", "got `str`"),
        ({"tools": {"type": "function"}}, "tools", "expected `array | null`, got `object`"),
        ({"functions": "f"}, "functions", "got `str`"),
        ({"tool_choice": 1}, "tool_choice", "got `int`"),
        ({"response_format": "json"}, "response_format", "got `str`"),
        ({"logprobs": 3}, "logprobs", "got `int`"),
        ({"metadata": "x"}, "metadata", "got `str`"),
        ({"metadata": {"tags": 1}}, "metadata.tags", "got `int`"),
        ({"user": ["u"]}, "user", "got `array`"),
    ],
)
def test_names_the_field_that_is_wrong(fields: dict[str, Any], param: str, words: str) -> None:
    error = refuse_fields(**fields)

    assert error.param == param
    assert f"`{param}`" in str(error)
    assert words in str(error)


@pytest.mark.parametrize("name", ["model", "messages"])
def test_names_the_field_that_is_missing(name: str) -> None:
    body = {"model": "auto", "messages": [HELLO]}
    del body[name]

    error = refuse(json.dumps(body).encode())

    assert (error.param, str(error)) == (name, f"`{name}` is missing")


def test_numbers_out_of_range_are_refused_where_they_are_read() -> None:
    body = b'{"model":"auto","messages":[{"role":"user","content":"a"}],"temperature":1e400}'

    assert str(refuse(body)) == "`temperature`: number out of range, got `1e400`"


def test_splits_a_batch_into_bodies_of_their_own() -> None:
    body = b'{"requests": [{"model": "auto"}, 5 , {"messages":[ ]}]}'

    assert split_batch(body, max_requests=3) == (b'{"model": "auto"}', b"5", b'{"messages":[ ]}')


def test_a_single_request_is_no_batch() -> None:
    assert split_batch(b'{"model":"auto","messages":[]}', max_requests=3) is None


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        (b'{"requests":[]}', "requests", "expected 1 to 3"),
        (b'{"requests":[1,2,3,4]}', "requests", "holds 4; expected 1 to 3"),
        (b'{"requests":{}}', "requests", "got `object`"),
        (b"[1]", None, "expected `object`"),
        (b'{"requests":[}', None, "not valid JSON"),
        (b'{"requests":["\xff"]}', None, "not valid UTF-8"),
    ],
)
def test_refuses_a_wrong_batch(body: bytes, param: str | None, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        split_batch(body, max_requests=3)

    assert caught.value.param == param


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
READ = (
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n",
    "temperature", "tools", "functions", "tool_choice", "response_format", "logprobs", "user",
    "prompt_cache_key", "metadata",
)  # fmt: skip
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "assistant", "tool"]) | JSON,
        "content": st.text(max_size=8)
        | st.lists(st.fixed_dictionaries({}, optional={"type": st.just("text"), "text": JSON}))
        | JSON,
    },
)


def parses_or_refuses(body: bytes) -> None:
    try:
        request = parse_chat(body, max_messages=3)
    except BadRequest:
        return
    assert request.turns
    assert request.input_tokens >= 0


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_parsed_or_refused(body: bytes) -> None:
    parses_or_refuses(body)


@given(st.dictionaries(st.sampled_from(READ), JSON | st.lists(MESSAGE, max_size=5), max_size=8))
def test_arbitrary_values_in_the_fields_that_are_read_are_parsed_or_refused(
    fields: dict[str, Any],
) -> None:
    body = {"model": "auto", "messages": [HELLO], **fields}

    parses_or_refuses(json.dumps(body).encode())
    parses_or_refuses(json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass"))
