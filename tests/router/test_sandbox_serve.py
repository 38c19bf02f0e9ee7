"""The sandbox as a server: in somebody's event loop, alone, at its own pace, and put away."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import msgspec
import pytest
from click.testing import CliRunner

from router.cli.sandbox import sandbox
from router.sandbox.app import create_sandbox
from router.sandbox.chat import Chat
from router.sandbox.serve import base_url_of, listen, start
from router.sandbox.settings import IN_PROCESS_SPEED, SandboxSettings
from tests.sandboxes import INSTRUCT, SMALL, THINKING, body, talking

SOON_S = 20
"""Bound on what should happen at once; reached only when something is broken."""


def encoded(prompt: str, model: str = SMALL, **fields: object) -> bytes:
    return msgspec.json.encode(body(prompt, model, fields))


async def test_it_listens_as_soon_as_it_is_started() -> None:
    running = await start(SandboxSettings())
    try:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", running.base_url)
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{running.base_url}/models")).status_code == 200
    finally:
        await running.stop()


async def test_stopped_it_listens_no_more() -> None:
    running = await start(SandboxSettings())
    await running.stop()
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{running.base_url}/models")


async def test_the_signals_stay_with_their_owner() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with talking() as talk:
        await talk.ask("Hi")
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert during == before


async def test_a_taken_port_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await start(SandboxSettings(), port=taken.getsockname()[1])


async def test_stopping_lets_a_stalled_stream_finish() -> None:
    running = await start(SandboxSettings())
    text = ""
    async with (
        asyncio.timeout(SOON_S),
        httpx.AsyncClient() as http,
        http.stream(
            "POST",
            f"{running.base_url}/chat/completions",
            content=encoded("[[sandbox:tokens=40 fault=stall]] Hi", stream=True),
        ) as response,
    ):
        stopping = asyncio.create_task(running.stop())
        async for line in response.aiter_lines():
            text += line
        await stopping
    assert text.endswith("data: [DONE]")


class Line:
    """An ASGI connection whose caller sends a body and hangs up at once, unless patient."""

    def __init__(self, request: bytes, *, patient: bool = False) -> None:
        self._patient = patient
        self._pending: list[MutableMapping[str, Any]] = [
            {"type": "http.request", "body": request[:9], "more_body": True},
            {"type": "http.request", "body": request[9:]},
        ]
        self.sent: list[MutableMapping[str, Any]] = []

    async def receive(self) -> MutableMapping[str, Any]:
        if self._pending:
            return self._pending.pop(0)
        if self._patient:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)


SCOPE = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}


async def test_nothing_is_waited_for_once_the_caller_has_left() -> None:
    app = create_sandbox(SandboxSettings(max_wait_s=3_600))
    slow = Line(encoded("[[sandbox:fault=slow_first_byte]] Hi"))
    stalled = Line(encoded("[[sandbox:fault=stall]] Hi", stream=True))
    async with asyncio.timeout(SOON_S):
        await app(SCOPE, slow.receive, slow.send)
        await app(SCOPE, stalled.receive, stalled.send)
    assert slow.sent == []
    assert stalled.sent[0]["type"] == "http.response.start"
    assert all(message.get("more_body", True) for message in stalled.sent)


async def test_the_slowest_answer_hurries_once_it_is_released() -> None:
    app = create_sandbox(SandboxSettings(speed=1e-9))
    line = Line(encoded("[[sandbox:tokens=40]] Hi", stream=True), patient=True)
    asyncio.get_running_loop().call_soon(app.release)
    async with asyncio.timeout(SOON_S):
        await app(SCOPE, line.receive, line.send)
    assert line.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_a_server_that_announces_its_life_is_answered() -> None:
    line = Line(b"")
    await create_sandbox()({"type": "lifespan"}, line.receive, line.send)
    assert [message["type"] for message in line.sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_what_came_in_can_be_looked_at() -> None:
    async with talking(SandboxSettings(keep_requests=2)) as talk:
        for prompt in ("One", "Two", "Three"):
            await talk.client.chat.completions.create(
                model=SMALL, messages=[{"role": "user", "content": prompt}], temperature=0.5
            )
        two, three = talk.running.received
    assert b'"Two"' in two.body
    assert msgspec.json.decode(three.body)["temperature"] == 0.5
    assert three.headers["authorization"] == "Bearer sandbox"
    assert three.path == "/v1/chat/completions"


async def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    async with talking() as talk:
        await talk.ask("One")
        assert talk.running.received == ()


@pytest.mark.parametrize("speed", [1.0, IN_PROCESS_SPEED])
def test_a_stream_is_paced_as_the_model_writes(speed: float) -> None:
    chat = Chat(SandboxSettings(speed=speed))
    prompt = "[[sandbox:reasoning=150 tokens=150]] Hi"
    script = chat.answer(encoded(prompt, THINKING, stream=True))
    assert script.head_after_s == pytest.approx(0.6 / speed)
    assert sum(step.after_s for step in script.steps) == pytest.approx(300 / 75 / speed)
    whole = chat.answer(encoded(prompt, THINKING))
    assert whole.head_after_s == pytest.approx((0.6 + 300 / 75) / speed)


def test_without_a_speed_nothing_waits() -> None:
    for speed in (None, 0.0):
        script = Chat(SandboxSettings(speed=speed)).answer(encoded("Hi", INSTRUCT, stream=True))
        assert script.head_after_s == 0
        assert {step.after_s for step in script.steps} == {0}


def test_addresses_of_both_families_make_urls() -> None:
    with listen("127.0.0.1", 0) as four:
        assert base_url_of(four) == f"http://127.0.0.1:{four.getsockname()[1]}/v1"
    try:
        six = listen("::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with six:
        assert base_url_of(six) == f"http://[::1]:{six.getsockname()[1]}/v1"


@pytest.fixture
def alone() -> Iterator[subprocess.Popen[str]]:
    """The command, in a process of its own on a free port."""
    command = "from router.cli.sandbox import sandbox; sandbox()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "--port", "0", "--speed", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with process:
        yield process
        process.kill()


def test_the_command_serves_until_it_is_interrupted(alone: subprocess.Popen[str]) -> None:
    assert alone.stdout is not None
    url = re.search(r"http://\S+", alone.stdout.readline())
    assert url is not None
    answer = httpx.post(f"{url.group()}/chat/completions", content=encoded("Hi"))
    assert answer.json()["choices"][0]["message"]["content"].startswith("[simulated]")
    alone.send_signal(signal.SIGINT)
    assert alone.wait(SOON_S) == 0


def test_the_command_says_in_one_line_that_a_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(sandbox, ["--port", str(port)])
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in result.stderr
    assert result.stdout == ""
