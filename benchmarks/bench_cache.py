"""Microseconds of the decision cache: a hit in the process, a hit in Redis, a miss.

    python -m benchmarks.bench_cache [--redis URL] [--quick]

Without `--redis` a server is started on a free port of this machine. CPU time is this process's
own, without Redis's; medians over seven rounds. Prompts have 300 characters; the classifier is left
out: verdicts are made beforehand.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from itertools import count, cycle
from statistics import median

import uvloop

from classifier.model import Glance
from classifier.types import Probabilities, Prompt, Success, Verdict, Version
from router.cache.memory import MemoryCache
from router.cache.shared import RedisCache
from router.cache.tiered import TieredCache
from router.config.schema import Cache
from router.config.schema import Scorer as ScorerSettings
from router.keys import cache_key
from router.scorer import Scorer
from tests.redis_server import RedisServer

Operation = Callable[[], Awaitable[object]]

VERSION = Version("20261123-0a1b2c3d")
TEXT = "Summarise what the committee decided about the budget and who objected. " * 4
VERDICT = Verdict(
    label="easy",
    probabilities=Probabilities(easy=0.7012, medium=0.1488, hard=0.1, needs_info=0.05),
    success=Success(easy=0.8123, medium=0.9012, hard=0.9541),
    difficulty=0.1835,
    confidence=0.7012,
    truncated=False,
    model_version=VERSION,
)
SETTINGS = Cache(redis_timeout_ms=1_000)
"""Patient, so that a busy machine shows as microseconds and not as misses."""


class Known:
    """Stands in for the classifier, whose cost is another benchmark's subject."""

    version = VERSION

    def glance(self, asked: Prompt) -> Glance:
        """The one verdict, at once."""
        return Glance(verdict=self.assess(asked), sure=True)

    def assess(self, _: Prompt) -> Verdict:
        """The one verdict."""
        return VERDICT


def prompt(number: int) -> Prompt:
    """A prompt of its own for every number."""
    text = f"{TEXT}{number}"
    return Prompt(text=text, length=len(text))


def key(asked: Prompt) -> bytes:
    """As the scorer makes it."""
    return cache_key(asked, VERSION, b"secret")


async def measure(operation: Operation, *, times: int, at_once: int) -> tuple[float, float]:
    """Microseconds of CPU and of waiting that one operation takes, `at_once` of them running."""

    async def client() -> None:
        for _ in range(times // at_once):
            await operation()

    await asyncio.gather(*(operation() for _ in range(at_once)))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return (
        (time.process_time() - cpu) / times * 1e6,
        (time.perf_counter() - wall) / times * 1e6 * at_once,
    )


async def report(
    lines: Sequence[tuple[str, Operation]], *, rounds: int, times: int, at_once: Sequence[int]
) -> None:
    """One line for each operation and number of requests at once."""
    for name, operation in lines:
        for several in at_once:
            taken = [await measure(operation, times=times, at_once=several) for _ in range(rounds)]
            cpu, wall = (median(column) for column in zip(*taken, strict=True))
            print(f"{name:<44} {several:>8} {cpu:>9.2f} {wall:>9.2f}")


async def in_process(rounds: int) -> None:
    """The first level alone."""
    cache = MemoryCache(SETTINGS, pin_ttl_s=60)
    scorer = Scorer(Known(), cache, ScorerSettings(), secret=b"secret")
    asked = prompt(0)
    kept = key(asked)
    cache.put(kept, VERDICT)
    fresh = count(1)

    async def nothing() -> None:
        """What the loop below costs by itself."""

    async def look_up() -> object:
        return cache.peek(key(asked))

    await report(
        [
            ("an empty coroutine, part of every line", nothing),
            ("get, hit", lambda: cache.get(kept)),
            ("key + peek, hit", look_up),
            ("scorer, hit", lambda: scorer.score(asked)),
            ("scorer, miss: a verdict at once, put", lambda: scorer.score(prompt(next(fresh)))),
        ],
        rounds=rounds,
        times=20_000,
        at_once=[1],
    )
    await scorer.close()


async def through_redis(url: str, rounds: int) -> None:
    """The shared level, alone and behind a first level that keeps nothing."""
    cache = RedisCache(url, SETTINGS, pin_ttl_s=60)
    tiered = TieredCache(MemoryCache(Cache(entries=0), pin_ttl_s=60), cache)
    scorer = Scorer(Known(), tiered, ScorerSettings(), secret=b"secret")
    kept = [prompt(number) for number in range(100)]
    for each in kept:
        cache.put(key(each), VERDICT)
    await cache.flush()
    keys, asked, fresh = cycle(map(key, kept)), cycle(kept), count(100)
    absent = key(prompt(-1))

    async def write() -> None:
        cache.put(next(keys), VERDICT)
        await cache.flush()

    await report(
        [
            ("redis, hit", lambda: cache.get(next(keys))),
            ("redis, miss", lambda: cache.get(absent)),
            ("redis, write", write),
            ("scorer, hit in redis", lambda: scorer.score(next(asked))),
            (
                "scorer, miss: redis, a verdict at once, write",
                lambda: scorer.score(prompt(next(fresh))),
            ),
        ],
        rounds=rounds,
        times=2_000,
        at_once=[1, 4, 20],
    )
    assert not cache.stats.errors, cache.stats
    await scorer.close()
    await cache.close()


async def left_alone(rounds: int) -> None:
    """Nobody listens, and the breaker is open."""
    settings = Cache(breaker_failures=1, breaker_open_ms=3_600_000)
    cache = RedisCache("redis://127.0.0.1:1/0", settings, pin_ttl_s=60)
    kept = key(prompt(0))
    await cache.get(kept)
    assert cache.degraded
    lines = [("redis gone, breaker open", lambda: cache.get(kept))]
    await report(lines, rounds=rounds, times=20_000, at_once=[1])
    await cache.close()


def main(arguments: Sequence[str]) -> None:
    """Start what is needed, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--redis", default="", help="URL of a server to use")
    parser.add_argument("--quick", action="store_true", help="two rounds instead of seven")
    chosen = parser.parse_args(arguments)
    rounds = 2 if chosen.quick else 7
    print(f"{'microseconds a call':<44} {'at once':>8} {'cpu':>9} {'waiting':>9}")
    with ExitStack() as stack:
        url = chosen.redis or stack.enter_context(RedisServer()).url
        uvloop.run(in_process(rounds))
        uvloop.run(through_redis(url, rounds))
        uvloop.run(left_alone(rounds))


if __name__ == "__main__":
    main(sys.argv[1:])
