import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.schema import Model
from router.wire.render import REASONING, SAMPLING, render
from router.wire.request import parse_chat

HELLO = {"role": "user", "content": "hello"}


def profile(**fields: Any) -> Model:
    return msgspec.convert(
        {"upstream": "host", "name": "host/model", "context": 1, **fields}, Model
    )


def send(to: Model, *, keep_reasoning: bool = False, **fields: Any) -> dict[str, Any]:
    """What the host reads of a request with these fields."""
    body = json.dumps({"model": "auto", "messages": [HELLO], **fields}).encode()
    request = parse_chat(body, max_messages=100)
    sent = json.loads(render(request, to, keep_reasoning=keep_reasoning))
    assert isinstance(sent, dict)
    return sent


def test_changes_the_model_and_nothing_else() -> None:
    body = b'{"x": {"y":1.50,"z" :"\\u00e9"},"model":"auto","messages":[ {"role":"user"} ]}'

    rendered = render(parse_chat(body, max_messages=1), profile())

    assert rendered == (
        b'{"x":{"y":1.50,"z" :"\\u00e9"},"model":"host/model","messages":[ {"role":"user"} ]}'
    )


def test_always_asks_a_stream_for_its_usage() -> None:
    expected = {"include_usage": True}

    assert send(profile(), stream=True)["stream_options"] == expected
    assert send(profile(), stream=True, stream_options=None)["stream_options"] == expected
    assert send(profile(), stream=True, stream_options=expected)["stream_options"] == expected
    refused = {"include_usage": False, "chunk_size": 5}
    assert send(profile(), stream=True, stream_options=refused)["stream_options"] == {
        "include_usage": True,
        "chunk_size": 5,
    }


def test_stream_options_that_ask_already_keep_their_bytes() -> None:
    options = b'{ "include_usage" :true, "x": 1e400 }'
    body = b'{"messages":[{"role":"user"}],"model":"auto","stream":true,"stream_options":'

    rendered = render(parse_chat(body + options + b"}", max_messages=1), profile())

    assert rendered.endswith(b'"stream_options":' + options + b"}")


def test_asks_nothing_of_an_answer_in_one_piece() -> None:
    assert "stream_options" not in send(profile())
    assert "stream_options" not in send(profile(), stream=False)


@pytest.mark.parametrize(
    ("given_", "sent"), [(None, 0.6), (0, 0), (0.3, 0.3), (1, 1), (1.5, 1), (2.0, 1)]
)
def test_the_callers_temperature_is_lowered_to_the_profiles_limit(
    given_: float | None, sent: float
) -> None:
    kimi = profile(temperature=0.6, temperature_max=1.0)

    assert send(kimi, temperature=given_)["temperature"] == sent


def test_a_temperature_is_only_sent_where_someone_names_one() -> None:
    assert "temperature" not in send(profile())
    assert send(profile(temperature=0.6))["temperature"] == 0.6


def test_fixed_sampling_removes_what_the_host_refuses() -> None:
    fixed = profile(fixed_sampling=True, temperature=1.0)
    sampling: dict[str, Any] = dict.fromkeys(SAMPLING, 0.5)

    sent = send(fixed, **sampling, n=2, seed=1)

    assert not sent.keys() & set(SAMPLING)
    assert (sent["n"], sent["seed"]) == (2, 1)
    assert "temperature" not in send(fixed)


def test_max_tokens_is_only_sent_where_the_caller_gives_no_cap() -> None:
    thinking = profile(max_tokens=16_000)

    assert send(thinking)["max_tokens"] == 16_000
    assert send(thinking, max_tokens=None)["max_tokens"] == 16_000
    assert send(thinking, max_tokens=50_000)["max_tokens"] == 50_000
    assert send(thinking, max_tokens=10)["max_tokens"] == 10
    assert "max_tokens" not in send(profile())


