"""The level in the process: what it keeps, for how long, and what goes first."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from router.cache.choose import open_cache
from router.cache.lru import Lru
from router.cache.memory import MemoryCache
from router.cache.tiered import TieredCache
from router.config.schema import Cache
from router.domain import ModelId
from tests.verdicts import Clock, verdict

KEY, OTHER = b"k" * 16, b"o" * 16

operations = st.lists(
    st.tuples(st.sampled_from(["get", "put"]), st.integers(min_value=0, max_value=4)), max_size=60
)


@given(capacity=st.integers(min_value=0, max_value=3), steps=operations)
def test_the_least_recently_used_goes_first(
    capacity: int, steps: Sequence[tuple[str, int]]
) -> None:
    lru = Lru[int](capacity)
    used: list[int] = []  # what must be there, the most recent last
    for turn, (step, number) in enumerate(steps):
        key = bytes([number])
        if step == "put":
            lru.put(key, turn, ttl_s=60)
        elif number in used:
            assert lru.get(key) is not None
        else:
            assert lru.get(key) is None
            continue
        used = [*(each for each in used if each != number), number]
        used = used[len(used) - capacity :] if len(used) > capacity else used
        assert len(lru) == len(used)


def test_use_saves_an_entry_from_going() -> None:
    lru = Lru[int](2)
    lru.put(b"old", 1, ttl_s=60)
    lru.put(b"new", 2, ttl_s=60)
    lru.get(b"old")
    lru.put(b"newest", 3, ttl_s=60)
    assert (lru.get(b"old"), lru.get(b"new"), lru.get(b"newest")) == (1, None, 3)


def test_a_verdict_lives_for_its_time_and_use_does_not_prolong_it() -> None:
    clock = Clock()
    cache = MemoryCache(Cache(ttl_s=100), pin_ttl_s=10, clock=clock)
    cache.put(KEY, verdict())
    clock.now += 99
    assert cache.peek(KEY) is not None
    clock.now += 1
    assert cache.peek(KEY) is None
    assert (cache.stats.hits_memory, cache.stats.misses) == (1, 1)


async def test_a_pin_lives_for_its_own_time() -> None:
    clock = Clock()
    cache = MemoryCache(Cache(ttl_s=100), pin_ttl_s=10, clock=clock)
    cache.put_pin(KEY, ModelId("cheap"))
    clock.now += 9
    assert await cache.get_pin(KEY) == "cheap"
    clock.now += 1
    assert await cache.get_pin(KEY) is None


def test_a_copy_lives_shorter_never_longer() -> None:
    clock = Clock()
    cache = MemoryCache(Cache(ttl_s=100), pin_ttl_s=10, clock=clock)
    cache.put(KEY, verdict(), ttl_s=5)
    cache.put(OTHER, verdict(), ttl_s=500)
    clock.now += 5
    assert cache.peek(KEY) is None
    clock.now += 95
    assert cache.peek(OTHER) is None


async def test_without_entries_no_verdict_is_kept_but_pins_are() -> None:
    cache = MemoryCache(Cache(entries=0), pin_ttl_s=10)
    cache.put(KEY, verdict())
    cache.put_pin(KEY, ModelId("cheap"))
    assert cache.peek(KEY) is None
    assert await cache.get_pin(KEY) == "cheap"


async def test_redis_is_used_where_it_is_named() -> None:
    alone = open_cache(Cache(), redis_url="", pin_ttl_s=10)
    shared = open_cache(Cache(), redis_url="redis://127.0.0.1:1/0", pin_ttl_s=10)
    assert isinstance(alone, MemoryCache)
    assert isinstance(shared, TieredCache)
    await shared.close()
