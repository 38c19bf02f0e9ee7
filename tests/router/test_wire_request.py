import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import Turn
from router.errors import BadRequest
from router.wire.request import (
    HINT_LENGTH,
    HINT_TAGS,
    MEDIA_TOKENS,
    ChatRequest,
    parse_chat,
    prefix_digest,
    split_batch,
)

HELLO = {"role": "user", "content": "hello"}


def parse(**fields: Any) -> ChatRequest:
    body = {"model": "auto", "messages": [HELLO], **fields}
    return parse_chat(json.dumps(body).encode(), max_messages=100)


def refuse(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse_chat(body, max_messages=100)
    return caught.value


def refuse_fields(**fields: Any) -> BadRequest:
    return refuse(json.dumps({"model": "auto", "messages": [HELLO], **fields}).encode())


def test_reads_the_least_request() -> None:
    request = parse()

    assert request.model == "auto"
    assert request.turns == (Turn(role="user", text="hello"),)
    assert not request.stream
    assert not request.include_usage
    assert request.max_tokens is None
    assert request.temperature is None
    assert request.modalities == ()
    assert request.capabilities == ()
    assert not request.open_tool_loop
    assert (request.user, request.session, request.tags) == ("", "", ())


def test_keeps_every_field_in_its_own_bytes() -> None:
    body = b'{"model": "auto","messages" : [ {"role":"user","content":"a"} ], "x":{"y": 1.50} }'

    fields = parse_chat(body, max_messages=1).fields

    assert {name: bytes(raw) for name, raw in fields.items()} == {
        "model": b'"auto"',
        "messages": b'[ {"role":"user","content":"a"} ]',
        "x": b'{"y": 1.50}',
    }


def test_reads_streaming_and_whether_usage_was_asked_for() -> None:
    assert parse(stream=True).stream
    assert not parse(stream=True, stream_options={"other": 1}).include_usage
    assert parse(stream=True, stream_options={"include_usage": True}).include_usage
    assert not parse(stream=True, stream_options={"include_usage": False}).include_usage


def test_takes_null_as_not_given() -> None:
    names = ("stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "tools")
    more = ("temperature", "tool_choice", "response_format", "metadata", "user", "logprobs")

    request = parse(**dict.fromkeys((*names, *more)))

    assert not request.stream
    assert request.max_tokens is None
    assert request.capabilities == ()


def test_reduces_messages_to_role_and_text() -> None:
    request = parse(
        messages=[
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            },
            {"role": "assistant", "content": None, "tool_calls": [{"id": "functions.f:0"}]},
            {"role": "tool", "tool_call_id": "functions.f:0", "content": "42"},
            {"role": "assistant"},
        ]
    )

    assert [(turn.role, turn.text) for turn in request.turns] == [
        ("system", "Be brief."),
        ("user", "a\nb"),
        ("assistant", ""),
        ("tool", "42"),
        ("assistant", ""),
    ]


def test_takes_no_text_from_parts_that_are_not_text() -> None:
    parts = [{"type": "refusal", "refusal": "no", "text": "no"}, {"type": "text", "text": "yes"}]

    assert parse(messages=[{"role": "user", "content": parts}]).turns[0].text == "yes"


def test_a_conversation_without_human_text_is_legal() -> None:
    request = parse(messages=[{"role": "system", "content": "x"}, {"role": "user", "content": ""}])

    assert [turn.text for turn in request.turns] == ["x", ""]


def test_names_the_modalities_of_all_messages_once() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    request = parse(
        messages=[
            {"role": "user", "content": [picture, {"type": "input_audio", "input_audio": {}}]},
            {"role": "user", "content": [picture, {"type": "file", "file": {"file_id": "f"}}]},
            {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "u"}}]},
        ]
    )

    assert request.modalities == ("image", "audio", "file", "video")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tools": []}, ()),
        ({"tools": [{"type": "function"}]}, ("tools",)),
        ({"functions": [{"name": "f"}]}, ("tools",)),
        ({"response_format": {"type": "json_object"}}, ()),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, ("json_schema",)),
        ({"logprobs": False}, ()),
        ({"logprobs": True, "tools": [{}]}, ("tools", "logprobs")),
    ],
)
def test_names_the_capabilities_that_are_needed(
    fields: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert parse(**fields).capabilities == expected


def test_max_completion_tokens_wins_over_max_tokens() -> None:
    assert parse(max_tokens=5).max_tokens == 5
    assert parse(max_tokens=5, max_completion_tokens=7).max_tokens == 7


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("required", "required"), ({"type": "function", "function": {"name": "f"}}, "function")],
)
def test_names_the_tool_choice(choice: object, expected: str) -> None:
    assert parse(tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize("role", ["tool", "function"])
def test_a_tool_answer_at_the_end_is_an_open_loop(role: str) -> None:
    answer = {"role": role, "content": "42"}

    assert parse(messages=[HELLO, answer]).open_tool_loop
    assert not parse(messages=[HELLO, answer, HELLO]).open_tool_loop


def test_reads_hints_of_who_asks() -> None:
    metadata = {"user_id": "meta", "session_id": "s1", "tags": ["a", " b ", "", "a"]}

    request = parse(user="u1", metadata=metadata, prompt_cache_key="k")

    assert (request.user, request.session, request.tags) == ("u1", "s1", ("a", "b"))
    assert parse(metadata=metadata).user == "meta"
    assert parse(user="", metadata={"user_id": 7}).user == "7"
    assert parse(prompt_cache_key="k").session == "k"
    assert parse(metadata={"tags": "x, y,,x"}).tags == ("x", "y")


def test_bounds_hints_because_they_stand_in_every_entry() -> None:
    request = parse(user="u" * 10_000, metadata={"tags": [f"{i}" * 999 for i in range(500)]})

    assert len(request.user) == HINT_LENGTH
    assert len(request.tags) == HINT_TAGS
    assert max(map(len, request.tags)) <= HINT_LENGTH


def test_estimates_a_quarter_of_a_token_for_an_ascii_character() -> None:
    bare = parse(messages=[{"role": "user", "content": ""}]).input_tokens

    assert parse(messages=[{"role": "user", "content": "x" * 4_000}]).input_tokens == bare + 1_000


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_estimates_three_quarters_of_a_token_for_a_chinese_character(ensure_ascii: bool) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "请" * 4_000}]}

    raw = json.dumps(body, ensure_ascii=ensure_ascii).encode()

    assert parse_chat(raw, max_messages=1).input_tokens == pytest.approx(3_000, abs=20)


