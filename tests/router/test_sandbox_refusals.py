"""Requests that the models refuse, as their real hosts would."""

from collections.abc import AsyncIterator

import pytest

from router.sandbox.settings import SandboxSettings
from tests.sandboxes import INSTRUCT, SMALL, THINKING, Talk, talking

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
async def talk() -> AsyncIterator[Talk]:
    async with talking() as talk:
        yield talk


async def refusal(talk: Talk, *, model: str, **fields: object) -> str:
    """The message of a 400, or nothing where the answer is good."""
    response = await talk.post("Hi", model=model, **fields)
    if response.status_code == 200:
        return ""
    error = response.json()["error"]
    assert response.status_code == 400
    assert error["type"] == "invalid_request_error"
    return str(error["message"])


async def test_kimis_temperature_ends_at_one(talk: Talk) -> None:
    for model in (THINKING, INSTRUCT):
        assert "between 0 and 1" in await refusal(talk, model=model, temperature=1.01)
        assert "between 0 and 1" in await refusal(talk, model=model, temperature=-0.1)
        assert await refusal(talk, model=model, temperature=1.0) == ""
    assert await refusal(talk, model=SMALL, temperature=2.0) == ""
    assert "between 0 and 2" in await refusal(talk, model=SMALL, temperature=2.1)


@pytest.mark.parametrize("model", ["kimi-k2.6", "kimi-k2.7-code", "kimi-k3"])
async def test_fixed_sampling_takes_no_temperature_but_one(talk: Talk, model: str) -> None:
    assert "only 1 is allowed" in await refusal(talk, model=model, temperature=0.6)
    assert await refusal(talk, model=model, temperature=1) == ""
    assert await refusal(talk, model=model) == ""


async def test_several_answers_need_a_temperature(talk: Talk) -> None:
    assert "near 0" in await refusal(talk, model=INSTRUCT, temperature=0.0, n=2)
    assert await refusal(talk, model=INSTRUCT, temperature=0.0, n=1) == ""
    assert await refusal(talk, model=INSTRUCT, temperature=0.6, n=2) == ""
    assert await refusal(talk, model=SMALL, temperature=0.0, n=2) == ""


async def test_text_only_models_take_no_images(talk: Talk) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, IMAGE]}]
    for model in (THINKING, INSTRUCT, SMALL):
        assert "image_url" in await refusal(talk, model=model, messages=messages)
    async with talking(SandboxSettings(multimodal=(SMALL,))) as seeing:
        assert await refusal(seeing, model=SMALL, messages=messages) == ""


async def test_input_and_cap_must_fit_the_window_together(talk: Talk) -> None:
    messages = [{"role": "user", "content": "x" * 4 * 32_000}]
    assert await refusal(talk, model=SMALL, messages=messages) == ""
    assert "32768" in await refusal(talk, model=SMALL, messages=messages, max_tokens=1_000)
    assert await refusal(talk, model=INSTRUCT, messages=messages, max_tokens=1_000) == ""


async def test_newer_models_choose_tools_themselves(talk: Talk) -> None:
    by_name = {"type": "function", "function": {"name": "look"}}
    for choice in ("required", by_name):
        wanted = await refusal(talk, model="kimi-k2.7-code", tools=[TOOL], tool_choice=choice)
        assert "only auto and none" in wanted
        assert await refusal(talk, model=INSTRUCT, tools=[TOOL], tool_choice=choice) == ""


async def test_a_tool_choice_must_be_offered(talk: Talk) -> None:
    other = {"type": "function", "function": {"name": "find"}}
    for fields in ({"tool_choice": "required"}, {"tool_choice": other, "tools": [TOOL]}):
        response = await talk.http.post(
            "/chat/completions",
            json={"model": SMALL, "messages": [{"role": "user", "content": "Hi"}], **fields},
        )
        assert response.status_code == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "truncated"),
        (b'{"model": "small-chat", "messages": "Hi"}', "$.messages"),
        (b'{"messages": []}', "model"),
        (b'{"model": "small-chat", "messages": []}', "messages must not be empty"),
        (b'{"model": "small-chat", "messages": [{"role": "user", "content": "\xff"}]}', "UTF-8"),
        (b'{"model": "a", "messages": [{"role": "user"}], "max_tokens": 0}', "max_tokens"),
        (b'{"model": "a", "messages": [{"role": "user"}], "n": 0}', "n must"),
        (b'{"model": "a", "messages": [{"role": "user"}], "n": 1000000}', "n must"),
    ],
)
async def test_a_body_that_is_wrong_is_told_where(talk: Talk, body: bytes, named: str) -> None:
    response = await talk.http.post("/chat/completions", content=body)
    assert response.status_code == 400
    assert named.lower() in response.json()["error"]["message"].lower()


async def test_retired_ids_are_gone() -> None:
    settings = SandboxSettings(retired=("kimi-k2-thinking", "kimi-k2-0905-preview"))
    async with talking(settings) as talk:
        response = await talk.post("Hi", model="kimi-k2-0905-preview")
        listed = [model.id async for model in talk.client.models.list()]
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "resource_not_found_error"
    assert listed == ["kimi-k2-instruct", "small-chat"]


async def test_a_key_is_asked_for_where_one_is_set() -> None:
    async with talking(SandboxSettings(api_key="sandbox")) as talk:
        assert (await talk.post("Hi")).status_code == 401
        wrong = await talk.http.get("/models", headers={"authorization": "Bearer other"})
        assert wrong.status_code == 401
        assert [model.id async for model in talk.client.models.list()]


async def test_other_paths_lead_nowhere(talk: Talk) -> None:
    assert (await talk.http.get("/chat/completions")).status_code == 404
    assert (await talk.http.post("/embeddings", json={})).status_code == 404
