"""Tool calling, as Kimi's model card shows it, through the router and against the sandbox.

The sandbox refuses what Kimi refuses: a loop whose reasoning was dropped, an id that was altered.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletionToolParam

from router.config.schema import Config, Rule
from tests.routers import Router, running_router

HARD = "kimi-k2-thinking"
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Retrieve current weather information.",
        "parameters": {
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string"}},
        },
    },
}
# The SDK's own message types, as they go back and forth in a tool loop.
Messages = list[Any]


async def loop(router: Router, messages: Messages, *, model: str = "auto") -> list[str]:
    """The loop of the model card; gives the decision of every round."""
    decisions: list[str] = []
    finish = None
    while finish is None or finish == "tool_calls":
        raw = await router.openai.chat.completions.with_raw_response.create(
            model=model, messages=messages, tools=[WEATHER], tool_choice="auto"
        )
        decisions.append(raw.headers["x-gearshift-decision"])
        choice = raw.parse().choices[0]
        finish = choice.finish_reason
        if finish == "tool_calls":
            messages.append(choice.message)
            for call in choice.message.tool_calls or []:
                assert call.type == "function"
                arguments = json.loads(call.function.arguments)
                messages.append(
                    {
                        "role": "tool",
                        "tool_call_id": call.id,
                        "name": call.function.name,
                        "content": json.dumps({"weather": "sunny", "asked": arguments}),
                    }
                )
    return decisions


@pytest.mark.parametrize("model", ["auto", "gearshift/easy", "gearshift/medium", "gearshift/hard"])
async def test_the_loop_of_the_model_card_comes_to_its_end(router: Router, model: str) -> None:
    messages: Messages = [
        {"role": "system", "content": "You are Kimi, an AI assistant created by Moonshot AI."},
        {
            "role": "user",
            "content": "What's the weather like in Beijing today? [[sandbox:call=get_weather]]",
        },
    ]
    decisions = await loop(router, messages, model=model)
    assert len(decisions) == 2
    entries = [await router.entry(decision) for decision in decisions]
    assert len({entry.decision.model for entry in entries}) == 1
    assert [entry.facts.open_tool_loop for entry in entries] == [False, True]


async def test_tool_calls_stream_with_their_ids_and_arguments(router: Router) -> None:
    stream = await router.openai.chat.completions.create(
        model="gearshift/hard",
        messages=[{"role": "user", "content": "[[sandbox:call=get_weather]] Weather in Rome?"}],
        tools=[WEATHER],
        stream=True,
    )
    ids, arguments = [], ""
    finish = None
    async for chunk in stream:
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or []:
                ids += [call.id] if call.id else []
                arguments += call.function.arguments or "" if call.function else ""
    assert finish == "tool_calls"
    assert ids == ["functions.get_weather:0"]
    assert isinstance(json.loads(arguments), dict)


async def test_reasoning_is_stripped_for_every_model_but_a_thinking_one(router: Router) -> None:
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello", "reasoning_content": "they greet me"},
        {"role": "user", "content": "and now?"},
    ]
    kept = {}
    for tier in ("easy", "medium", "hard"):
        body = {"model": f"gearshift/{tier}", "messages": messages}
        response = await router.http.post("/v1/chat/completions", json=body)
        assert response.status_code == 200
        kept[tier] = b"they greet me" in router.sandbox.received[-1].body
    assert kept == {"easy": False, "medium": False, "hard": True}


def all_hard(config: Config) -> Config:
    rule = Rule(name="everything", pattern="", tier="hard")
    return msgspec.structs.replace(
        config, policy=msgspec.structs.replace(config.policy, rule=(rule,))
    )


@pytest.fixture
async def hard_router(tmp_path: Path) -> AsyncIterator[Router]:
    async with running_router(tmp_path, change=all_hard) as running:
        yield running


async def test_a_loop_that_a_fallback_moved_stays_where_it_went(hard_router: Router) -> None:
    directive = f"[[sandbox:call=get_weather]] [[sandbox:fault=server model={HARD} times=1]]"
    messages: Messages = [{"role": "user", "content": f"Weather in Oslo? {directive}"}]
    decisions = await loop(hard_router, messages)
    entries = [await hard_router.entry(decision) for decision in decisions]
    assert entries[0].decision.reason == "fallback"
    assert entries[1].decision.reason == "pinned"
    assert entries[1].decision.model == entries[0].decision.model != HARD


async def test_a_pin_is_its_caller_s_own(router: Router) -> None:
    opening: Messages = [{"role": "user", "content": "Weather? [[sandbox:call=get_weather]]"}]
    await loop(router, [*opening], model="gearshift/hard")
    entries = [await router.entry(decision) for decision in await loop(router, [*opening])]
    assert len({entry.decision.model for entry in entries}) == 1
    assert entries[1].facts.pin != HARD


async def test_an_open_loop_is_not_moved_by_an_outage(hard_router: Router) -> None:
    messages: Messages = [
        {"role": "user", "content": f"Weather? [[sandbox:fault=server model={HARD}]]"},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "I shall ask.",
            "tool_calls": [
                {
                    "id": "functions.get_weather:0",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": "{}"},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "functions.get_weather:0", "content": "sunny"},
    ]
    body = {"model": "auto", "messages": messages, "tools": [WEATHER]}
    response = await hard_router.http.post("/v1/chat/completions", json=body)
    assert response.status_code == 502
    entry = await hard_router.entry(response.headers["x-gearshift-decision"])
    assert [attempt.model for attempt in entry.outcome.attempts] == [HARD]


async def test_a_loop_that_another_model_closed_does_not_trouble_a_thinking_one(
    router: Router,
) -> None:
    messages: Messages = [{"role": "user", "content": "Weather? [[sandbox:call=get_weather]]"}]
    await loop(router, messages, model="gearshift/medium")
    messages += [{"role": "assistant", "content": "Sunny."}, {"role": "user", "content": "Why?"}]
    assert await loop(router, messages, model="gearshift/hard")


async def test_tools_do_not_make_a_prompt_harder(router: Router) -> None:
    messages = [{"role": "user", "content": "What time is it in Lima?"}]
    plain = {"model": "auto", "messages": messages}
    many = [
        {**WEATHER, "function": {**WEATHER["function"], "name": f"tool_{n}"}} for n in range(32)
    ]
    verdicts = [
        (await router.http.post("/v1/route", json=body)).json()["verdict"]
        for body in (plain, {**plain, "tools": many})
    ]
    assert verdicts[0] == verdicts[1]
