"""The shared level and its troubles: whatever ails Redis is a miss, counted, and ends by itself."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from router.cache.link import MAX_WAITING
from router.cache.memory import MemoryCache
from router.cache.shared import RedisCache
from router.cache.tiered import TieredCache
from router.config.schema import Cache
from router.domain import ModelId
from router.errors import ConfigError
from router.keys import cache_key
from router.prices.prefixes import Served
from tests.redis_server import RedisServer
from tests.verdicts import VERSION, Clock, prompt, verdict

KEY = b"k" * 16
NAME = "gearshift:verdict:" + KEY.hex()
PATIENT = Cache(redis_timeout_ms=5_000)
"""The machine that runs the suite may be busy, so only tests of slowness are in a hurry."""
HASTY = Cache(redis_timeout_ms=30, breaker_failures=3, breaker_open_ms=5_000)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(autouse=True)
def empty(server: RedisServer) -> None:
    server.client().flushall()


@asynccontextmanager
async def shared(
    url: str, settings: Cache = PATIENT, *, clock: Callable[[], float] | None = None
) -> AsyncIterator[RedisCache]:
    """A connected cache where Redis answers: connecting is no part of what is tested."""
    cache = RedisCache(url, settings, pin_ttl_s=60, clock=clock or Clock())
    try:
        yield cache
    finally:
        await cache.close()


def connections(server: RedisServer) -> int:
    """How many connections Redis has taken so far, this question's included."""
    with server.client() as client:
        taken: int = client.info("stats")["total_connections_received"]
        return taken


async def test_two_instances_share_verdicts_and_pins(server: RedisServer) -> None:
    async with shared(server.url) as one, shared(server.url) as two:
        here = TieredCache(MemoryCache(PATIENT, pin_ttl_s=60), one)
        there = TieredCache(MemoryCache(PATIENT, pin_ttl_s=60), two)
        here.put(KEY, verdict(0.4))
        here.put_pin(KEY, ModelId("cheap"))
        served = Served(model=ModelId("cheap"), at_us=7, tokens=1_000)
        here.put_served(KEY, served)
        await here.flush()
        assert await there.get_served(KEY) == served
        assert there.peek(KEY) is None
        assert await there.get(KEY) == verdict(0.4)
        assert await there.get_pin(KEY) == "cheap"
        assert there.peek(KEY) == verdict(0.4), "no copy was kept"
        assert (there.stats.hits_redis, there.stats.hits_memory) == (1, 1)
        assert (here.stats.hits_redis, here.stats.misses) == (0, 0)


async def test_a_copy_is_asked_for_again_after_a_while(server: RedisServer) -> None:
    clock = Clock()
    async with shared(server.url) as redis:
        cache = TieredCache(MemoryCache(PATIENT, pin_ttl_s=60, clock=clock), redis, copy_s=300)
        redis.put(KEY, verdict(0.1))
        assert await cache.get(KEY) == verdict(0.1)
        redis.put(KEY, verdict(0.2))
        assert await cache.get(KEY) == verdict(0.1)
        clock.now += 300
        assert await cache.get(KEY) == verdict(0.2)


async def test_redis_forgets_by_itself_and_holds_no_text(server: RedisServer) -> None:
    secret_text = "the merger closes on friday"
    async with shared(server.url) as cache:
        cache.put(cache_key(prompt(secret_text), VERSION, b""), verdict())
        cache.put_pin(KEY, ModelId("cheap"))
        cache.put_served(KEY, Served(model=ModelId("cheap"), at_us=0, tokens=1_000))
        await cache.flush()
    with server.client() as client:
        names = sorted(client.keys("*"))
        assert [name.rsplit(b":", 1)[0] for name in names] == [
            b"gearshift:pin",
            b"gearshift:served",
            b"gearshift:verdict",
        ]
        assert all(0 < client.ttl(name) <= 60 for name in names[:2])
        assert 60 < client.ttl(names[2]) <= PATIENT.ttl_s
        assert not any(b"merger" in name or b"merger" in client.get(name) for name in names)
        assert client.strlen(names[2]) < 300


async def test_answers_are_not_mixed_up_when_many_ask_at_once(server: RedisServer) -> None:
    keys = [number.to_bytes(16, "big") for number in range(400)]
    async with shared(server.url) as cache:
        for number, key in enumerate(keys[::2]):
            cache.put(key, verdict(number / 400))
        found = await asyncio.gather(*(cache.get(key) for key in keys))
    assert found[::2] == [verdict(number / 400) for number in range(200)]
    assert found[1::2] == [None] * 200


