"""Health says what is wrong, for as long as it is wrong, and to everyone: so never a secret."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from router.config.schema import Breaker, Config, Environment
from router.hosts import Hosts
from router.sandbox.profile import sandbox_config, with_base_url
from router.sandbox.settings import SandboxSettings
from router.telemetry.log import open_log
from router.upstream.client import HttpUpstream
from tests.rawserver import plain_answer, raw_server, read_request
from tests.routers import Router, running_router

REFUSED = "upstream `sandbox`: it refuses the router's key"


async def health(router: Router) -> tuple[str, list[str]]:
    said = (await router.http.get("/health/ready")).json()
    return said["status"], said["reasons"]


async def wait_for(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds. Raises TimeoutError when it does not come to hold."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - health is asked over HTTP
            await asyncio.sleep(0.01)


async def test_a_wrong_key_for_an_upstream_is_a_reason_from_the_start(tmp_path: Path) -> None:
    async def told() -> bool:
        return await health(router) == ("degraded", [REFUSED])

    strict = SandboxSettings(api_key="the-right-key")
    async with running_router(tmp_path, sandbox=strict) as router:
        await wait_for(told)


async def test_a_look_replaces_what_was_found_before_and_logs_only_news(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    listing = msgspec.json.encode(
        {"data": [{"id": model.name} for model in sandbox_config().model.values()]}
    )
    quoting = b'{"error":{"message":"sk-walrus is wrong","code":"insufficient_quota"}}'
    refusal = plain_answer(quoting, status="401 Unauthorized")
    answers = [refusal, refusal, plain_answer(b'{"data":[{"id":"other"}]}'), plain_answer(listing)]

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(answers.pop(0))
            await writer.drain()

    async with raw_server(converse) as url:
        config = with_base_url(sandbox_config(), url)
        upstream = HttpUpstream(config, {"sandbox": "sk-walrus"})
        hosts = Hosts(config, upstream, open_log())
        found = []
        for _ in range(4):
            await hosts.look()
            found.append(hosts.reasons)
        await upstream.close()
    assert found[0] == found[1] == ["upstream `sandbox`: it lists no models (quota)"]
    assert len(found[2]) == 3
    assert all("is not listed by upstream `sandbox`" in reason for reason in found[2])
    assert found[3] == []
    logged = [msgspec.json.decode(line) for line in capfdbinary.readouterr().err.splitlines()]
    assert [line["reason"] for line in logged] == [*found[0], *found[2]]


async def test_a_host_that_hangs_up_is_a_reason() -> None:
    async def hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None: ...

    async with raw_server(hang_up) as url:
        config = with_base_url(sandbox_config(), url)
        upstream = HttpUpstream(config, {})
        hosts = Hosts(config, upstream, open_log())
        await hosts.look()
        await upstream.close()
    assert hosts.reasons == ["upstream `sandbox`: it lists no models (cut)"]


def impatient(config: Config) -> Config:
    return msgspec.structs.replace(config, breaker=Breaker(failures=1, open_ms=1))


def patient(config: Config) -> Config:
    return msgspec.structs.replace(config, breaker=Breaker(failures=1, open_ms=600_000))


async def test_a_model_that_failed_last_is_a_reason_until_it_answers(tmp_path: Path) -> None:
    async def on_trial() -> bool:
        return await health(router) == ("degraded", ["small-chat failed and is on trial"])

    async with running_router(tmp_path, change=impatient) as router:
        failed = await router.chat("[[sandbox:fault=server]]", model="gearshift/easy")
        assert failed.status_code == 502
        # Its time is over at once, and without traffic nothing was shown to work again.
        await wait_for(on_trial)
        await wait_for(on_trial)
        assert (await router.chat("hi", model="gearshift/easy")).status_code == 200
        assert await health(router) == ("ok", [])


async def test_unavailable_is_said_only_while_no_model_may_be_tried(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=patient) as router:
        for tier in ("easy", "medium"):
            await router.chat("[[sandbox:fault=server]]", model=f"gearshift/{tier}")
        assert (await health(router))[0] == "degraded"
        await router.chat("[[sandbox:fault=server]]", model="gearshift/hard")
        response = await router.http.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert "small-chat is left alone after failures" in response.json()["reasons"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_a_probe_may_ask_for_the_head_alone(router: Router, path: str) -> None:
    response = await router.http.head(path)
    assert response.status_code == 200
    assert response.content == b""
    # The connection is still in step: the next answer is the next request's.
    assert (await router.http.get(path)).json()["status"] == "ok"


async def test_the_schema_names_the_endpoint_that_everyone_comes_for(router: Router) -> None:
    schema = (await router.http.get("/schema")).json()
    assert "post" in schema["paths"]["/v1/chat/completions"]
    assert (await router.chat("hi")).status_code == 200


async def test_a_head_is_kept_out_like_its_get(tmp_path: Path) -> None:
    locked = Environment(api_key="a" * 20, admin_key="b" * 20)
    async with running_router(tmp_path, environment=locked) as router:
        response: httpx.Response = await router.http.head("/metrics")
    assert response.status_code == 401


async def test_a_service_that_has_ended_keeps_nothing_from_collection(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        assert (await router.http.get("/health/live")).status_code == 200
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0
