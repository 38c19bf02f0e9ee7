"""The pure parts by themselves: directives, examples of schemas, and streams of any answer."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.sandbox.chat import Chat
from router.sandbox.directives import merge, read_directives
from router.sandbox.examples import example_json
from router.sandbox.refusals import Refusal
from router.sandbox.settings import SandboxSettings, Scenario
from tests.sandboxes import INSTRUCT, SMALL, THINKING, Answer, Stream, body

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": parameters}}
    for name, parameters in (
        ("look", {"type": "object", "properties": {"at": {"type": "string"}}}),
        ("wait", {}),
    )
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no wish at all", []),
        ("[[sandbox:]]", [Scenario()]),
        ("a [[sandbox:fault=cut]] b", [Scenario(fault="cut")]),
        ("[[sandbox: fault=cut,  times=3; id=x ]]", [Scenario(fault="cut", times=3, id="x")]),
        ("[[sandbox:quirk=no_usage+no_done]]", [Scenario(quirks=("no_usage", "no_done"))]),
        ("[[sandbox:tokens=0]] [[sandbox:call=a]]", [Scenario(tokens=0), Scenario(calls=("a",))]),
        ("[[sandbox:model=org/kimi-k2:free]]", [Scenario(model="org/kimi-k2:free")]),
    ],
)
def test_directives_are_read_from_text(text: str, expected: list[Scenario]) -> None:
    assert list(read_directives(text)) == expected


@pytest.mark.parametrize("inner", ["fault=", "times=two", "cached=-1", "speed=1", "quirk=a+b"])
def test_what_is_not_known_is_refused(inner: str) -> None:
    with pytest.raises(Refusal, match="unknown directive") as caught:
        read_directives(f"[[sandbox:{inner}]]")
    assert caught.value.status == 400


def test_later_wishes_win_and_lists_add_up() -> None:
    merged = merge(
        (
            Scenario(fault="cut", tokens=5, quirks=("no_usage",), calls=("look",)),
            Scenario(),
            Scenario(fault="stall", delay_ms=0, quirks=("no_done",), calls=("wait",)),
        )
    )
    assert merged == Scenario(
        fault="stall", tokens=5, delay_ms=0, quirks=("no_usage", "no_done"), calls=("look", "wait")
    )


@settings(deadline=None)
@given(st.text())
def test_any_directive_is_obeyed_or_refused(text: str) -> None:
    request = body(f"[[sandbox:{text}]]", SMALL, {"max_tokens": 1})
    script = Chat(SandboxSettings()).answer(msgspec.json.encode(request))
    assert script.status in {200, 400}


def test_a_schema_that_holds_itself_many_times_comes_to_an_end() -> None:
    schema = {"properties": {f"child{number}": {"$ref": "#"} for number in range(100)}}
    value = json.loads(example_json(msgspec.Raw(json.dumps(schema).encode())))
    assert value["child99"]["child0"] is None


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, {}),
        ({"type": "string"}, {}),
        ({"type": "object"}, {}),
        ({"properties": {"a": {}}}, {"a": "[simulated]"}),
        ({"properties": {"a": {"const": 7}, "b": {"type": "null"}}}, {"a": 7, "b": None}),
        ({"properties": {"a": {"type": "array"}, "b": True}}, {"a": [], "b": None}),
        ({"properties": {"a": {"oneOf": [{"type": "boolean"}]}}}, {"a": True}),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, {"a": None}),
        (
            {"allOf": [{"$ref": "#/$defs/b"}], "$defs": {"b": {"properties": {"c": {}}}}},
            {"c": "[simulated]"},
        ),
    ],
)
def test_examples_fit_their_schema(schema: object, expected: object) -> None:
    raw = msgspec.Raw(json.dumps(schema).encode())
    assert json.loads(example_json(raw)) == expected


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    schema = {"properties": {"next": {"$ref": "#"}, "value": {"type": "integer"}}}
    value = json.loads(example_json(msgspec.Raw(json.dumps(schema).encode())))
    assert value["next"]["value"] == 1


fields = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 60),
        "n": st.integers(1, 3),
        "stream_options": st.fixed_dictionaries({"include_usage": st.booleans()}),
        "tools": st.just(TOOLS),
        "tool_choice": st.sampled_from(["auto", "none"]),
    },
)
directives = st.sampled_from(
    ["", "tokens=0", "tokens=1", "tokens=30 reasoning=30", "reasoning=0", "call=look+wait"]
)


def answered(chat: Chat, request: dict[str, object]) -> bytes:
    script = chat.answer(msgspec.json.encode(request))
    return b"".join(step.data for step in script.steps)


@settings(deadline=None, max_examples=60)
@given(
    st.text(st.characters(exclude_characters="[", exclude_categories=["Cs"])),
    directives,
    st.sampled_from([THINKING, INSTRUCT, SMALL]),
    fields,
)
def test_a_stream_adds_up_to_the_answer_in_one_piece(
    text: str, directive: str, model: str, fields: dict[str, object]
) -> None:
    """For every request: the same text, the same calls, the same finish, within the cap."""
    if "call" in directive and "tools" not in fields:
        directive = ""
    usual = Scenario(quirks=("usage_everywhere",), cached=0, tokens=50, reasoning=20)
    chat = Chat(SandboxSettings(scenarios=(usual,)))
    request = body(f"[[sandbox:{directive}]]{text}", model, fields)
    whole = msgspec.json.decode(answered(chat, request), type=Answer)
    told = answered(chat, {**request, "stream": True}).decode()
    stream = Stream([line for line in told.split("\n\n") if line], cut=False)
    assert stream.done
    assert stream.finish == [choice.finish_reason for choice in whole.choices]
    assert [chunk.usage for chunk in stream.chunks if chunk.usage] == [whole.usage] * 2
    for choice in whole.choices:
        assert gathered(stream, choice.index) == (
            choice.message.reasoning_content or "",
            choice.message.content,
            [call["function"] for call in choice.message.tool_calls or []],
        )
    cap = fields.get("max_tokens")
    if isinstance(cap, int) and whole.usage:
        assert whole.usage.completion_tokens <= cap * len(whole.choices)


def gathered(stream: Stream, index: int) -> tuple[str, str, list[Any]]:
    """Reasoning, text and calls of one choice of a stream."""
    chunks = (choice for chunk in stream.chunks for choice in chunk.choices)
    deltas = [choice.delta for choice in chunks if choice.index == index]
    calls: dict[object, dict[str, str]] = {}
    for piece in (piece for delta in deltas for piece in delta.tool_calls or []):
        function: Any = piece["function"]
        call = calls.setdefault(piece["index"], {"name": function.get("name"), "arguments": ""})
        call["arguments"] += function["arguments"]
    return (
        "".join(delta.reasoning_content or "" for delta in deltas),
        "".join(delta.content or "" for delta in deltas),
        list(calls.values()),
    )


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_body_gets_an_answer(raw: bytes) -> None:
    assert Chat(SandboxSettings()).answer(raw).status == 400


def test_a_bottomless_body_is_refused() -> None:
    deep = b'{"properties":{"look":' * 5_000 + b"1" + b"}}" * 5_000
    tools = b'[{"function":{"name":"look","parameters":' + deep + b"}}]"
    said = b'[{"role":"user","content":"Look!"}]'
    for raw in (b"[" * 100_000, b'{"model":"a","messages":' + said + b',"tools":' + tools + b"}"):
        assert Chat(SandboxSettings()).answer(raw).status == 400
