"""One connection to Redis: commands that wait go out together, and none waits long.

A pool would lend each command a connection of its own. Here everything that was asked while the
last round trip was under way shares the next one, which costs as much as a pool when requests come
one by one, and a third of the CPU when twenty come at once.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from redis import exceptions as said
from redis.asyncio.connection import AbstractConnection, Connection, parse_url

from router.breaker import Breaker, Permit
from router.errors import ConfigError
from router.ports import CacheFault

MAX_WAITING: Final = 1_024
"""Commands that may wait. More come only when Redis hangs, and then they would only grow old."""
MAX_BATCH: Final = 128
"""Commands in one round trip: about 30 KB."""

Word: TypeAlias = bytes | int
_Reply: TypeAlias = bytes | Exception | None
_Command: TypeAlias = tuple[tuple[Word, ...], asyncio.Future[bytes | None] | None]
"""The words, and who waits for the answer, if anyone does."""

log = logging.getLogger(__name__)


class Link:
    """Asks and tells Redis things, and never raises: trouble is no answer, and is counted."""

    def __init__(self, url: str, *, timeout_ms: float, breaker: Breaker) -> None:
        """Nothing is opened yet. Raises ConfigError for a URL that redis-py cannot read."""
        self._connection = _connection(url)
        self._timeout_s = timeout_ms / 1000
        self._breaker = breaker
        self._waiting: deque[_Command] = deque()
        self._courier: asyncio.Task[None] | None = None
        self._closed = False
        self.faults: Counter[CacheFault] = Counter()
        self.refused = 0
        self.dropped = 0

    @property
    def place(self) -> str:
        """Where Redis is, without credentials."""
        at = self._connection
        return f"{at.host}:{at.port}" if isinstance(at, Connection) else "its socket"

    @property
    def down(self) -> bool:
        """Whether Redis is being left alone, or has yet to prove that it is back."""
        return self._breaker.state() != "closed"

    async def ask(self, *words: Word) -> bytes | None:
        """The answer to a command, or none: nothing there, an error, or no answer in time."""
        if not self._admit():
            return None
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._send(words, answer)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError:
            self.faults["timeout"] += 1
            return None

    def tell(self, *words: Word) -> None:
        """Send a command behind the caller's back. Needs a running loop, does not wait."""
        if self._admit():
            self._send(words, None)

    async def flush(self) -> None:
        """Wait until nothing waits. Takes at most eight timeouts: the queue is bounded."""
        if self._courier is not None:
            await asyncio.wait((self._courier,))

    async def close(self) -> None:
        """Send what waits, then hang up. Afterwards nothing is asked any more."""
        self._closed = True
        await self.flush()
        await self._connection.disconnect(nowait=True)

    def _admit(self) -> bool:
        if self._closed:
            return False
        if self._breaker.state() == "open":
            self.refused += 1
            return False
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return False
        return True

    def _send(self, words: tuple[Word, ...], answer: asyncio.Future[bytes | None] | None) -> None:
        self._waiting.append((words, answer))
        if self._courier is None or self._courier.done():
            self._courier = asyncio.create_task(self._deliver())

    async def _deliver(self) -> None:
        while batch := self._take():
            permit = self._breaker.enter()
            if permit is None:
                self.refused += len(batch)
                self._settle(batch, [None] * len(batch))
                continue
            try:
                async with asyncio.timeout(self._timeout_s):
                    replies = await self._exchange(batch)
            except Exception as error:  # whatever it was, it must not reach a request
                await self._connection.disconnect(nowait=True)
                self._report(permit, fault_of(error))
                self._settle(batch, [error] * len(batch))
            else:
                self._report(permit, None)
                self._settle(batch, replies)

    def _report(self, permit: Permit, fault: CacheFault | None) -> None:
        """Tell the breaker, and the log when that changes anything."""
        was_down = self.down
        if fault is None:
            self._breaker.succeed(permit)
        else:
            self._breaker.fail(permit)
        if self.down and not was_down:
            log.warning("redis at %s is left alone: %s", self.place, fault)
        elif was_down and not self.down:
            log.warning("redis at %s answers again", self.place)

    def _take(self) -> list[_Command]:
        """The next commands, without those whose asker has given up."""
        batch: list[_Command] = []
        while self._waiting and len(batch) < MAX_BATCH:
            words, answer = self._waiting.popleft()
            if answer is None or not answer.done():
                batch.append((words, answer))
        return batch

    async def _exchange(self, batch: Sequence[_Command]) -> list[_Reply]:
        """One round trip. A command's own error is its reply; others raise and end the link."""
        link = self._connection
        await link.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated
        await link.send_packed_command(link.pack_commands([words for words, _ in batch]))
        replies: list[_Reply] = []
        for _ in batch:
            try:
                replies.append(await link.read_response())
            except said.ResponseError as error:
                replies.append(error)
        return replies

    def _settle(self, batch: Sequence[_Command], replies: Sequence[_Reply]) -> None:
        for (_, answer), reply in zip(batch, replies, strict=True):
            if answer is not None and answer.done():
                continue  # it timed out, and was counted, while Redis was answering
            if isinstance(reply, Exception):
                self.faults[fault_of(reply)] += 1
            if answer is not None:
                answer.set_result(reply if isinstance(reply, bytes) else None)


def fault_of(error: Exception) -> CacheFault:
    """What `error` means, in the cache's own words."""
    match error:
        case said.TimeoutError() | TimeoutError():
            return "timeout"
        case said.AuthenticationError() | said.AuthorizationError():
            return "auth"
        case said.OutOfMemoryError():
            return "full"
        case said.ConnectionError() | OSError():
            return "connect"
        case _:
            return "reply"


def _connection(url: str) -> AbstractConnection:
    """The connection that `url` describes, not yet opened.

    Version 2 of the protocol has all that is used here and opens in fewer steps. There is no
    socket timeout: the link's own covers the whole round trip, at a fraction of the cost.
    """
    try:
        given = parse_url(url)
        kind = given.pop("connection_class", Connection)
        # What a URL's query may say is open, so the options have no one type.
        options: dict[str, Any] = {"protocol": 2, "socket_timeout": None, **given}
        return kind(**options)
    except (TypeError, ValueError, said.RedisError):
        # The library's message may quote the URL, and with it the password.
        message = "GEARSHIFT_REDIS_URL cannot be read; write redis://[user:password@]host:port/0"
        raise ConfigError(message) from None