@pytest.mark.parametrize("turns", [1, 5])
async def test_who_stops_waiting_does_not_shift_the_answers(
    server: RedisServer, turns: int
) -> None:
    """After one turn of the loop the commands wait; after five they are sent, and not answered."""
    async with shared(server.url) as cache:
        for number in range(10):
            cache.put(bytes([number]) * 16, verdict(number / 10))
        await cache.flush()
        server.pause()
        asking = [asyncio.create_task(cache.get(bytes([number]) * 16)) for number in range(10)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in asking[:5]:
            task.cancel()
        server.resume()
        found = await asyncio.gather(*asking[5:])
        assert found == [verdict(number / 10) for number in range(5, 10)]
        assert await cache.get(b"\0" * 16) == verdict(0.0)
        assert not cache.stats.errors


@pytest.mark.parametrize("value", [b"", b"\xc1", b"plain text", b"\x80", b"\x81\xa5label\xa4soso"])
async def test_a_foreign_value_is_a_miss(server: RedisServer, value: bytes) -> None:
    server.client().set(NAME, value)
    async with shared(server.url) as cache:
        assert await cache.get(KEY) is None
        assert cache.stats.errors == {"decode": 1}
        assert cache.stats.misses == 1
        cache.put(KEY, verdict())
        assert await cache.get(KEY) == verdict(), "it was not replaced"


async def test_a_foreign_pin_or_server_is_none(server: RedisServer) -> None:
    for kind in ("pin", "served"):
        server.client().set(f"gearshift:{kind}:{KEY.hex()}", b"\xff\xfe")
    async with shared(server.url) as cache:
        assert await cache.get_pin(KEY) is None
        assert await cache.get_served(KEY) is None
        assert cache.stats.errors == {"decode": 2}


async def test_a_value_of_another_type_harms_only_its_own_key(server: RedisServer) -> None:
    server.client().lpush(NAME, "a list")
    async with shared(server.url, PATIENT) as cache:
        cache.put(b"o" * 16, verdict())
        for _ in range(PATIENT.breaker_failures + 1):
            assert await cache.get(KEY) is None
        assert cache.stats.errors == {"reply": PATIENT.breaker_failures + 1}
        assert cache.degraded is None
        assert await cache.get(b"o" * 16) == verdict()


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_a_wrong_password_is_a_miss_and_is_nowhere_told(
    password: str, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer(password="right") as locked:
        user = f":{password}@" if password else ""
        settings = Cache(redis_timeout_ms=5_000, breaker_failures=2)
        async with shared(f"redis://{user}127.0.0.1:{locked.port}/0", settings) as cache:
            for _ in range(3):
                assert await cache.get(KEY) is None
            assert cache.stats.errors == {"auth": 2}
            assert cache.stats.breaker_open == 1
            assert cache.degraded == f"redis at 127.0.0.1:{locked.port} is failing"
        assert "is left alone: auth" in caplog.text
        assert "wrong" not in caplog.text


async def test_a_user_who_may_only_read_is_served_what_he_may(server: RedisServer) -> None:
    server.client().acl_setuser(
        "reader", enabled=True, passwords=["+pw"], keys=["*"], commands=["+get"]
    )
    url = f"redis://reader:pw@127.0.0.1:{server.port}/0"
    async with shared(server.url) as writer, shared(url, PATIENT) as cache:
        writer.put(KEY, verdict())
        await writer.flush()
        for _ in range(PATIENT.breaker_failures + 1):
            cache.put(b"o" * 16, verdict())
            await cache.flush()
        assert cache.stats.errors == {"reply": PATIENT.breaker_failures + 1}
        assert await cache.get(KEY) == verdict()


async def test_the_right_password_is_let_in() -> None:
    with RedisServer(password="right") as locked:
        async with shared(locked.url) as cache:
            cache.put(KEY, verdict())
            assert await cache.get(KEY) == verdict()


async def test_a_full_redis_still_answers_what_it_has() -> None:
    with RedisServer("--maxmemory-policy", "noeviction") as full:
        async with shared(full.url, Cache(redis_timeout_ms=5_000, breaker_failures=2)) as cache:
            cache.put(KEY, verdict())
            await cache.flush()
            full.client().config_set("maxmemory", "1")
            for number in range(5):
                cache.put(bytes([number]) * 16, verdict())
                await cache.flush()
            assert cache.stats.errors == {"full": 5}
            assert cache.degraded is None
            assert await cache.get(KEY) == verdict()


async def test_nobody_there_is_a_miss_and_soon_not_even_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    with RedisServer() as gone:
        url = gone.url
    clock = Clock()
    settings = Cache(redis_timeout_ms=5_000, breaker_failures=3, breaker_open_ms=1_000)
    async with shared(url, settings, clock=clock) as cache:
        for _ in range(10):
            assert await cache.get(KEY) is None
        assert cache.stats.errors == {"connect": 3}
        assert cache.stats.breaker_open == 7
        assert cache.stats.misses == 10
        clock.now += 1
        for _ in range(10):
            await cache.get(KEY)
        assert cache.stats.errors == {"connect": 4}, "more than one trial"
        assert [record.getMessage() for record in caplog.records] == [
            f"redis at {url.split('/')[2]} is left alone: connect"
        ]


async def test_a_hanging_redis_is_soon_left_alone_and_later_used_again(
    server: RedisServer,
) -> None:
    clock = Clock()
    async with shared(server.url, HASTY, clock=clock) as cache:
        await until_hit(cache, clock)
        server.pause()
        try:
            async with asyncio.timeout(20):
                while cache.degraded is None:
                    assert await cache.get(KEY) is None
                    await cache.flush()
            assert cache.stats.errors["timeout"] >= HASTY.breaker_failures
        finally:
            server.resume()
        # Time stands still, so the breaker stays open, although Redis would answer again.
        # (It hung up after each timeout, so to touch Redis it would have to connect.)
        untouched = connections(server)
        skipped = cache.stats.breaker_open
        for _ in range(50):
            assert await cache.get(KEY) is None
            cache.put(KEY, verdict())
        await cache.flush()
        assert connections(server) == untouched + 1, "Redis was touched"
        assert cache.stats.breaker_open - skipped == 100
        await until_hit(cache, clock)
        assert cache.degraded is None


async def test_a_pause_of_redis_is_only_a_timeout(server: RedisServer) -> None:
    clock = Clock()
    settings = Cache(redis_timeout_ms=30, breaker_failures=1_000)
    async with shared(server.url, settings, clock=clock) as cache:
        await until_hit(cache, clock)
        before = cache.stats.errors.get("timeout", 0)
        with server.client() as client:
            client.client_pause(300)
            assert await cache.get(KEY) is None
        assert cache.stats.errors["timeout"] > before
        assert cache.degraded is None
        await until_hit(cache, clock)


async def test_writes_that_nobody_takes_are_dropped_not_hoarded(server: RedisServer) -> None:
    async with shared(server.url, HASTY) as cache:
        for number in range(MAX_WAITING + 25):
            cache.put(number.to_bytes(16, "big"), verdict())
        assert cache.stats.dropped == 25
        assert await cache.get(KEY) is None, "a read was let into a full queue"
        assert cache.stats.dropped == 26


async def test_what_was_put_is_written_before_the_connection_is_closed(
    server: RedisServer,
) -> None:
    async with shared(server.url) as cache:
        for number in range(300):
            cache.put(number.to_bytes(16, "big"), verdict())
    assert server.client().dbsize() == 300


async def test_a_restarted_redis_is_used_again() -> None:
    with RedisServer() as own:
        async with shared(own.url) as cache:
            cache.put(KEY, verdict())
            assert await cache.get(KEY) == verdict()
            own.restart()
            cache.put(KEY, verdict(0.9))  # on a connection that is gone: lost, or not
            await cache.flush()
            cache.put(KEY, verdict(0.9))
            assert await cache.get(KEY) == verdict(0.9)
            assert set(cache.stats.errors) <= {"connect"}


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://user:hunter2@localhost/0",
        "redis://:hunter2@localhost:port/0",
        "redis://:hunter2@localhost?protocol=9",
        "redis://:hunter2@localhost?socket_timeout=soon",
        "redis://:hunter2@localhost?no_such_option=1",
    ],
)
def test_a_url_that_cannot_be_read_stops_the_start_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="GEARSHIFT_REDIS_URL") as caught:
        RedisCache(url, PATIENT, pin_ttl_s=60)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def until_hit(cache: RedisCache, clock: Clock) -> None:
    """Wait until verdicts come from Redis, however hasty the cache and busy the machine."""
    async with asyncio.timeout(20):
        while await cache.get(KEY) is None:
            clock.now += HASTY.breaker_open_ms / 1000
            cache.put(KEY, verdict())
            await cache.flush()
