"""Whatever comes in: a clear error in OpenAI's shape, the right status, and a service still up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import get

from router.api.application import Application
from router.api.chat import Message, Receive, Send
from router.api.refusals import Refusals
from router.config.schema import Config, Environment
from router.telemetry.log import open_log
from router.telemetry.metrics import Metrics
from tests.routers import Router, running_router

MIB = 1024 * 1024
HELLO = b'[{"role":"user","content":"hi"}]'


def narrow(config: Config) -> Config:
    server = msgspec.structs.replace(config.server, max_body_bytes=1_000, max_batch=2)
    return msgspec.structs.replace(config, server=server)


async def post(router: Router, body: bytes) -> tuple[int, dict[str, str | None]]:
    response = await router.http.post("/v1/chat/completions", content=body)
    return response.status_code, response.json()["error"]


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        (b"", None, "JSON"),
        (b"{", None, "JSON"),
        (b"[]", None, "object"),
        (b'{"model":"auto","messages":[{"role":"user","content":"\xff"}]}', None, "UTF-8"),
        (b'{"model":"auto","messages":[]}', "messages", "empty"),
        (b'{"model":"auto"}', "messages", "messages"),
        (b'{"messages":%s}' % HELLO, "model", "model"),
        (b'{"model":7,"messages":%s}' % HELLO, "model", "model"),
        (b'{"model":"auto","messages":"hi"}', "messages", "messages"),
        (b'{"model":"auto","messages":[{"content":"hi"}]}', "messages[0].role", "role"),
        (b'{"model":"auto","messages":[{"role":"user","content":7}]}', "messages[0].content", ""),
        (b'{"model":"auto","stream":"yes","messages":%s}' % HELLO, "stream", "stream"),
        (b'{"model":"auto","max_tokens":0,"messages":%s}' % HELLO, "max_tokens", ""),
        (b'{"model":"auto","tools":{},"messages":%s}' % HELLO, "tools", "tools"),
    ],
)
async def test_a_wrong_body_is_told_which_field_and_what_is_expected(
    router: Router, body: bytes, param: str | None, says: str
) -> None:
    status, error = await post(router, body)
    assert status == 400
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert says in (error["message"] or "")


async def test_an_unknown_model_is_a_404_that_names_what_is_known(router: Router) -> None:
    status, error = await post(router, b'{"model":"gpt-9","messages":%s}' % HELLO)
    assert status == 404
    assert error["code"] == "model_not_found"
    assert "gearshift/easy" in (error["message"] or "")


async def test_ten_thousand_messages_are_refused_by_their_number(router: Router) -> None:
    many = msgspec.json.encode(
        {"model": "auto", "messages": [{"role": "user", "content": "hi"}] * 10_000}
    )
    status, error = await post(router, many)
    assert status == 400
    assert "5000" in (error["message"] or "").replace(",", "")


async def test_fifty_megabytes_are_refused_by_their_size(router: Router) -> None:
    body = b'{"model":"auto","messages":[{"role":"user","content":"%s"}]}' % (b"a" * 50 * MIB)
    status, error = await post(router, body)
    assert status == 413
    assert "max_body_bytes" in (error["message"] or "")
    assert (await router.chat("still there?")).status_code == 200


async def test_a_body_of_unknown_length_is_bounded_too(router: Router) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * MIB

    response = await router.http.post("/v1/chat/completions", content=pieces())
    assert response.status_code == 413


async def test_a_prompt_longer_than_every_window_names_both_numbers(router: Router) -> None:
    response = await router.chat("word " * 300_000)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "context_length_exceeded"
    assert "262,144" in error["message"]
    entry = await router.entry(response.headers["x-gearshift-decision"])
    assert entry.outcome.status == 400
    assert entry.outcome.attempts == ()
    assert router.decide_again(entry) == entry.decision


async def test_an_image_to_text_only_tiers_is_refused_before_anything_is_sent(
    router: Router,
) -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = {"model": "auto", "messages": [{"role": "user", "content": [part]}]}
    response = await router.http.post("/v1/chat/completions", json=body)
    assert response.status_code == 400
    assert "image" in response.json()["error"]["message"]
    assert not [r for r in router.sandbox.received if r.path.endswith("/chat/completions")]


async def test_a_cap_that_thinking_would_eat_up_keeps_a_request_from_the_thinking_tier(
    router: Router,
) -> None:
    response = await router.chat("Think.", model="gearshift/hard", max_tokens=500)
    assert response.status_code == 400
    assert "500" in response.json()["error"]["message"]
    assert "2,000" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/v1/models", 405),
        ("POST", "/v1/route", 400),
    ],
)
async def test_wrong_doors_answer_in_the_same_shape(
    router: Router, method: str, path: str, status: int
) -> None:
    response = await router.http.request(method, path)
    assert response.status_code == status
    assert response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("GET", "/v1/route", "POST"),
        ("PUT", "/metrics", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_one(
    router: Router, method: str, path: str, allowed: str
) -> None:
    response = await router.http.request(method, path)
    assert response.status_code == 405
    assert allowed in response.headers["allow"].split(", ")


LOCKED = Environment(api_key="the-right-key", admin_key="the-admin-key")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (("POST", "/v1/chat/completions", b"{walrus"), 400),
        (("GET", "/v1/chat/completions", b""), 405),
        (("POST", "/v1/chat/completions", b"walrus" * 200), 413),
        (("POST", "/v1/route", b"{walrus"), 400),
        (("POST", "/v1/route", b"walrus" * 200), 413),
        (("POST", "/v1/models", b""), 405),
        (("GET", "/nowhere", b""), 404),
    ],
)
async def test_a_refusal_is_a_line_and_a_count_without_what_was_sent(
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    asked: tuple[str, str, bytes],
    status: int,
) -> None:
    method, path, body = asked
    code = "body_too_large" if status == 413 else None
    async with running_router(tmp_path, environment=LOCKED, change=narrow) as router:
        response = await router.http.request(
            method,
            f"{path}?q=walrus",
            content=body,
            headers={"authorization": f"Bearer {LOCKED.api_key}"},
        )
        assert response.status_code == status
        metrics = await router.http.get("/metrics", headers={"x-api-key": LOCKED.admin_key})
    logged = capfdbinary.readouterr().err
    assert refusals(logged) == [{"status": status, "code": code, "method": method, "path": path}]
    assert b"walrus" not in logged
    counted = f'gearshift_refused_total{{code="{code or ""}",status="{status}"}} 1.0'
    assert counted in metrics.text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/route"])
async def test_a_wrong_key_is_noted_and_never_written_down(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], path: str
) -> None:
    async with running_router(tmp_path, environment=LOCKED) as router:
        response = await router.http.post(path, json={}, headers={"x-api-key": "walrus"})
        assert response.status_code == 401
    logged = capfdbinary.readouterr().err
    assert [each["code"] for each in refusals(logged)] == ["invalid_api_key"]
    assert b"walrus" not in logged


def refusals(logged: bytes) -> list[dict[str, object]]:
    """The lines of refused requests, by what they say of them."""
    lines: list[dict[str, object]] = [msgspec.json.decode(line) for line in logged.splitlines()]
    said = ("status", "code", "method", "path")
    return [{name: line[name] for name in said} for line in lines if line["event"] == "refused"]


async def test_what_has_an_entry_is_not_counted_as_refused_too(router: Router) -> None:
    assert (await router.chat("word " * 300_000)).status_code == 400
    metrics = (await router.http.get("/metrics")).text
    assert "gearshift_requests_total{" in metrics
    assert "gearshift_refused_total{" not in metrics


async def test_a_handler_that_breaks_is_in_the_log_by_its_kind_and_place(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    @get("/boom")
    async def boom() -> str:
        raise ValueError("walrus")

    async def chat(_scope: Message, _receive: Receive, _send: Send) -> None: ...

    refused = Refusals(open_log(), Metrics(shared=None, baseline="hard"))
    application = Application(chat, [boom], refused, max_body_bytes=100)
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
        response = await client.get("/boom")
    assert response.status_code == 500
    assert "walrus" not in response.text
    logged = capfdbinary.readouterr().err
    failed = msgspec.json.decode(logged.splitlines()[0])
    assert (failed["event"], failed["error"]) == ("request failed", "ValueError")
    assert "test_bad_input.py:" in failed["where"]
    assert b"walrus" not in logged


async def test_a_caller_who_never_finishes_the_body_is_forgotten(router: Router) -> None:
    host, port = router.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await router.chat("hello")).status_code == 200


async def test_limits_are_the_configuration_s(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=narrow) as router:
        assert (await router.chat("a" * 2_000)).status_code == 413
        batch = await router.http.post("/v1/route", json={"requests": [{}, {}, {}]})
        assert batch.status_code == 400
        assert batch.json()["error"]["param"] == "requests"
        assert (await router.http.post("/v1/route", content=b" " * 2_000)).status_code == 413


async def test_any_bytes_at_all_get_an_answer(router: Router) -> None:
    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def collect(body: bytes) -> None:
        bodies.append(body)

    bodies: list[bytes] = []
    collect()
    for body in bodies:
        response = await router.http.post("/v1/chat/completions", content=body)
        assert response.status_code in {400, 404}
        assert response.json()["error"]["type"]
