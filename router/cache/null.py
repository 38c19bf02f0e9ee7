"""The cache that keeps nothing."""

from typing import ClassVar

from classifier.types import Verdict
from router.domain import ModelId
from router.ports import CacheStats
from router.prices.prefixes import Served


class NullCache:
    """For runs in which every prompt must be scored: measurements, replays, tests."""

    remote: ClassVar[bool] = False
    degraded: ClassVar[None] = None

    def __init__(self) -> None:
        self._misses = 0

    @property
    def stats(self) -> CacheStats:
        """Misses only."""
        return CacheStats(misses=self._misses)

    def peek(self, key: bytes) -> Verdict | None:
        """None; counted."""
        self._misses += 1
        return None

    async def get(self, key: bytes) -> Verdict | None:
        """None; counted."""
        return self.peek(key)

    def put(self, key: bytes, verdict: Verdict) -> None:
        """Forget it."""

    async def get_pin(self, key: bytes) -> ModelId | None:
        """None."""
        return None

    def put_pin(self, key: bytes, model: ModelId) -> None:
        """Forget it."""

    async def get_served(self, key: bytes) -> Served | None:
        """None."""
        return None

    def put_served(self, key: bytes, served: Served) -> None:
        """Forget it."""

    async def close(self) -> None:
        """Nothing to give back."""
