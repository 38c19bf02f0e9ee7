"""Whatever comes in: a clear error in OpenAI's shape, the right status, and a service still up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.config.schema import Config
from tests.routers import Router, running_router

MIB = 1024 * 1024
HELLO = b'[{"role":"user","content":"hi"}]'


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


async def test_a_caller_who_never_finishes_the_body_is_forgotten(router: Router) -> None:
    host, port = router.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await router.chat("hello")).status_code == 200


def narrow(config: Config) -> Config:
    server = msgspec.structs.replace(config.server, max_body_bytes=1_000, max_batch=2)
    return msgspec.structs.replace(config, server=server)


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
