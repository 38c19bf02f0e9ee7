"""What every decision cache promises, asked of each of them; Redis is a real one."""

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from classifier.types import Verdict
from router.cache.memory import MemoryCache
from router.cache.null import NullCache
from router.cache.shared import RedisCache
from router.cache.tiered import TieredCache
from router.config.schema import Cache
from router.domain import ModelId
from router.ports import DecisionCache
from router.prices.prefixes import Served
from tests.redis_server import RedisServer
from tests.verdicts import verdict, verdicts

# The machine that runs the suite may be busy: what is tested here is not speed.
SETTINGS = Cache(redis_timeout_ms=5_000)
KEY, OTHER = b"k" * 16, b"o" * 16
KEEPING = ("memory", "redis", "tiered")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


def make(kind: str, url: str) -> DecisionCache:
    memory = MemoryCache(SETTINGS, pin_ttl_s=60)
    shared = RedisCache(url, SETTINGS, pin_ttl_s=60)
    kinds: dict[str, DecisionCache] = {
        "null": NullCache(),
        "memory": memory,
        "redis": shared,
        "tiered": TieredCache(memory, shared),
    }
    return kinds[kind]


@pytest.fixture(params=[*KEEPING, "null"])
async def cache(
    request: pytest.FixtureRequest, server: RedisServer
) -> AsyncIterator[DecisionCache]:
    server.client().flushall()
    made = make(request.param, server.url)
    yield made
    await made.close()


@pytest.fixture(params=KEEPING)
async def keeping(
    request: pytest.FixtureRequest, server: RedisServer
) -> AsyncIterator[DecisionCache]:
    server.client().flushall()
    made = make(request.param, server.url)
    yield made
    await made.close()


async def test_nothing_is_known_at_first(cache: DecisionCache) -> None:
    assert cache.peek(KEY) is None
    assert await cache.get(KEY) is None
    assert await cache.get_pin(KEY) is None
    assert cache.degraded is None


async def test_a_miss_is_counted(cache: DecisionCache) -> None:
    await cache.get(KEY)
    assert cache.stats.misses == 1
    assert cache.stats.hits_memory == cache.stats.hits_redis == 0
    assert not cache.stats.errors


async def test_what_is_put_is_found_under_its_key_alone(keeping: DecisionCache) -> None:
    keeping.put(KEY, verdict(0.5))
    assert await keeping.get(KEY) == verdict(0.5)
    assert await keeping.get(OTHER) is None


async def test_a_hit_is_counted_once(keeping: DecisionCache) -> None:
    keeping.put(KEY, verdict())
    await keeping.get(KEY)
    stats = keeping.stats
    assert stats.hits_memory + stats.hits_redis == 1
    assert stats.misses == 0


async def test_a_later_verdict_replaces_the_earlier(keeping: DecisionCache) -> None:
    keeping.put(KEY, verdict(0.1))
    keeping.put(KEY, verdict(0.9))
    assert await keeping.get(KEY) == verdict(0.9)


async def test_peek_never_knows_more_than_get(cache: DecisionCache) -> None:
    cache.put(KEY, verdict())
    peeked = cache.peek(KEY)
    assert peeked is None or peeked == await cache.get(KEY)
    if not cache.remote:
        assert peeked == await cache.get(KEY)


async def test_a_pin_is_found_and_replaced(keeping: DecisionCache) -> None:
    keeping.put_pin(KEY, ModelId("k2-thinking"))
    assert await keeping.get_pin(KEY) == "k2-thinking"
    keeping.put_pin(KEY, ModelId("größer"))
    assert await keeping.get_pin(KEY) == "größer"
    assert await keeping.get_pin(OTHER) is None


async def test_pins_and_verdicts_do_not_meet(keeping: DecisionCache) -> None:
    keeping.put(KEY, verdict())
    assert await keeping.get_pin(KEY) is None
    keeping.put_pin(OTHER, ModelId("cheap"))
    assert await keeping.get(OTHER) is None
    assert not keeping.stats.errors


async def test_who_served_last_is_found_and_replaced(keeping: DecisionCache) -> None:
    first = Served(model=ModelId("k2-thinking"), at_us=1_795_435_200_000_000, tokens=12_345)
    keeping.put_served(KEY, first)
    assert await keeping.get_served(KEY) == first
    later = Served(model=ModelId("größer"), at_us=first.at_us + 1, tokens=0)
    keeping.put_served(KEY, later)
    assert await keeping.get_served(KEY) == later
    assert await keeping.get_served(OTHER) is None
    assert await keeping.get_pin(KEY) is None


async def test_nothing_keeps_nothing() -> None:
    cache = NullCache()
    cache.put(KEY, verdict())
    cache.put_pin(KEY, ModelId("cheap"))
    cache.put_served(KEY, Served(model=ModelId("cheap"), at_us=0, tokens=1))
    assert await cache.get(KEY) is None
    assert await cache.get_pin(KEY) is None
    assert await cache.get_served(KEY) is None


async def test_a_closed_cache_is_quiet(cache: DecisionCache) -> None:
    await cache.close()
    cache.put(KEY, verdict())
    cache.put_pin(KEY, ModelId("cheap"))
    await cache.get(KEY)
    await cache.get_pin(KEY)
    cache.put_served(KEY, Served(model=ModelId("cheap"), at_us=0, tokens=1))
    await cache.get_served(KEY)
    await cache.close()


@pytest.mark.parametrize("kind", KEEPING)
@given(made=verdicts())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_verdict_comes_back_as_it_was(
    kind: str, server: RedisServer, made: Verdict
) -> None:
    cache = make(kind, server.url)
    cache.put(KEY, made)
    assert await cache.get(KEY) == made
    await cache.close()