def test_max_completion_tokens_keeps_its_name() -> None:
    thinking = profile(max_tokens=16_000)

    capped = send(thinking, max_completion_tokens=10)
    assert capped["max_completion_tokens"] == 10
    assert "max_tokens" not in capped
    open_ended = send(thinking, max_completion_tokens=None)
    assert open_ended["max_completion_tokens"] == 16_000
    assert "max_tokens" not in open_ended


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "auto"),
        ({"type": "function", "function": {"name": "f"}}, "auto"),
    ],
)
def test_a_tool_choice_that_the_host_does_not_take_becomes_auto(choice: object, sent: str) -> None:
    strict = profile(tool_choice=["auto", "none"])

    assert send(strict, tool_choice=choice)["tool_choice"] == sent
    assert send(profile(), tool_choice=choice)["tool_choice"] == choice


def test_no_tool_choice_stays_none() -> None:
    strict = profile(tool_choice=["auto"])

    assert "tool_choice" not in send(strict)
    assert send(strict, tool_choice=None)["tool_choice"] is None


def test_defaults_of_the_profile_yield_to_the_caller() -> None:
    k2 = profile(defaults={"thinking": {"type": "disabled"}, "reasoning_effort": "low"})

    sent = send(k2, reasoning_effort="max")

    assert sent["thinking"] == {"type": "disabled"}
    assert sent["reasoning_effort"] == "max"
    assert send(k2, thinking=None)["thinking"] == {"type": "disabled"}


THOUGHT = {
    "role": "assistant",
    "content": "4",
    "reasoning_content": "2 + 2 …",
    "tool_calls": [{"id": "functions.f:0"}],
}


def test_reasoning_is_stripped_for_a_model_that_did_not_write_it() -> None:
    sent = send(profile(), messages=[HELLO, THOUGHT])["messages"]

    assert sent == [
        HELLO,
        {"role": "assistant", "content": "4", "tool_calls": [{"id": "functions.f:0"}]},
    ]


@pytest.mark.parametrize("name", REASONING)
def test_every_name_of_reasoning_is_stripped(name: str) -> None:
    message = {"role": "assistant", "content": "4", name: "2 + 2 …"}

    assert send(profile(), messages=[message])["messages"] == [
        {"role": "assistant", "content": "4"}
    ]


def test_reasoning_is_kept_for_the_model_that_wrote_it() -> None:
    sent = send(profile(), keep_reasoning=True, messages=[HELLO, THOUGHT])["messages"]

    assert sent == [HELLO, THOUGHT]


def test_messages_without_reasoning_keep_their_bytes_beside_one_that_has_some() -> None:
    plain = b'{ "role":"user" , "content":"say \\"reasoning\\" and 1.50" }'
    others = b'{"role": "user", "content": "x", "reasoning_content": "mine"}'
    quoted = b'{"role": "assistant", "content": "x", "metadata": {"reasoning": 1}}'
    thought = b'{"role":"assistant","reasoning_content":"2","content" : "4 \\u00e9"}'
    messages = b"[" + b", ".join((plain, others, quoted, thought)) + b"]"
    body = b'{"model":"auto","messages":' + messages + b"}"

    rendered = render(parse_chat(body, max_messages=9), profile())

    kept = b",".join((plain, others, quoted, b'{"role":"assistant","content":"4 \\u00e9"}'))
    assert rendered == b'{"model":"host/model","messages":[' + kept + b"]}"


NUMBERS = st.sampled_from(["0", "-0", "1.50", "1e400", "1E+2", "9" * 40, "0.1000000000000000055"])
STRINGS = st.sampled_from(['""', '"\\u00e9\\/"', '"é 请"', '"\\ud83d\\ude00"', '"}],\\"usage\\""'])
BLANKS = st.sampled_from(["", " ", "\n\t"])


