"""One suite over every upstream: what the live path relies on, whoever answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from router.config.schema import Config, Model, Upstream
from router.domain import ModelId
from router.errors import UpstreamError
from router.ports import UpstreamPort
from router.upstream.client import HttpUpstream
from router.upstream.memory import MemoryUpstream, Spoken
from tests.rawserver import plain_answer, raw_server, read_request

GOOD, BROKEN, BUSY = ModelId("good"), ModelId("broken"), ModelId("busy")
PIECES = (b"data: 1\n\n", b"data: 2\n\n")
MODELS = frozenset({GOOD, BROKEN, BUSY})
Opener = Callable[[], AbstractAsyncContextManager[UpstreamPort]]


@asynccontextmanager
async def in_memory() -> AsyncIterator[UpstreamPort]:
    kind = "text/event-stream"
    yield MemoryUpstream(
        {
            GOOD: Spoken(pieces=PIECES, content_type=kind),
            BROKEN: Spoken(
                pieces=PIECES[:1], content_type=kind, broken=UpstreamError("gone", fault="cut")
            ),
            BUSY: UpstreamError("busy", fault="overloaded", upstream_status=503),
        }
    )


@asynccontextmanager
async def over_http() -> AsyncIterator[UpstreamPort]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        if request.startswith(b"GET"):
            listing = b'{"data":[{"id":"good"},{"id":"broken"},{"id":"busy"}]}'
            writer.write(plain_answer(listing))
        elif b'"busy"' in request:
            writer.write(plain_answer(b"", status="503 Busy"))
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
            writer.write(b"transfer-encoding: chunked\r\n\r\n")
            whole = b'"good"' in request
            for piece in PIECES if whole else PIECES[:1]:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            writer.write(b"0\r\n\r\n" if whole else b"")
        await writer.drain()

    async with raw_server(converse) as url:
        config = Config(
            tiers={"easy": (GOOD,), "medium": (GOOD,), "hard": (GOOD,)},
            model={name: Model(upstream="host", name=name, context=1) for name in MODELS},
            upstream={"host": Upstream(base_url=url)},
        )
        upstream = HttpUpstream(config, {})
        yield upstream
        await upstream.close()


pytestmark = pytest.mark.parametrize("opened", [in_memory, over_http])


def ask(model: ModelId) -> bytes:
    return b'{"model":"%s"}' % model.encode()


async def test_an_answer_has_its_status_and_kind_before_its_body(opened: Opener) -> None:
    async with opened() as upstream:
        reply = await upstream.open(GOOD, ask(GOOD), streamed=True)
        assert (reply.status, reply.content_type) == (200, "text/event-stream")
        assert not reply.simulated
        assert b"".join([chunk async for chunk in reply.chunks()]) == b"".join(PIECES)
        await reply.close()


async def test_an_answer_can_be_read_in_one_piece(opened: Opener) -> None:
    async with opened() as upstream:
        reply = await upstream.open(GOOD, ask(GOOD), streamed=False)
        assert await reply.read() == b"".join(PIECES)
        await reply.close()


async def test_anything_but_success_is_raised_with_our_name_for_it(opened: Opener) -> None:
    async with opened() as upstream:
        with pytest.raises(UpstreamError) as caught:
            await upstream.open(BUSY, ask(BUSY), streamed=False)
    assert (caught.value.fault, caught.value.upstream_status) == ("overloaded", 503)


@pytest.mark.parametrize("whole", [True, False])
async def test_what_breaks_off_gives_its_pieces_and_then_raises(
    opened: Opener, whole: bool
) -> None:
    async with opened() as upstream:
        reply = await upstream.open(BROKEN, ask(BROKEN), streamed=True)
        reading: Callable[[], Awaitable[bytes]] = reply.read
        if not whole:
            chunks = reply.chunks()
            assert await anext(chunks) == PIECES[0]
            reading = chunks.__anext__
        with pytest.raises(UpstreamError) as caught:
            await reading()
        await reply.close()
    assert caught.value.fault == "cut"


async def test_an_answer_may_be_closed_unread_and_closed_again(opened: Opener) -> None:
    async with opened() as upstream:
        reply = await upstream.open(GOOD, ask(GOOD), streamed=True)
        await reply.close()
        await reply.close()
        await (await upstream.open(GOOD, ask(GOOD), streamed=True)).close()


async def test_many_ask_at_once(opened: Opener) -> None:
    async with opened() as upstream:
        replies = [upstream.open(GOOD, ask(GOOD), streamed=False) for _ in range(20)]
        bodies = [await reply.read() for reply in await asyncio.gather(*replies)]
    assert set(bodies) == {b"".join(PIECES)}


async def test_models_are_listed(opened: Opener) -> None:
    async with opened() as upstream:
        assert await upstream.list_models("host") == MODELS
