"""Verdicts, pins and who served last, in Redis, for all instances."""

import time
from collections.abc import Callable
from typing import ClassVar, Final

import msgspec

from classifier.types import Verdict
from router.breaker import Breaker
from router.cache.link import Link
from router.config.schema import Cache
from router.domain import ModelId
from router.ports import CacheStats
from router.prices.prefixes import Served

_VERDICTS: Final = b"gearshift:verdict:"
_PINS: Final = b"gearshift:pin:"
_SERVED: Final = b"gearshift:served:"
_DECODER: Final = msgspec.msgpack.Decoder(Verdict)
_SERVED_DECODER: Final = msgspec.msgpack.Decoder(Served)


class RedisCache:
    """The shared level alone. Slow, gone, full or foreign: a miss."""

    remote: ClassVar[bool] = True

    def __init__(
        self,
        url: str,
        settings: Cache,
        *,
        pin_ttl_s: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened yet. Raises ConfigError for a URL that cannot be read."""
        breaker = Breaker(
            failures=settings.breaker_failures, open_ms=settings.breaker_open_ms, clock=clock
        )
        self._link = Link(url, timeout_ms=settings.redis_timeout_ms, breaker=breaker)
        self._ttl_s = settings.ttl_s
        self._pin_ttl_s = pin_ttl_s
        self._hits = 0
        self._misses = 0

    @property
    def degraded(self) -> str | None:
        """That Redis is left alone, while it is."""
        return f"redis at {self._link.place} is failing" if self._link.down else None

    @property
    def stats(self) -> CacheStats:
        """Counters of this level."""
        link = self._link
        return CacheStats(
            hits_redis=self._hits,
            misses=self._misses,
            errors=dict(link.faults),
            breaker_open=link.refused,
            dropped=link.dropped,
        )

    def peek(self, key: bytes) -> Verdict | None:
        """None: this process has nothing."""
        return None

    async def get(self, key: bytes) -> Verdict | None:
        """The verdict under `key`, or none; counted."""
        raw = await self._link.ask(b"GET", _name(_VERDICTS, key))
        verdict = None if raw is None else self._decode(raw)
        if verdict is None:
            self._misses += 1
        else:
            self._hits += 1
        return verdict

    def put(self, key: bytes, verdict: Verdict) -> None:
        """Write `verdict` behind."""
        value = msgspec.msgpack.encode(verdict)
        self._link.tell(b"SET", _name(_VERDICTS, key), value, b"EX", self._ttl_s)

    async def get_pin(self, key: bytes) -> ModelId | None:
        """The pin under `key`, or none."""
        raw = await self._link.ask(b"GET", _name(_PINS, key))
        try:
            return None if raw is None else ModelId(raw.decode())
        except UnicodeDecodeError:
            self._link.faults["decode"] += 1
            return None

    def put_pin(self, key: bytes, model: ModelId) -> None:
        """Write the pin behind."""
        self._link.tell(b"SET", _name(_PINS, key), model.encode(), b"EX", self._pin_ttl_s)

    async def get_served(self, key: bytes) -> Served | None:
        """Who served last, or none."""
        raw = await self._link.ask(b"GET", _name(_SERVED, key))
        try:
            return None if raw is None else _SERVED_DECODER.decode(raw)
        except msgspec.DecodeError:
            self._link.faults["decode"] += 1
            return None

    def put_served(self, key: bytes, served: Served) -> None:
        """Write it behind."""
        value = msgspec.msgpack.encode(served)
        self._link.tell(b"SET", _name(_SERVED, key), value, b"EX", self._pin_ttl_s)

    async def flush(self) -> None:
        """Wait until what was put is written, or given up."""
        await self._link.flush()

    async def close(self) -> None:
        """Write what waits, then hang up."""
        await self._link.close()

    def _decode(self, raw: bytes) -> Verdict | None:
        try:
            return _DECODER.decode(raw)
        except msgspec.DecodeError:  # another program's value, or another release's
            self._link.faults["decode"] += 1
            return None


def _name(prefix: bytes, key: bytes) -> bytes:
    """Readable, so that an operator can list and count what the router keeps."""
    return prefix + key.hex().encode()