def wrap(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.tuples(BLANKS, inner, BLANKS, inner).map(lambda t: f"[{t[0]}{t[1]}{t[2]},{t[3]}]")
    objects = st.tuples(STRINGS, BLANKS, inner).map(lambda t: f"{{{t[0]}{t[1]}:{t[2]}}}")
    return lists | objects


RAW = st.recursive(NUMBERS | STRINGS | st.sampled_from(["null", "true", "[]", "{}"]), wrap)
PROFILES = st.builds(
    profile,
    max_tokens=st.sampled_from([0, 16_000]),
    temperature=st.sampled_from([None, 0.6]),
    temperature_max=st.sampled_from([1.0, 2.0]),
    fixed_sampling=st.booleans(),
    tool_choice=st.sampled_from([(), ("auto", "none")]),
    defaults=st.sampled_from([{}, {"thinking": {"type": "enabled"}}]),
)
KNOWN = {
    "stream": st.sampled_from(["true", "false", "null"]),
    "stream_options": st.sampled_from(["null", "{}", '{"include_usage":true}', '{"a":1e400}']),
    "temperature": st.sampled_from(["null", "0.10", "1.70"]),
    "top_p": NUMBERS,
    "max_tokens": st.sampled_from(["null", "10"]),
    "max_completion_tokens": st.sampled_from(["null", "10"]),
    "tool_choice": st.sampled_from(["null", '"auto"', '"required"', '{"type": "function"}']),
    "thinking": st.sampled_from(["null", '{"type": "disabled"}']),
    "messages": st.just('[{"role": "user", "content": "x"}]')
    | RAW.map(
        lambda raw: f'[ {{"role":"assistant","reasoning_content":{raw}}},{{"role":"u","x":{raw}}} ]'
    ),
}
LEAST = {"model": st.just('"auto"'), "messages": KNOWN.pop("messages")}


@given(st.dictionaries(st.text(min_size=1, max_size=6).map(lambda k: f"x-{k}"), RAW, max_size=5))
def test_fields_that_nobody_knows_arrive_byte_for_byte(fields: dict[str, str]) -> None:
    written = {"model": '"auto"', "messages": '[{"role":"user","content":"x"}]', **fields}
    body = "{" + ",".join(f"{json.dumps(k)}: {v}" for k, v in written.items()) + "}"

    rendered = render(parse_chat(body.encode(), max_messages=1), profile())

    sent = msgspec.json.decode(rendered, type=dict[str, msgspec.Raw])
    assert {k: bytes(v).decode() for k, v in sent.items()} == {**written, "model": '"host/model"'}


@given(st.fixed_dictionaries(LEAST, optional=KNOWN), PROFILES, st.booleans())
def test_rendering_twice_changes_nothing_more(
    fields: dict[str, str], to: Model, keep_reasoning: bool
) -> None:
    body = "{" + ",".join(f'"{k}": {v}' for k, v in fields.items()) + "}"
    request = parse_chat(body.encode(), max_messages=9)

    once = render(request, to, keep_reasoning=keep_reasoning)
    twice = render(parse_chat(once, max_messages=9), to, keep_reasoning=keep_reasoning)

    assert twice == once


@given(st.fixed_dictionaries(LEAST, optional=KNOWN), PROFILES)
def test_the_callers_cap_is_never_raised(fields: dict[str, str], to: Model) -> None:
    body = "{" + ",".join(f'"{k}": {v}' for k, v in fields.items()) + "}"
    request = parse_chat(body.encode(), max_messages=9)

    sent = parse_chat(render(request, to), max_messages=9)

    assert sent.max_tokens == (request.max_tokens or to.max_tokens or None)


CALL = [{"id": "functions.f:0", "type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize("thought", [{}, {"reasoning_content": None}, {"reasoning_content": ""}])
def test_a_thinking_model_gets_a_blank_where_another_model_called_a_tool(
    thought: dict[str, Any],
) -> None:
    called = {"role": "assistant", "content": None, "tool_calls": CALL, **thought}
    sent = send(profile(), keep_reasoning=True, messages=[HELLO, called, HELLO])
    assert sent["messages"] == [HELLO, {**called, "reasoning_content": " "}, HELLO]
    assert send(profile(), messages=[HELLO, called])["messages"][1].get("reasoning_content") is None


def test_reasoning_beside_a_tool_call_keeps_its_bytes() -> None:
    call = json.dumps(CALL)
    message = f'{{"role":"assistant", "tool_calls":{call},  "reasoning_content":"\\u0041 ha"}}'
    body = f'{{"model":"auto","messages":[{message}]}}'.encode()
    rendered = render(parse_chat(body, max_messages=1), profile(), keep_reasoning=True)
    assert message.encode() in rendered
