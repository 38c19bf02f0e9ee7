"""One poller of the ledger for all who look, in each worker; none while nobody does."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from router.api.dashboard.reader import Snapshot

MOST_VIEWERS: Final = 32
"""Who may look at once, in each worker: each holds a connection."""
PAUSE_S: Final = 1.5
_LOG: Final = logging.getLogger(__name__)


class Full(Exception):
    """As many look as may."""


class Feed:
    """Snapshots, as they change. Belongs to one event loop; reading happens in a thread."""

    def __init__(self, read: Callable[[], Snapshot], pause_s: float = PAUSE_S) -> None:
        self._read = read
        self._pause_s = pause_s
        self._viewers = 0
        self._latest: Snapshot | None = None
        self._reading: asyncio.Task[None] | None = None
        self._polling: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()

    @property
    def viewers(self) -> int:
        """How many look."""
        return self._viewers

    async def soon(self, wait_s: float) -> Snapshot | None:
        """What there is now, if that can be told within `wait_s`; else what was known last."""
        await asyncio.wait({self._begin_reading()}, timeout=wait_s)
        return self._latest

    def enter(self) -> None:
        """Begin to look: from now on snapshots come. Raises Full."""
        if self._viewers >= MOST_VIEWERS:
            raise Full
        self._viewers += 1
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll())

    def leave(self) -> None:
        """End looking; with the last who does, reading ends too."""
        self._viewers -= 1
        if not self._viewers and self._polling is not None:
            self._polling.cancel()
            self._polling = None

    async def after(self, seen: Snapshot | None) -> Snapshot:
        """The next snapshot that is not `seen`."""
        while self._latest is None or self._latest is seen:
            await self._moved.wait()
        return self._latest

    async def close(self) -> None:
        """End whatever runs."""
        for task in (self._polling, self._reading):
            if task is not None:
                task.cancel()

    async def _poll(self) -> None:
        while True:
            await asyncio.shield(self._begin_reading())
            await asyncio.sleep(self._pause_s)

    def _begin_reading(self) -> asyncio.Task[None]:
        """The reading that is under way, or a new one: they share it."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._look())
        return self._reading

    async def _look(self) -> None:
        try:
            latest = await asyncio.to_thread(self._read)
        except Exception as error:
            # The page must say that it is not told what is new; the next look tries again.
            _LOG.exception("the dashboard could not read the ledger")
            before = self._latest or Snapshot(at_us=0)
            what = f"unexpected trouble ({type(error).__name__}); the log says more"
            latest = msgspec.structs.replace(before, trouble=what)
            if before.trouble == what:
                return
        if latest is not self._latest:
            self._latest = latest
            self._moved.set()
            self._moved = asyncio.Event()
