"""Tools: the loop of Kimi's model card, and what breaks it."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam

from tests.sandboxes import INSTRUCT, SMALL, THINKING, Talk, talking

WEATHER: ChatCompletionToolUnionParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {
            "type": "object",
            "required": ["city", "unit", "days"],
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 3},
                "hours": {"type": "array", "items": {"$ref": "#/$defs/hour"}},
                "exact": {"type": ["null", "boolean"]},
            },
            "$defs": {"hour": {"anyOf": [{"type": "number"}, {"type": "string"}]}},
        },
    },
}
CLOCK: ChatCompletionToolUnionParam = {"type": "function", "function": {"name": "read_clock"}}
TOOLS: list[ChatCompletionToolUnionParam] = [CLOCK, WEATHER]
ASK = "What is the weather like in Beijing today? Use the tool."


@pytest.fixture(scope="module")
async def talk() -> AsyncIterator[Talk]:
    async with talking() as talk:
        yield talk


def names(calls: list[dict[str, Any]] | None) -> list[str]:
    return [call["function"]["name"] for call in calls or []]


@pytest.mark.parametrize("model", [THINKING, INSTRUCT])
async def test_the_loop_of_the_model_card(talk: Talk, model: str) -> None:
    """Ask, call, answer the call with everything the model wrote, until it stops."""
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "You are Kimi, an AI assistant."},
        {"role": "user", "content": f"[[sandbox:call=get_weather rounds=2]] {ASK}"},
    ]
    finish, ids = "tool_calls", []
    while finish == "tool_calls":
        answer = await talk.client.chat.completions.create(
            model=model, messages=messages, tools=TOOLS, temperature=1.0
        )
        choice = answer.choices[0]
        finish = choice.finish_reason
        messages.append(choice.message.to_dict())  # type: ignore[arg-type]  # an answer is a message
        for call in choice.message.tool_calls or []:
            assert call.type == "function"
            city = json.loads(call.function.arguments)["city"]
            ids.append(call.id)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": f"Sun in {city}"})
    assert finish == "stop"
    assert ids == ["functions.get_weather:0", "functions.get_weather:1"]
    assert (choice.message.content or "").startswith("[simulated]")


async def test_arguments_fit_the_schema(talk: Talk) -> None:
    answer = await talk.ask(ASK, tools=TOOLS)
    (call,) = answer.message.tool_calls or []
    function = call["function"]
    assert isinstance(function, dict)
    assert json.loads(function["arguments"]) == {
        "city": "[simulated]",
        "unit": "celsius",
        "days": 3,
        "hours": [1],
        "exact": True,
    }


async def test_a_tool_is_called_when_its_name_is_spoken_of(talk: Talk) -> None:
    spoken = await talk.ask(ASK, tools=TOOLS)
    assert names(spoken.message.tool_calls) == ["get_weather"]
    assert spoken.choices[0].finish_reason == "tool_calls"
    assert (await talk.ask("Tell me a joke", tools=TOOLS)).message.tool_calls is None
    assert (await talk.ask(ASK)).message.tool_calls is None


async def test_tool_choice_is_obeyed(talk: Talk) -> None:
    async def called(prompt: str, choice: object) -> list[str]:
        answer = await talk.ask(prompt, tools=TOOLS, tool_choice=choice)
        return names(answer.message.tool_calls)

    clock = {"type": "function", "function": {"name": "read_clock"}}
    assert await called(ASK, "none") == []
    assert await called(ASK, clock) == ["read_clock"]
    assert await called(ASK, "required") == ["get_weather"]
    assert await called("Tell me a joke", "required") == ["read_clock"]
    assert await called("[[sandbox:call=get_weather]] Hi", "none") == []


async def test_calls_are_streamed_id_and_name_first(talk: Talk) -> None:
    prompt = "[[sandbox:call=read_clock+get_weather]] Go"
    whole = await talk.ask(prompt, model=THINKING, tools=TOOLS)
    stream = await talk.stream(prompt, model=THINKING, tools=TOOLS)
    pieces = [piece for delta in stream.deltas for piece in delta.tool_calls or []]
    told: dict[int, dict[str, Any]] = {}
    for piece in pieces:
        assert isinstance(piece["index"], int)
        if piece["index"] not in told:
            assert "id" in piece
            told[piece["index"]] = {**piece, "function": dict(piece["function"])}  # type: ignore[call-overload]  # a dict
        else:
            assert set(piece) == {"index", "function"}
            told[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]  # type: ignore[index]  # a dict
    assert len(pieces) > 4
    assert [{k: v for k, v in call.items() if k != "index"} for call in told.values()] == (
        whole.message.tool_calls
    )
    assert [call["id"] for call in told.values()] == [
        "functions.read_clock:0",
        "functions.get_weather:1",
    ]
    assert stream.finish == ["tool_calls"]


async def test_the_sdk_gathers_a_streamed_call(talk: Talk) -> None:
    async with talk.client.chat.completions.stream(
        model=INSTRUCT, messages=[{"role": "user", "content": ASK}], tools=TOOLS
    ) as stream:
        final = await stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert call.id == "functions.get_weather:0"
    assert json.loads(call.function.arguments)["unit"] == "celsius"


async def test_a_cap_can_leave_a_call_out(talk: Talk) -> None:
    answer = await talk.ask(ASK, tools=TOOLS, max_tokens=3)
    assert answer.message.tool_calls is None
    assert answer.choices[0].finish_reason == "length"


async def test_a_directive_must_name_an_offered_tool(talk: Talk) -> None:
    response = await talk.post("[[sandbox:call=get_whether]]", tools=TOOLS)
    assert response.status_code == 400
    assert "get_whether" in response.json()["error"]["message"]


def loop(**assistant: object) -> list[dict[str, object]]:
    """An open tool loop, with `assistant` in the message that made the call."""
    call = {
        "id": "functions.get_weather:0",
        "type": "function",
        "function": {"name": "get_weather", "arguments": "{}"},
    }
    return [
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": None, "tool_calls": [call], **assistant},
        {"role": "tool", "tool_call_id": "functions.get_weather:0", "content": "Sun"},
    ]


async def refusal(talk: Talk, model: str, messages: Sequence[Mapping[str, object]]) -> str:
    response = await talk.post("", model=model, messages=messages, tools=TOOLS)
    return "" if response.status_code == 200 else str(response.json()["error"]["message"])


@pytest.mark.parametrize("trace", [{}, {"reasoning_content": ""}, {"reasoning_content": None}])
async def test_a_thinking_model_wants_its_reasoning_back(
    talk: Talk, trace: dict[str, object]
) -> None:
    said = await refusal(talk, THINKING, loop(**trace))
    assert said.endswith(
        "thinking is enabled but reasoning_content is missing "
        "in assistant tool call message at index 1"
    )
    assert await refusal(talk, THINKING, loop(reasoning_content="So it is.")) == ""
    assert await refusal(talk, INSTRUCT, loop(**trace)) == ""


async def test_it_wants_it_for_loops_that_are_closed_as_well(talk: Talk) -> None:
    later = {"role": "user", "content": "And tomorrow?"}
    plain = {"role": "assistant", "content": "Sun."}
    assert "at index 1" in await refusal(talk, THINKING, [*loop(), plain, later])
    assert await refusal(talk, THINKING, [later, plain, later]) == ""


async def test_an_answer_must_name_a_call_that_was_made(talk: Talk) -> None:
    altered = loop()
    altered[-1] = {**altered[-1], "tool_call_id": "call_1"}
    assert "tool_call_id not found" in await refusal(talk, SMALL, altered)
    assert "tool_call_id not found" in await refusal(talk, SMALL, loop()[2:])
    assert await refusal(talk, SMALL, loop()) == ""


async def test_an_answered_loop_ends_in_text_and_ids_count_on(talk: Talk) -> None:
    answered = await talk.ask("", messages=loop(), tools=TOOLS)
    assert answered.choices[0].finish_reason == "stop"
    again = await talk.ask("", messages=[*loop(), {"role": "user", "content": ASK}], tools=TOOLS)
    (call,) = again.message.tool_calls or []
    assert call["id"] == "functions.get_weather:1"
