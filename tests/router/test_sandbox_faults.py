"""Faults on request: what each looks like from the other end of the socket."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import msgspec
import openai
import pytest

from router.sandbox.settings import SandboxSettings, Scenario
from tests.sandboxes import INSTRUCT, SMALL, THINKING, Talk, talking

SOON_S = 10
"""Bound on waits that should end at once; reached only when something is broken."""


@pytest.fixture(scope="module")
async def talk() -> AsyncIterator[Talk]:
    async with talking() as talk:
        yield talk


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("rate_limit", 429, "rate_limit_reached_error"),
        ("overloaded", 429, "engine_overloaded_error"),
        ("quota", 429, "exceeded_current_quota_error"),
        ("invalid", 400, "invalid_request_error"),
        ("sampling", 400, "invalid_request_error"),
        ("content_filter", 400, "content_filter"),
        ("auth", 401, "invalid_authentication_error"),
        ("not_found", 404, "resource_not_found_error"),
        ("server", 500, "server_error"),
        ("unavailable", 503, "server_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_that_is_a_status(
    talk: Talk, fault: str, status: int, kind: str, stream: bool
) -> None:
    response = await talk.post(f"Hi [[sandbox:fault={fault}]]", stream=stream)
    error = response.json()["error"]
    assert response.status_code == status
    assert error["type"] == kind
    assert error["message"].startswith("[simulated] ")
    assert response.headers["x-gearshift-simulated"] == "true"
    assert ("retry-after" in response.headers) == (fault == "rate_limit")


async def test_the_words_that_callers_look_for(talk: Talk) -> None:
    async def say(fault: str) -> str:
        response = await talk.post(f"[[sandbox:fault={fault}]]", model=THINKING)
        return str(response.json()["error"]["message"])

    assert "only 1 is allowed" in await say("sampling")
    assert "please try again after 1 seconds" in await say("rate_limit")
    assert "Not found the model kimi-k2-thinking" in await say("not_found")


async def test_the_sdk_raises_what_it_would_for_a_real_host(talk: Talk) -> None:
    async def ask(fault: str) -> None:
        prompt = f"[[sandbox:fault={fault}]]"
        await talk.client.chat.completions.create(
            model=SMALL, messages=[{"role": "user", "content": prompt}]
        )

    with pytest.raises(openai.RateLimitError) as caught:
        await ask("rate_limit")
    assert caught.value.response.headers["retry-after"] == "1"
    with pytest.raises(openai.AuthenticationError):
        await ask("auth")
    with pytest.raises(openai.NotFoundError):
        await ask("not_found")
    with pytest.raises(openai.InternalServerError):
        await ask("html_504")


async def test_a_gateway_time_out_is_a_page(talk: Talk) -> None:
    response = await talk.post("[[sandbox:fault=html_504]]")
    assert response.status_code == 504
    assert response.headers["content-type"] == "text/html"
    assert response.text.startswith("<html>")


async def test_a_cut_stream_ends_inside_the_body(talk: Talk) -> None:
    stream = await talk.stream("[[sandbox:fault=cut tokens=40]]")
    assert stream.cut
    assert stream.content.startswith("[simulated]")
    assert 0 < len(stream.content.split()) < 40
    assert stream.finish == []


async def test_a_cut_answer_is_shorter_than_it_said(talk: Talk) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await talk.post("[[sandbox:fault=cut]]")


async def test_a_stream_that_ends_early_ends_in_good_order(talk: Talk) -> None:
    stream = await talk.stream("[[sandbox:fault=end_early tokens=40]]", model=THINKING)
    assert not stream.cut
    assert not stream.done
    assert stream.finish == []
    assert stream.reasoning


async def test_a_stream_may_lack_its_last_line(talk: Talk) -> None:
    stream = await talk.stream("[[sandbox:quirk=no_done]]")
    assert stream.finish == ["stop"]
    assert not stream.done


async def test_keep_alive_comments_stand_between_events(talk: Talk) -> None:
    stream = await talk.stream("[[sandbox:quirk=keep_alive tokens=8]]")
    assert stream.lines[0] == ": keep-alive"
    assert stream.lines.count(": keep-alive") == 4
    assert len(stream.content.split()) == 8


@pytest.mark.parametrize("fault", ["malformed", "end_early"])
async def test_an_answer_that_is_no_json(talk: Talk, fault: str) -> None:
    response = await talk.post(f"[[sandbox:fault={fault}]]")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    with pytest.raises(json.JSONDecodeError):
        response.json()


async def test_a_stream_with_an_event_that_is_no_json(talk: Talk) -> None:
    stream = await talk.stream("[[sandbox:fault=malformed tokens=40]]")
    assert stream.done
    with pytest.raises(msgspec.DecodeError):
        _ = stream.chunks


async def test_a_fault_that_is_unknown_is_refused(talk: Talk) -> None:
    for directive in (
        "fault=rate_limits",
        "quirks=no_usage",
        "times=0",
        "tokens=9999999",
        "nonsense",
    ):
        response = await talk.post(f"[[sandbox:{directive}]]")
        assert response.status_code == 400
        assert directive in response.json()["error"]["message"]


async def test_a_fault_for_another_model_does_nothing(talk: Talk) -> None:
    prompt = f"[[sandbox:fault=server model={THINKING}]] Hi"
    assert (await talk.post(prompt, model=THINKING)).status_code == 500
    assert (await talk.post(prompt, model=INSTRUCT)).status_code == 200


async def test_a_fault_for_the_first_requests_only(talk: Talk) -> None:
    async def statuses(prompt: str, count: int) -> list[int]:
        return [(await talk.post(prompt)).status_code for _ in range(count)]

    assert await statuses("[[sandbox:fault=server times=2]] Hi", 4) == [500, 500, 200, 200]
    assert await statuses("[[sandbox:fault=server times=2]] Other words", 1) == [200]
    assert await statuses("[[sandbox:fault=server times=2 id=again]] Hi", 3) == [500, 500, 200]


async def test_a_count_is_not_used_up_by_another_model(talk: Talk) -> None:
    prompt = f"[[sandbox:fault=overloaded times=1 model={THINKING}]] Hi"
    asked = (SMALL, INSTRUCT, THINKING, THINKING)
    statuses = [(await talk.post(prompt, model=model)).status_code for model in asked]
    assert statuses == [200, 200, 429, 200]


async def test_directives_add_up(talk: Talk) -> None:
    prompt = f"[[sandbox:fault=quota model={THINKING}]] [[sandbox:fault=server model={INSTRUCT}]]"
    asked = (THINKING, INSTRUCT, SMALL)
    statuses = [(await talk.post(prompt, model=model)).status_code for model in asked]
    assert statuses == [429, 500, 200]


async def test_only_the_last_user_message_directs(talk: Talk) -> None:
    messages = [
        {"role": "user", "content": "[[sandbox:fault=server]]"},
        {"role": "assistant", "content": "[[sandbox:fault=server]]"},
        {"role": "user", "content": [{"type": "text", "text": "[[sandbox:fault=quota]]"}]},
        {"role": "system", "content": "[[sandbox:fault=server]]"},
    ]
    assert (await talk.post("", messages=messages)).status_code == 429


async def test_settings_can_spoil_every_answer() -> None:
    scenario = Scenario(fault="overloaded", times=1, model=INSTRUCT)
    quirk = Scenario(quirks=("no_usage",))
    async with talking(SandboxSettings(scenarios=(scenario, quirk))) as talk:
        asked = (INSTRUCT, SMALL, INSTRUCT)
        responses = [await talk.post("Hi", model=model) for model in asked]
    assert [response.status_code for response in responses] == [429, 200, 200]
    assert all("usage" not in response.json() for response in responses)


async def test_a_stall_lasts_until_it_is_released() -> None:
    async with talking() as talk, asyncio.timeout(SOON_S):
        text = ""
        async with await talk.client.chat.completions.create(
            model=SMALL,
            messages=[{"role": "user", "content": "[[sandbox:fault=stall tokens=40]]"}],
            stream=True,
        ) as stream:
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
                if len(text.split()) == 20:
                    talk.running.release()
    assert len(text.split()) == 40


async def test_a_stalled_stream_runs_into_the_callers_patience(talk: Talk) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await talk.http.post(
            "/chat/completions",
            json={
                "model": SMALL,
                "stream": True,
                "messages": [{"role": "user", "content": "[[sandbox:fault=stall]]"}],
            },
            timeout=0.1,
        )


@pytest.mark.parametrize("fault", ["slow_first_byte", "stall"])
async def test_an_answer_that_does_not_come_runs_into_it_too(talk: Talk, fault: str) -> None:
    with pytest.raises(openai.APITimeoutError):
        await talk.client.chat.completions.create(
            model=SMALL,
            messages=[{"role": "user", "content": f"[[sandbox:fault={fault}]]"}],
            timeout=0.1,
        )


@pytest.mark.parametrize("fault", ["slow_first_byte", "stall"])
async def test_a_wait_has_the_length_that_was_asked_for(talk: Talk, fault: str) -> None:
    prompt = f"[[sandbox:fault={fault} delay_ms=30]]"
    response = await talk.post(prompt)
    assert response.elapsed.total_seconds() >= 0.03
    assert response.status_code == 200
    assert response.json()["choices"]


async def test_no_wait_is_longer_than_the_settings_allow() -> None:
    async with talking(SandboxSettings(max_wait_s=0.01)) as talk, asyncio.timeout(SOON_S):
        for prompt in ("fault=slow_first_byte", "fault=stall", "delay_ms=3600000"):
            assert (await talk.post(f"[[sandbox:{prompt}]]")).status_code == 200


async def test_an_error_can_be_late(talk: Talk) -> None:
    response = await talk.post("[[sandbox:fault=html_504 delay_ms=30]]")
    assert response.status_code == 504
    assert response.elapsed.total_seconds() >= 0.03
