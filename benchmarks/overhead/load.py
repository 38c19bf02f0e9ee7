"""The load client: keeps N connections busy and checks every answer.

Driven by callbacks of an `asyncio.Protocol`: each connection sends its next request from within the
arrival of the last answer. It costs a few tens of microseconds a request, so that the proxy and not
the client is what is measured; how busy it was is part of the result.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

import uvloop
from msgspec import Struct, field

from benchmarks.overhead.mock import ANSWER, WORDS

_CACHE = re.compile(rb"\r\nx-gearshift-cache: *(\w+)", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_CHUNKS = b"\r\n0\r\n\r\n"
_LABEL = b"\r\nx-gearshift-label:"
_ANSWER = ANSWER.encode()
_WORD = b" word"


class LoadError(Exception):
    """An answer was wrong, or did not come."""


class Load(Struct, kw_only=True):
    """What one run saw; times in seconds, in the order of arrival."""

    latencies: list[float] = field(default_factory=list[float])
    first_bytes: list[float] = field(default_factory=list[float])
    """Of streams, from the request to the first byte of the body."""
    cache: Counter[str] = field(default_factory=Counter[str])
    """Values of the answers' `x-gearshift-cache`, "no verdict" where one was not scored in time;
    empty where there is no such header."""
    wall_s: float = 0.0
    client_cpu_s: float = 0.0


class _Connection(asyncio.Protocol):
    """Sends requests of a shared iterator one after another; `finished` is set when none is left.

    A wrong answer is set as `finished`'s exception and ends the connection.
    """

    def __init__(self, requests: Iterator[bytes], load: Load, delay_s: float) -> None:
        self._requests = requests
        self._load = load
        self._delay_s = delay_s
        self._loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is one in all but ancestry.
        self._transport = cast("asyncio.Transport", transport)
        self._loop.call_later(self._delay_s, self._send_next)

    def close(self) -> None:
        """Leave, whatever is still to come."""
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(LoadError(f"the connection was closed early: {exc}"))

    def _send_next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.finished.set_result(None)
            self._transport.close()
            return
        self._received = b""
        self._pieces: list[bytes] = []
        self._first_byte = 0.0
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._pieces:
            self._pieces.append(data)
            self._end_if_whole()
            return
        self._received += data
        head_end = self._received.find(b"\r\n\r\n") + 4
        if head_end < 4:
            return
        if length := _LENGTH.search(self._received, 0, head_end):
            if len(self._received) >= head_end + int(length[1]):
                self._end()
        elif len(self._received) > head_end:  # No length is given: the body comes in chunks.
            self._first_byte = time.perf_counter() - self._sent
            self._pieces.append(self._received)
            self._end_if_whole()

    def _end_if_whole(self) -> None:
        tail = self._pieces[-1]
        if len(tail) < len(_END_OF_CHUNKS):
            tail = b"".join(self._pieces[-8:])
        if tail.endswith(_END_OF_CHUNKS):
            self._received = b"".join(self._pieces)
            self._load.first_bytes.append(self._first_byte)
            self._end()

    def _end(self) -> None:
        self._load.latencies.append(time.perf_counter() - self._sent)
        if not _is_right(self._received):
            self.finished.set_exception(LoadError(f"wrong answer: {self._received[:2000]!r}"))
            self._transport.close()
            return
        if cache := _CACHE.search(self._received):
            scored = _LABEL in self._received
            self._load.cache[cache[1].decode() if scored else "no verdict"] += 1
        self._send_next()


def _is_right(received: bytes) -> bool:
    """200, and all that the upstream said: its answer, or all words of its stream and the end."""
    if not received.startswith(b"HTTP/1.1 200"):
        return False
    if _ANSWER in received:
        return True
    return b"data: [DONE]" in received and received.count(_WORD) == len(WORDS)


async def _drive(
    port: int, requests: Sequence[bytes], connections: int, spread_s: float, timeout_s: float
) -> Load:
    load = Load()
    loop = asyncio.get_running_loop()
    shared = iter(requests)

    async def connect(delay_s: float) -> _Connection:
        _, connection = await loop.create_connection(
            lambda: _Connection(shared, load, delay_s), "127.0.0.1", port
        )
        return connection

    opened = [await connect(index * spread_s / connections) for index in range(connections)]
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(connection.finished for connection in opened))
    finally:
        for connection in opened:
            connection.close()
    load.wall_s = time.perf_counter() - begun
    load.client_cpu_s = time.process_time() - cpu
    return load


def drive(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    spread_s: float = 0.0,
    timeout_s: float = 180.0,
) -> Load:
    """Send `requests` to 127.0.0.1:`port` over `connections` connections; return what came back.

    `spread_s` spreads the connections' first requests over that time, as callers who do not know of
    one another would. Raises LoadError when an answer is not 200, is not what the upstream said, or
    a connection is lost, and TimeoutError.
    """
    return uvloop.run(_drive(port, requests, connections, spread_s, timeout_s))
