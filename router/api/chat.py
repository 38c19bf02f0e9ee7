"""POST /v1/chat/completions: the hot path's door, plain ASGI because every layer costs."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any, Final, TypeAlias

from router.api.door import Door
from router.api.failures import Failure, Headers, failure_of
from router.api.refusals import Refusals
from router.errors import BodyTooLarge, WrongMethod
from router.gateway.exchange import Exchange, Inbound
from router.gateway.live import Gateway

# ASGI's own types: its messages are open dictionaries by specification.
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Endpoint: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

_STREAM: Final[Headers] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_DRAIN: Final = 4
"""A body up to this many times too long is read to its end, so that the refusal can be read."""


class CallerLeft(Exception):
    """The caller hung up: an ordinary event, not an error."""


class ChatSink:
    """The caller's end of an exchange. Implements ports.Sink."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.exchange: Exchange | None = None
        self.begun = False
        self.ended = False

    async def answer(self, body: bytes, content_type: str) -> None:
        """Send the whole answer."""
        kind = content_type.encode("latin-1", "replace") or b"application/json"
        length = str(len(body)).encode()
        await self._begin(200, [(b"content-type", kind), (b"content-length", length)])
        await self.end(body)

    async def start(self) -> None:
        """Begin a stream."""
        await self._begin(200, _STREAM)

    async def write(self, data: bytes) -> None:
        """Send a piece."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes) -> None:
        """Send the last piece."""
        self.ended = True
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def fail(self, failure: Failure) -> None:
        """Send an error, where nothing has been sent; otherwise end the stream with it."""
        if self.begun:
            await self.end(b"data: " + failure.body + b"\n\n")
            return
        await self._begin(failure.status, failure.headers)
        await self.end(failure.body)

    async def _begin(self, status: int, headers: Headers) -> None:
        self.begun = True
        decided = decision_headers(self.exchange) if self.exchange else []
        await self._send(
            {"type": "http.response.start", "status": status, "headers": [*headers, *decided]}
        )


class ChatRoute:
    """The ASGI application of the one endpoint."""

    def __init__(
        self, gateway: Gateway, door: Door, refusals: Refusals, *, max_body_bytes: int
    ) -> None:
        self._gateway = gateway
        self._door = door
        self._refusals = refusals
        self._limit = max_body_bytes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = perf_counter()
        sink = ChatSink(send)
        try:
            if scope["method"] != "POST":
                raise WrongMethod("Chat completions are asked for with POST.")
            headers = read_headers(scope)
            key = self._door.admit(headers)
            body = await read_body(headers, receive, self._limit)
            inbound = Inbound(body=body, headers=headers, key=key, started=started)
            sink.exchange = self._gateway.accept(inbound)
            await self._serve(sink.exchange, sink, receive)
        except CallerLeft:
            return
        except Exception as error:
            failure = failure_of(error)
            self._refusals.explain(error)
            if sink.exchange is None:
                self._refusals.note(failure, scope["method"], scope["path"])
            await sink.fail(failure)

    async def _serve(self, exchange: Exchange, sink: ChatSink, receive: Receive) -> None:
        """Run the exchange, and cancel it when the caller leaves before the answer's end."""
        task = asyncio.current_task()

        def leave(departure: asyncio.Task[None]) -> None:
            if task is not None and not departure.cancelled() and not sink.ended:
                task.cancel()

        departure = asyncio.create_task(_departure(receive))
        departure.add_done_callback(leave)
        try:
            await self._gateway.converse(exchange, sink)
        except asyncio.CancelledError:
            if not departure.done() or departure.cancelled():
                raise  # the server is going down
            if task is not None:
                task.uncancel()
            raise CallerLeft from None
        finally:
            departure.cancel()


async def _departure(receive: Receive) -> None:
    """Return when the caller hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def read_headers(scope: Message) -> dict[str, str]:
    """Headers with lower-case names; of a repeated one the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(headers: dict[str, str], receive: Receive, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge beyond `limit` bytes, CallerLeft when it breaks off."""
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit * _DRAIN:
        raise _too_large(limit)
    pieces: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        piece: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
        elif size > limit * _DRAIN:
            break
    if size > limit:
        raise _too_large(limit)
    return b"".join(pieces)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is longer than {limit:,} bytes (`server.max_body_bytes`).",
        code="body_too_large",
    )


def decision_headers(exchange: Exchange) -> Headers:
    """What a routed answer says of its decision, streamed or not."""
    headers = [
        (b"x-gearshift-decision", exchange.id.encode()),
        (b"x-request-id", exchange.id.encode()),
        (b"x-gearshift-cache", exchange.cache.encode()),
    ]
    if exchange.simulated:
        headers.append((b"x-gearshift-simulated", b"true"))
    if exchange.verdict is not None:
        headers += [
            (b"x-gearshift-label", exchange.verdict.label.encode()),
            (b"x-gearshift-confidence", b"%.4f" % exchange.verdict.confidence),
        ]
    if exchange.decision is not None:
        headers += [
            (b"x-gearshift-tier", exchange.decision.tier.encode()),
            (b"x-gearshift-model", exchange.decision.model.encode()),
            (b"x-gearshift-reason", exchange.decision.reason.encode()),
        ]
    return headers
