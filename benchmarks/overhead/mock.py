"""The upstream of the benchmark: constant answers, as fast as Python can send them.

An `asyncio.Protocol` with a hand-made reader, because a web framework here would cost as much as
what is measured. It speaks just enough HTTP/1.1 for clients that keep connections open and send a
content-length.
"""

import argparse
import asyncio
import json
import re
import signal
from collections.abc import Sequence
from typing import cast

import uvloop

MODELS = ("mock-easy", "mock-medium", "mock-hard")
WORDS = tuple(f" word{index}" for index in range(50))
ANSWER = "A constant answer of the benchmark's upstream."
USAGE = {"prompt_tokens": 50, "completion_tokens": 50, "total_tokens": 100}

PACED = b"(paced)"
"""Where a prompt contains this, its stream is sent at `GAP_S` a chunk. A mark in the text passes
through every proxy; an extra field or header might not."""
GAP_S = 0.020

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream": *true')
_INCLUDE_USAGE = re.compile(rb'"include_usage": *true')
_END_OF_STREAM = b"0\r\n\r\n"


def _response(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _frame(payload: str) -> bytes:
    event = f"data: {payload}\n\n".encode()
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


def _chunk(choices: list[object], **more: object) -> bytes:
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000}
    return _frame(json.dumps({**head, "model": "mock", "choices": choices, **more}))


def _delta(delta: dict[str, str], finish: str | None = None) -> bytes:
    return _chunk([{"index": 0, "delta": delta, "finish_reason": finish}])


def completion() -> bytes:
    """One whole answer, head included."""
    message = {"role": "assistant", "content": ANSWER}
    body = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "mock",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    return _response("200 OK", json.dumps(body).encode())


def stream_frames(*, usage: bool) -> tuple[bytes, ...]:
    """The pieces of a stream: fifty deltas, the finish, usage where it was asked for, the end."""
    first = _delta({"role": "assistant", "content": WORDS[0]})
    frames = [first, *(_delta({"content": word}) for word in WORDS[1:]), _delta({}, "stop")]
    if usage:
        frames.append(_chunk([], usage=USAGE))
    return (*frames, _frame("[DONE]") + _END_OF_STREAM)


_MODEL_LIST = {"object": "list", "data": [{"id": model, "object": "model"} for model in MODELS]}
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


class Upstream(asyncio.Protocol):
    """One connection. A request is answered when its last byte is here; none are pipelined."""

    completion = completion()
    frames = stream_frames(usage=False)
    frames_with_usage = stream_frames(usage=True)
    models = _response("200 OK", json.dumps(_MODEL_LIST).encode())
    unknown = _response("404 Not Found", b'{"error": {"message": "no such path"}}')

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to, and the loop that paces streams."""
        # uvloop's transport is one in all but ancestry.
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Collect a request; answer it when it is whole."""
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head_end)
        request_end = head_end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < request_end:
            return
        request, self._buffer = self._buffer[:request_end], self._buffer[request_end:]
        self._answer(request)

    def _answer(self, request: bytes) -> None:
        if request.startswith(b"GET ") and b"/models " in request[:100]:
            self._transport.write(self.models)
        elif not request.startswith(b"POST ") or b"/chat/completions " not in request[:100]:
            self._transport.write(self.unknown)
        elif not _STREAM.search(request):
            self._transport.write(self.completion)
        else:
            frames = self.frames_with_usage if _INCLUDE_USAGE.search(request) else self.frames
            gap_s = GAP_S if PACED in request else 0.0
            self._transport.write(_STREAM_HEAD)
            self._send(frames, 0, self._loop.time(), gap_s)

    def _send(self, frames: Sequence[bytes], index: int, begun: float, gap_s: float) -> None:
        """Send one piece and schedule the next: each is a write of its own, as tokens come."""
        if self._transport.is_closing():
            return
        self._transport.write(frames[index])
        following = index + 1
        if following == len(frames):
            return
        if gap_s:
            due = begun + following * gap_s
            self._loop.call_at(due, self._send, frames, following, begun, gap_s)
        else:
            self._loop.call_soon(self._send, frames, following, begun, gap_s)


async def serve(host: str, port: int) -> None:
    """Listen until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(Upstream, host, port)
    await stopped.wait()
    server.close()


def main() -> None:
    """Run the upstream by itself: `python -m benchmarks.overhead.mock --port 9000`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.host, arguments.port))


if __name__ == "__main__":
    main()
