import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import Turn
from router.wire.request import HINT_LENGTH, HINT_TAGS, MEDIA_TOKENS, ChatRequest, parse_chat

HELLO = {"role": "user", "content": "hello"}


def parse(**fields: Any) -> ChatRequest:
    body = {"model": "auto", "messages": [HELLO], **fields}
    return parse_chat(json.dumps(body).encode(), max_messages=100)


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


def tokens_of(raw: str, **fields: str) -> int:
    """Estimate of one message whose text, and of further fields that, are JSON as given."""
    more = "".join(f',"{name}":{value}' for name, value in fields.items())
    body = f'{{"model":"auto","messages":[{{"role":"user","content":{raw}}}]{more}}}'
    return parse_chat(body.encode(), max_messages=1).input_tokens


def test_a_backslash_before_a_u_is_no_escape() -> None:
    paths = json.dumps("C:\\users\\uid " * 4_000)

    plain, accented = tokens_of(paths), tokens_of(paths.replace("C", "é", 1))

    assert plain == pytest.approx(len(paths) / 4, abs=20)
    assert accented == pytest.approx(plain, abs=1)


@pytest.mark.parametrize("backslashes", range(1, 8))
def test_an_escape_follows_an_odd_number_of_backslashes(backslashes: int) -> None:
    word = "\\" * backslashes + "u4e2d"
    size = len(word) - 3 * (backslashes % 2)

    assert tokens_of(f'"é{word * 4_000}"') == pytest.approx(size * 1_000, abs=20)


def test_escapes_in_fields_that_are_not_read_change_nothing() -> None:
    assert tokens_of('"é"', metadata2='"' + "\\u4e2d" * 9_000 + '"') == tokens_of('"é"')


def test_escapes_in_tools_are_the_characters_that_they_stand_for() -> None:
    escaped, plain = (
        json.dumps([{"type": "function", "x": "请" * 4_000}], ensure_ascii=ascii_)
        for ascii_ in (True, False)
    )

    assert tokens_of('"é"', tools=escaped) == tokens_of('"é"', tools=plain)


def test_escapes_inside_of_a_picture_are_hidden_once() -> None:
    def tokens(size: int) -> int:
        image = '{"type":"image_url","image_url":"' + "\\u0041" * size + '"}'
        return tokens_of('[{"type":"text","text":"é"},' + image + "]")

    assert tokens(0) == tokens(50_000) > MEDIA_TOKENS


PIECES = st.lists(st.sampled_from(["é", "\\u4e2d", "\\\\", "\\\\u", "\\n", "u", "\\ud83d\\ude00"]))


@given(PIECES, PIECES)
def test_no_request_is_estimated_at_nothing(said: list[str], elsewhere: list[str]) -> None:
    text = f'"{"".join(said)}"'
    written = json.dumps(json.loads(text), ensure_ascii=False)

    estimate = tokens_of(text, x=f'"{"".join(elsewhere)}"')

    assert 0 < tokens_of(written) <= estimate


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


def test_the_last_of_two_equal_fields_counts_for_all() -> None:
    body = b'{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}'

    request = parse_chat(body, max_messages=1)

    assert request.model == "b"
    assert bytes(request.fields["model"]) == b'"b"'