def test_tools_count_as_input_and_other_fields_do_not() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "x" * 4_000}}]

    assert parse(tools=tools).input_tokens > 1_000
    assert parse(metadata={"note": "x" * 4_000}).input_tokens == parse().input_tokens


def test_a_picture_counts_the_same_whatever_its_size() -> None:
    def tokens(size: int) -> int:
        url = "data:image/png;base64," + "A" * size
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]
        return parse(messages=[{"role": "user", "content": parts}]).input_tokens

    assert tokens(4) == tokens(1_000_000)
    assert MEDIA_TOKENS < tokens(4) < MEDIA_TOKENS + 100


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


def test_the_last_of_two_equal_fields_counts_for_all() -> None:
    body = b'{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}'

    request = parse_chat(body, max_messages=1)

    assert request.model == "b"
    assert bytes(request.fields["model"]) == b'"b"'


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


def test_a_tool_loop_keeps_its_digest_from_call_to_call() -> None:
    opening = [{"role": "system", "content": "s"}, HELLO]
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "functions.f:0"}]}
    answer = {"role": "tool", "tool_call_id": "functions.f:0", "content": "42"}

    first = prefix_digest(parse(messages=opening))

    assert first is not None
    assert len(first) == 16
    assert prefix_digest(parse(messages=[*opening, call, answer])) == first
    assert prefix_digest(parse(messages=[*opening, call, answer, call, answer])) == first


def test_a_digest_tells_conversations_apart() -> None:
    system = {"role": "system", "content": "s"}
    digests = [
        prefix_digest(parse(messages=messages))
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

    assert prefix_digest(parse(messages=[{"content": parts, "role": "user"}])) == prefix_digest(
        parse(messages=[HELLO])
    )


def test_no_human_turn_no_digest() -> None:
    assert prefix_digest(parse(messages=[{"role": "system", "content": "s"}])) is None


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
