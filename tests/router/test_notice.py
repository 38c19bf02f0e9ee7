"""The word that another model serves, over a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from router.cache.notice import announce, listen
from tests.redis_server import RedisServer
from tests.waiting import until


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer(password="sesame") as server:
        yield server


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[list[int]]:
    """What a listener was told: one entry a time."""
    told: list[int] = []
    task = asyncio.create_task(listen(url, lambda: told.append(1), retry_s=0.01))
    try:
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_everyone_who_listens_is_told(redis: RedisServer) -> None:
    async with listening(redis.url) as one, listening(redis.url) as other:
        await until(lambda: bool(one and other))  # listening has begun
        assert await asyncio.to_thread(announce, redis.url, "20261124-22222222") == 2
        await until(lambda: len(one) == len(other) == 2)


async def test_after_an_outage_it_listens_again_and_is_told_to_look(redis: RedisServer) -> None:
    async with listening(redis.url) as told:
        await until(lambda: bool(told))
        await asyncio.to_thread(redis.restart)
        before = len(told)
        await until(lambda: len(told) > before)
        before = len(told)
        await asyncio.to_thread(announce, redis.url, "x")
        await until(lambda: len(told) > before)


async def test_a_redis_that_is_not_there_is_waited_for(redis: RedisServer) -> None:
    redis.kill()
    async with listening(redis.url) as told:
        await asyncio.to_thread(redis.start)
        await until(lambda: bool(told))


def test_what_cannot_be_told_is_said(redis: RedisServer) -> None:
    assert announce(redis.url, "x") == 0
    assert announce(redis.url.replace("sesame", "wrong"), "x") is None
    assert announce("foo", "x") is None
    redis.kill()
    assert announce(redis.url, "x") is None
