"""The upstream client against real sockets: what it sends, what it gives back, how it fails."""

import asyncio
from contextlib import suppress

import msgspec
import pytest

from router.config.schema import Config, Model, Upstream
from router.domain import Fault, ModelId
from router.errors import UpstreamError
from router.sandbox.serve import start
from router.sandbox.settings import SandboxSettings
from router.upstream.client import HttpUpstream
from tests.rawserver import Conversation, plain_answer, raw_server, read_request

MODEL = ModelId("m")
BODY = b'{"model":"small-chat","messages":[{"role":"user","content":"hi"}]}'


def config(url: str, *, first_byte_timeout_ms: int = 5_000, idle_timeout_ms: int = 5_000) -> Config:
    upstream = Upstream(
        base_url=url, first_byte_timeout_ms=first_byte_timeout_ms, idle_timeout_ms=idle_timeout_ms
    )
    return Config(
        tiers={"easy": (MODEL,), "medium": (MODEL,), "hard": (MODEL,)},
        model={MODEL: Model(upstream="host", name="small-chat", context=8192)},
        upstream={"host": upstream},
    )


async def failure(upstream: HttpUpstream, *, streamed: bool = False) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await upstream.open(MODEL, BODY, streamed=streamed)
    return caught.value


def saying(answer: bytes) -> Conversation:
    """A server that gives every request the same answer and hangs up."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    return converse


async def test_sends_the_body_and_the_router_s_own_key() -> None:
    seen: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(plain_answer(b"{}", headers=b"content-type: Application/JSON\r\n"))

    async with raw_server(converse) as url:
        upstream = HttpUpstream(config(url), {"host": "sk-router"})
        reply = await upstream.open(MODEL, BODY, streamed=False)
        assert (reply.status, reply.content_type) == (200, "application/json")
        assert await reply.read() == b"{}"
        await reply.close()
        await upstream.close()
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert b"authorization: bearer sk-router" in head.lower()
    assert b"accept-encoding: identity" in head.lower()
    assert body == BODY


async def test_without_a_key_no_authorization_is_sent() -> None:
    seen: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(plain_answer(b"{}"))

    async with raw_server(converse) as url:
        upstream = HttpUpstream(config(url), {})
        await (await upstream.open(MODEL, BODY, streamed=False)).close()
        await upstream.close()
    assert b"authorization" not in seen[0].lower()


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        ("400 Bad Request", b'{"error":{"type":"invalid_request_error","message":"x"}}', "invalid"),
        ("400 Bad Request", b'{"error":{"type":"content_filter","message":"x"}}', "content_filter"),
        ("401 Unauthorized", b'{"error":{"message":"bad key sk-secret"}}', "auth"),
        ("404 Not Found", b'{"error":{"type":"resource_not_found_error"}}', "not_found"),
        ("429 Slow", b'{"error":{"type":"rate_limit_reached_error"}}', "rate_limit"),
        ("429 Slow", b'{"error":{"type":"engine_overloaded_error"}}', "overloaded"),
        ("429 Slow", b'{"error":{"type":"exceeded_current_quota_error"}}', "quota"),
        ("429 Slow", b'{"error":{"code":"insufficient_quota"}}', "quota"),
        ("500 Oops", b"", "server"),
        ("502 Oops", b"<html>bad gateway</html>", "server"),
        ("503 Busy", b"{", "overloaded"),
        ("504 Late", b"<html><title>504 Gateway Time-out</title></html>", "timeout"),
    ],
)
async def test_every_foreign_error_has_one_of_our_names(
    status: str, body: bytes, fault: Fault
) -> None:
    async with raw_server(saying(plain_answer(body, status=status))) as url:
        upstream = HttpUpstream(config(url), {"host": "sk-secret"})
        error = await failure(upstream)
        await upstream.close()
    assert (error.fault, error.upstream_status) == (fault, int(status[:3]))
    assert "sk-secret" not in str(error), "an upstream may quote the key it refused"


async def test_the_time_that_a_host_names_is_kept() -> None:
    answer = plain_answer(b"", status="429 Slow", headers=b"retry-after: 7\r\n")
    async with raw_server(saying(answer)) as url:
        upstream = HttpUpstream(config(url), {})
        assert (await failure(upstream)).retry_after_s == 7
        await upstream.close()


async def test_nobody_there_is_a_connect_fault() -> None:
    async with raw_server(saying(b"")) as url:
        pass
    upstream = HttpUpstream(config(url), {})
    assert (await failure(upstream)).fault == "connect"
    await upstream.close()


async def test_a_silent_host_is_given_up_after_the_first_byte_timeout() -> None:
    async def converse(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.Event().wait()

    async with raw_server(converse) as url:
        upstream = HttpUpstream(config(url, first_byte_timeout_ms=50, idle_timeout_ms=60_000), {})
        assert (await failure(upstream, streamed=True)).fault == "timeout"
        await upstream.close()


@pytest.mark.parametrize("hang_up", [True, False])
async def test_a_stream_that_breaks_off_or_falls_silent_is_told_apart(hang_up: bool) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata: \r\n")
        await writer.drain()
        if not hang_up:
            await asyncio.Event().wait()

    async with raw_server(converse) as url:
        settings = config(url, first_byte_timeout_ms=60_000, idle_timeout_ms=50)
        upstream = HttpUpstream(settings, {})
        reply = await upstream.open(MODEL, BODY, streamed=True)
        chunks = reply.chunks()
        came = await anext(chunks)
        with pytest.raises(UpstreamError) as caught:
            await anext(chunks)
        await reply.close()
        await upstream.close()
    assert came == b"data: "
    assert caught.value.fault == ("cut" if hang_up else "stall")


async def test_a_kept_connection_that_the_host_closed_costs_nothing_but_a_new_one() -> None:
    connections = 0
    closed = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        writer.write(plain_answer(b"{}"))
        await writer.drain()
        if connections == 1:
            # Hangs up only once the second request is on its way: the race that pools lose.
            await read_request(reader)
            closed.set()

    async with raw_server(converse) as url:
        upstream = HttpUpstream(config(url), {})
        for _ in range(2):
            reply = await upstream.open(MODEL, BODY, streamed=False)
            assert await reply.read() == b"{}"
            await reply.close()
        await upstream.close()
    assert closed.is_set()
    assert connections == 2


async def test_hanging_up_early_closes_the_connection_so_that_the_host_can_stop() -> None:
    hung_up = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        with suppress(ConnectionError):
            await reader.read()
        hung_up.set()

    async with raw_server(converse) as url:
        upstream = HttpUpstream(config(url), {})
        reply = await upstream.open(MODEL, BODY, streamed=True)
        await reply.close()
        await asyncio.wait_for(hung_up.wait(), 5)
        await upstream.close()


async def test_lists_models_and_says_so_when_a_host_is_a_sandbox() -> None:
    sandbox = await start(SandboxSettings(speed=0))
    upstream = HttpUpstream(config(sandbox.base_url), {})
    listed = await upstream.list_models("host")
    reply = await upstream.open(MODEL, BODY, streamed=False)
    answer = msgspec.json.decode(await reply.read())
    await reply.close()
    await upstream.close()
    await sandbox.stop()
    assert listed is not None
    assert "small-chat" in listed
    assert reply.simulated
    assert answer["object"] == "chat.completion"


@pytest.mark.parametrize("answer", [b"[]", b"{", b'{"data":"none"}', b"\xff"])
async def test_a_host_without_a_list_of_models_is_no_trouble(answer: bytes) -> None:
    async with raw_server(saying(plain_answer(answer))) as url:
        upstream = HttpUpstream(config(url), {})
        assert await upstream.list_models("host") is None
        await upstream.close()
