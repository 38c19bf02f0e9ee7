"""GET /dashboard/events: what changes on the page, as it changes (server-sent events).

Plain ASGI: one coroutine holds the stream, so that its end is seen here and nowhere else.
"""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Final

from router.api.chat import Message, Receive, Send, read_headers
from router.api.dashboard.desk import Desk, Scene
from router.api.dashboard.feed import Full
from router.api.dashboard.html import Html, join, tag
from router.api.dashboard.origin import HEADERS
from router.api.dashboard.reader import Snapshot

_BEAT_S: Final = 15.0
"""A sign of life at least this often: proxies close what is silent."""
_LIFE_S: Final = 900.0
"""Then the browser comes again by itself, and its cookie is looked at again."""
_STREAM: Final = {"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"}
_PLAIN: Final = {"content-type": "text/plain; charset=utf-8"}


class Events:
    """The ASGI application of the stream."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one viewer."""
        headers = read_headers(scope)
        desk = self._desk
        if desk.is_lured(headers) or not desk.admits(headers):
            await _refuse(send, 401, "Sign in again.")
            return
        try:
            desk.feed.enter()
        except Full:
            await _refuse(send, 503, "Too many look already; try again later.")
            return
        try:
            await _until_gone(receive, asyncio.create_task(self._tell(send)))
        finally:
            desk.feed.leave()

    async def _tell(self, send: Send) -> None:
        await _start(send, 200, _STREAM)
        told = Scene({}, b"")
        seen: Snapshot | None = None
        end = monotonic() + _LIFE_S
        while monotonic() < end:
            try:
                async with asyncio.timeout(_BEAT_S):
                    seen = await self._desk.feed.after(seen)
            except TimeoutError:
                await _say(send, b": still here\n\n")
            scene = self._desk.scene(seen)
            if news := news_of(told, scene):
                await _say(send, news)
            told = scene
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def news_of(told: Scene, scene: Scene) -> bytes:
    """What is new in `scene`, as events: parts of the page for htmx, charts for our own script."""
    changed = {name: html for name, html in scene.regions.items() if told.regions.get(name) != html}
    news = _event(_partials(changed)) if changed else b""
    if told.charts != scene.charts:
        news += _event(scene.charts.decode(), name="charts")
    return news


def _partials(changed: Mapping[str, Html]) -> str:
    """Morphed, not replaced: what has the focus keeps it."""
    swap = {"hx-swap": "innerMorph"}
    return join(
        tag("hx-partial", html, **{"hx-target": f"#{name}"}, **swap)
        for name, html in changed.items()
    )


def _event(data: str, name: str = "") -> bytes:
    lines = [f"data: {line}" for line in data.splitlines()]
    return "\n".join([*([f"event: {name}"] if name else []), *lines, "", ""]).encode()


async def _until_gone(receive: Receive, tell: asyncio.Task[None]) -> None:
    """Let `tell` run until it ends or the viewer leaves."""
    leave = asyncio.create_task(_departure(receive))
    try:
        await asyncio.wait({tell, leave}, return_when=asyncio.FIRST_COMPLETED)
        if tell.done():
            tell.result()
    finally:
        tell.cancel()
        leave.cancel()


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    every = {**HEADERS, "cache-control": "no-store", **headers}
    raw = [(name.encode(), value.encode()) for name, value in every.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _say(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _refuse(send: Send, status: int, words: str) -> None:
    await _start(send, status, _PLAIN)
    await send({"type": "http.response.body", "body": words.encode(), "more_body": False})
