"""Where scripts are played: the ASGI side of the sandbox."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from router.sandbox.scripts import Script

Message: TypeAlias = MutableMapping[str, Any]
"""ASGI's own shape of a scope and of a message; nothing else in the sandbox sees it."""
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_SHORTEST_S: Final = 0.001
"""A timer is no finer than this; shorter waits are made up for by the ones that follow."""


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request; what there is of it when the caller leaves."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def play(script: Script, receive: Receive, send: Send, released: asyncio.Event) -> None:
    """Send `script` at its own pace; stop when the caller leaves, hurry once `released` is set."""
    audience = _Audience(receive, released)
    try:
        if not await audience.sit_through(script.head_after_s):
            return
        await send(
            {
                "type": "http.response.start",
                "status": script.status,
                "headers": list(script.headers),
            }
        )
        for step in script.steps:
            if not await audience.sit_through(step.after_s):
                return
            if step.data:
                await send({"type": "http.response.body", "body": step.data, "more_body": True})
        if not script.hangs_up:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        audience.dismiss()


class _Audience:
    """The caller of one request, who may leave while waiting."""

    def __init__(self, receive: Receive, released: asyncio.Event) -> None:
        self._receive = receive
        self._released = released
        self._due = asyncio.get_running_loop().time()
        self._gone: asyncio.Future[None] | None = None
        self._hurry: asyncio.Future[bool] | None = None

    async def sit_through(self, seconds: float) -> bool:
        """Wait until `seconds` after the last wait was due. False when the caller has left."""
        self._due += seconds
        left = self._due - asyncio.get_running_loop().time()
        if left < _SHORTEST_S or self._released.is_set():
            # Others get their turn, so that even the fastest stream arrives in pieces.
            await asyncio.sleep(0)
            return self._gone is None or not self._gone.done()
        # Most answers of a fast sandbox never wait, so they start no tasks.
        self._gone = self._gone or asyncio.ensure_future(self._departure())
        self._hurry = self._hurry or asyncio.ensure_future(self._released.wait())
        await asyncio.wait(
            (self._gone, self._hurry), timeout=left, return_when=asyncio.FIRST_COMPLETED
        )
        return not self._gone.done()

    def dismiss(self) -> None:
        """Stop watching."""
        for watch in (self._gone, self._hurry):
            if watch is not None:
                watch.cancel()

    async def _departure(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
