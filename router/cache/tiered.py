"""The process's own level in front of the shared one."""

from typing import ClassVar, Final

import msgspec

from classifier.types import Verdict
from router.cache.memory import MemoryCache
from router.cache.shared import RedisCache
from router.domain import ModelId
from router.ports import CacheStats
from router.prices.prefixes import Served

COPY_S: Final = 300
"""Longest life of a copy of what Redis holds. So nothing outlives its time by more than this, and
instances that disagree about a pin soon agree; asking again that rarely costs nothing."""


class TieredCache:
    """Reads look here first, then in Redis; writes go to both."""

    remote: ClassVar[bool] = True

    def __init__(self, memory: MemoryCache, shared: RedisCache, *, copy_s: float = COPY_S) -> None:
        self._memory = memory
        self._shared = shared
        self._copy_s = copy_s

    @property
    def degraded(self) -> str | None:
        """What ails the shared level."""
        return self._shared.degraded

    @property
    def stats(self) -> CacheStats:
        """Counters of both levels; a miss is one at the shared level."""
        return msgspec.structs.replace(
            self._shared.stats, hits_memory=self._memory.stats.hits_memory
        )

    def peek(self, key: bytes) -> Verdict | None:
        """The verdict under `key` at this level."""
        return self._memory.peek(key)

    async def get(self, key: bytes) -> Verdict | None:
        """The verdict under `key` at either level; found in Redis, it is copied here."""
        verdict = self._memory.peek(key)
        if verdict is None:
            verdict = await self._shared.get(key)
            if verdict is not None:
                self._memory.put(key, verdict, ttl_s=self._copy_s)
        return verdict

    def put(self, key: bytes, verdict: Verdict) -> None:
        """Keep `verdict` here at once, and there behind."""
        self._memory.put(key, verdict)
        self._shared.put(key, verdict)

    async def get_pin(self, key: bytes) -> ModelId | None:
        """The pin under `key` at either level; found in Redis, it is copied here."""
        model = self._memory.peek_pin(key)
        if model is None:
            model = await self._shared.get_pin(key)
            if model is not None:
                self._memory.put_pin(key, model, ttl_s=self._copy_s)
        return model

    def put_pin(self, key: bytes, model: ModelId) -> None:
        """Keep the pin here at once, and there behind."""
        self._memory.put_pin(key, model)
        self._shared.put_pin(key, model)

    async def get_served(self, key: bytes) -> Served | None:
        """Who served last by either level: the later of two, for turns go to many instances."""
        here = self._memory.peek_served(key)
        there = await self._shared.get_served(key)
        if there is None or (here is not None and here.at_us >= there.at_us):
            return here
        self._memory.put_served(key, there, ttl_s=self._copy_s)
        return there

    def put_served(self, key: bytes, served: Served) -> None:
        """Keep it here at once, and there behind."""
        self._memory.put_served(key, served)
        self._shared.put_served(key, served)

    async def flush(self) -> None:
        """Wait until what was put is written, or given up."""
        await self._shared.flush()

    async def close(self) -> None:
        """Write what waits, then hang up."""
        await self._shared.close()
