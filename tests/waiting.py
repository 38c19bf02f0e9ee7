"""Waiting for something that has no event of its own, with an end."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Return once `condition` holds. Raises TimeoutError when it does not come to hold."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - counters of a service have no event to wait on
            await asyncio.sleep(0.001)


async def until_said(ask: Callable[[], Awaitable[bool]], *, seconds: float = 30.0) -> None:
    """The same of what a service has to be asked for."""
    async with asyncio.timeout(seconds):
        while not await ask():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
