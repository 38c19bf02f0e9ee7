"""Who served a conversation last, known to several instances: the latest word counts."""

from collections.abc import AsyncIterator, Iterator

import pytest

from router.cache.memory import PINS, MemoryCache
from router.cache.shared import RedisCache
from router.cache.tiered import TieredCache
from router.config.schema import Cache
from router.domain import ModelId
from router.prices.prefixes import TIMELESS, Served
from tests.redis_server import RedisServer
from tests.verdicts import Clock

KEY, OTHER = b"k" * 16, b"o" * 16
NAME = "gearshift:served:" + KEY.hex()
PATIENT = Cache(redis_timeout_ms=5_000, breaker_failures=1_000)
LIFE_S = 60


def served(at_us: int, tokens: int = 1_000, model: str = "cheap") -> Served:
    return Served(model=ModelId(model), at_us=at_us, tokens=tokens)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture
async def pair(server: RedisServer) -> AsyncIterator[tuple[TieredCache, TieredCache]]:
    """Two instances over one Redis."""
    server.client().flushall()
    made = [
        TieredCache(
            MemoryCache(PATIENT, pin_ttl_s=LIFE_S),
            RedisCache(server.url, PATIENT, pin_ttl_s=LIFE_S),
        )
        for _ in range(2)
    ]
    yield made[0], made[1]
    for cache in made:
        await cache.close()


async def test_the_step_of_a_loop_that_another_instance_served_is_not_overlooked(
    pair: tuple[TieredCache, TieredCache],
) -> None:
    here, there = pair
    here.put_served(KEY, served(1, 1_000))
    await here.flush()
    there.put_served(KEY, served(2, 5_000))
    await there.flush()
    assert await here.get_served(KEY) == served(2, 5_000)
    assert await there.get_served(KEY) == served(2, 5_000)


async def test_ones_own_later_word_counts_though_redis_has_an_earlier(
    pair: tuple[TieredCache, TieredCache], server: RedisServer
) -> None:
    here, there = pair
    there.put_served(KEY, served(1))
    await there.flush()
    early = server.client().get(NAME)
    assert isinstance(early, bytes)
    here.put_served(KEY, served(2, 5_000))
    await here.flush()
    server.client().set(NAME, early)  # as if it had been written last
    assert await here.get_served(KEY) == served(2, 5_000)


async def test_without_redis_ones_own_word_and_the_last_copy_stand() -> None:
    with RedisServer() as server:
        shared = RedisCache(server.url, PATIENT, pin_ttl_s=LIFE_S)
        cache = TieredCache(MemoryCache(PATIENT, pin_ttl_s=LIFE_S), shared)
        other = RedisCache(server.url, PATIENT, pin_ttl_s=LIFE_S)
        cache.put_served(KEY, served(1))
        other.put_served(OTHER, served(2))
        await other.flush()
        await cache.flush()
        assert await cache.get_served(OTHER) == served(2)
        server.kill()
        assert await cache.get_served(KEY) == served(1)
        assert await cache.get_served(OTHER) == served(2)
        assert sum(cache.stats.errors.values()) > 0
        await cache.close()
        await other.close()


@pytest.mark.parametrize("value", [b"", b"\xc1", b"\x80", b"cheap", b"\x83\xa5model\x01"])
async def test_what_another_program_wrote_there_is_nobody_and_counted(
    pair: tuple[TieredCache, TieredCache], server: RedisServer, value: bytes
) -> None:
    here, _ = pair
    server.client().set(NAME, value)
    assert await here.get_served(KEY) is None
    assert here.stats.errors == {"decode": 1}
    here.put_served(KEY, served(3))
    await here.flush()
    assert await here.get_served(KEY) == served(3)


@pytest.mark.parametrize(
    "word", [served(TIMELESS), served(2**62, 2**53), served(0, 0, "größe 🧭"), served(1, 1, "")]
)
async def test_any_word_comes_over_as_it_was(
    pair: tuple[TieredCache, TieredCache], word: Served
) -> None:
    here, there = pair
    here.put_served(KEY, word)
    await here.flush()
    assert await there.get_served(KEY) == word


async def test_pins_and_who_served_last_lie_apart(
    pair: tuple[TieredCache, TieredCache],
) -> None:
    here, there = pair
    here.put_pin(KEY, ModelId("pinned"))
    await here.flush()
    assert await there.get_served(KEY) is None
    here.put_served(KEY, served(1, model="other"))
    await here.flush()
    assert await there.get_pin(KEY) == "pinned"


async def test_it_is_forgotten_with_the_pins() -> None:
    clock = Clock()
    cache = MemoryCache(Cache(ttl_s=9_999), pin_ttl_s=LIFE_S, clock=clock)
    cache.put_served(KEY, served(1))
    cache.put_served(OTHER, served(1), ttl_s=5)
    clock.now += 5
    assert (cache.peek_served(KEY), cache.peek_served(OTHER)) == (served(1), None)
    clock.now += LIFE_S - 5
    assert await cache.get_served(KEY) is None


def test_of_too_many_conversations_the_one_not_heard_of_longest_goes() -> None:
    cache = MemoryCache(Cache(entries=0), pin_ttl_s=LIFE_S)
    names = [number.to_bytes(16, "big") for number in range(PINS + 1)]
    for name in names[:-1]:
        cache.put_served(name, served(1))
    cache.peek_served(names[0])
    cache.put_served(names[-1], served(1))
    gone = [name for name in names if cache.peek_served(name) is None]
    assert gone == [names[1]]


async def test_a_copy_is_not_kept_longer_than_its_time(server: RedisServer) -> None:
    clock = Clock()
    shared = RedisCache(server.url, PATIENT, pin_ttl_s=LIFE_S)
    memory = MemoryCache(PATIENT, pin_ttl_s=LIFE_S, clock=clock)
    cache = TieredCache(memory, shared, copy_s=10)
    shared.put_served(KEY, served(7))
    await shared.flush()
    assert await cache.get_served(KEY) == served(7)
    assert memory.peek_served(KEY) == served(7)
    clock.now += 10
    assert memory.peek_served(KEY) is None
    await cache.close()
