"""Classifiers that say what a test wants, when it wants it; and caches to keep it in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from classifier.model import Glance
from classifier.types import Prompt, Verdict, Version
from router.cache.memory import MemoryCache
from router.cache.shared import RedisCache
from router.cache.tiered import TieredCache
from router.config.schema import Cache
from router.config.schema import Scorer as Settings
from router.ports import DecisionCache
from router.scorer import Scorer
from tests.verdicts import VERSION, prompt, verdict

PATIENT = Settings(timeout_ms=20_000, inline_chars=20, threads=2)
HASTY = Settings(timeout_ms=20, inline_chars=20, threads=1, queue=1)
SHORT = prompt("short")
LONG = prompt("a prompt that is too long to be scored in the event loop")


class Counting:
    """Answers at once, is always sure, and says something else of every prompt."""

    def __init__(self, version: Version = VERSION) -> None:
        self.version = version
        self.threads: list[str] = []

    def glance(self, asked: Prompt) -> Glance:
        self.threads.append(threading.current_thread().name)
        return Glance(verdict=self.expected(asked), sure=True)

    def assess(self, asked: Prompt) -> Verdict:
        self.threads.append(threading.current_thread().name)
        return self.expected(asked)

    def expected(self, asked: Prompt) -> Verdict:
        return verdict(sum(asked.text.encode()) % 101 / 100, version=self.version)


class Held(Counting):
    """Assesses when it is let go."""

    def __init__(self, version: Version = VERSION) -> None:
        super().__init__(version)
        self.go = threading.Event()

    def assess(self, asked: Prompt) -> Verdict:
        assert self.go.wait(20)
        return super().assess(asked)


class Unsure(Held):
    """Has a first thought of every prompt, and another one when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.glanced: list[str] = []

    def glance(self, asked: Prompt) -> Glance:
        self.glanced.append(threading.current_thread().name)
        return Glance(verdict=self.first(asked), sure=False)

    def first(self, asked: Prompt) -> Verdict:
        return msgspec.structs.replace(self.expected(asked), label="hard")


class Failing(Counting):
    """Fails, and says on what."""

    def glance(self, asked: Prompt) -> Glance:
        raise ValueError(asked.text)

    def assess(self, asked: Prompt) -> Verdict:
        raise ValueError(asked.text)


def memory() -> MemoryCache:
    return MemoryCache(Cache(), pin_ttl_s=60)


@contextmanager
def held(version: Version = VERSION) -> Iterator[Held]:
    """Whatever happens to the test, no thread is left waiting."""
    assessor = Held(version)
    try:
        yield assessor
    finally:
        assessor.go.set()


def tiered(url: str, settings: Cache | None = None) -> TieredCache:
    chosen = settings or Cache(redis_timeout_ms=5_000)
    return TieredCache(MemoryCache(chosen, pin_ttl_s=60), RedisCache(url, chosen, pin_ttl_s=60))


async def close(scorer: Scorer, cache: DecisionCache) -> None:
    await scorer.close()
    await cache.close()
