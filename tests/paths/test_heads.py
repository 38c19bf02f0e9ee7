"""Heads of requests, byte by byte over a socket: how long they may be, and what is told beyond."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from router.api.protocol import HEAD_BYTES
from tests.processes import Process, served

LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\n"
CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
MANY = b"".join(b"x-%d: %s\r\n" % (n, b"a" * 1_000) for n in range(80))


class Line:
    """One connection to a router."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send what the other side takes; it may have hung up."""
        self.writer.write(data)
        await self.writer.drain()

    async def flood(self) -> None:
        """Send without end, until the other side hangs up."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(20):
                while True:
                    await self.send(b"a" * 1_000_000)

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer."""
        async with asyncio.timeout(20):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            return int(head.split(b" ")[1]), await self._reader.readexactly(length)

    async def closed(self) -> bool:
        """Whether nothing comes any more."""
        async with asyncio.timeout(20):
            return await self._reader.read() == b""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Line]:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Process]:
    async with served(tmp_path) as running:
        yield running


@pytest.fixture
def url(router: Process) -> str:
    return router.url


async def assert_refused(line: Line) -> None:
    status, body = await line.answer()
    error = msgspec.json.decode(body)["error"]
    assert status == 431
    assert error["code"] == "headers_too_large"
    assert error["type"] == "invalid_request_error"
    assert await line.closed()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(LIVE + b"x-big: " + b"a" * HEAD_BYTES, id="a line without an end"),
        pytest.param(LIVE + MANY, id="many lines without an end"),
        pytest.param(LIVE + b"x-big: " + b"a" * HEAD_BYTES + b"\r\n\r\n", id="one line"),
        pytest.param(LIVE + MANY + b"\r\n", id="many lines"),
        pytest.param(b"GET /" + b"a" * HEAD_BYTES, id="an address without an end"),
    ],
)
async def test_a_head_that_is_too_long_is_refused_in_openai_s_shape(url: str, head: bytes) -> None:
    async with connected(url) as line:
        await line.send(head)
        await assert_refused(line)


def peak_memory_kb(pid: int) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


async def test_a_flood_of_header_is_neither_kept_nor_heard_to_its_end(router: Process) -> None:
    before = peak_memory_kb(router.process.pid)
    async with connected(router.url) as line:
        await line.send(LIVE + b"x-big: ")
        await line.flood()
    assert peak_memory_kb(router.process.pid) < before + 30_000
    async with connected(router.url) as line:
        await line.send(LIVE + b"\r\n")
        assert (await line.answer())[0] == 200


async def test_a_long_head_within_the_bound_is_served_whatever_its_pieces(url: str) -> None:
    head = LIVE + b"x-big: " + b"a" * (HEAD_BYTES - 100) + b"\r\n\r\n"
    async with connected(url) as line:
        for _ in range(3):  # one after the other on one connection: each is counted by itself
            for at in range(0, len(head), 20_000):
                await line.send(head[at : at + 20_000])
            assert (await line.answer())[0] == 200


async def test_long_bodies_are_no_heads(url: str) -> None:
    text = b'{"model":"auto","messages":[{"role":"user","content":"%s"}]}' % (b"word " * 60_000)
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(text[at : at + 7]), text[at : at + 7])
        for at in range(0, len(text), 7)
    )
    async with connected(url) as line:
        for _ in range(2):
            await line.send(CHAT + b"content-length: %d\r\n\r\n" % len(text) + text)
            assert (await line.answer())[0] == 200
            await line.send(CHAT + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
            assert (await line.answer())[0] == 200


async def test_requests_sent_together_are_not_added_up(url: str) -> None:
    async with connected(url) as line:
        await line.send((LIVE + b"x-big: " + b"a" * 9_000 + b"\r\n\r\n") * 20)
        for _ in range(20):
            assert (await line.answer())[0] == 200


async def test_what_follows_a_body_is_bounded_too(url: str) -> None:
    async with connected(url) as line:
        await line.send(CHAT + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
        await line.send(b"x-trailer: ")
        await line.flood()
