"""Redis behind the decision cache: shared by instances, and never in the way of a request."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from router.config.schema import Environment
from tests.redis_server import RedisServer
from tests.routers import Router, running_router
from tests.waiting import until


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
async def pair(tmp_path: Path, redis: RedisServer) -> AsyncIterator[tuple[Router, Router]]:
    """Two instances that have nothing in common but Redis."""
    said = Environment(redis_url=redis.url)
    async with (
        running_router(tmp_path / "a", environment=said) as one,
        running_router(tmp_path / "b", environment=said) as other,
    ):
        yield one, other


async def test_what_one_instance_scored_the_other_knows(
    pair: tuple[Router, Router], redis: RedisServer
) -> None:
    one, other = pair
    first = await one.chat("Name the moons of Mars.")
    assert first.headers["x-gearshift-cache"] == "miss"
    await until(lambda: bool(redis.client().keys("*")))  # it is written behind the answer
    assert (await other.chat("Name the moons of Mars.")).headers["x-gearshift-cache"] == "hit"


async def test_no_text_of_a_prompt_is_in_redis(
    pair: tuple[Router, Router], redis: RedisServer
) -> None:
    await pair[0].chat("the walrus hums at midnight")
    client = redis.client()
    await until(lambda: bool(client.keys("*")))
    keys = client.keys("*")
    assert isinstance(keys, list)
    stored = [repr(key) + repr(client.dump(key)) for key in keys]
    assert not any("walrus" in each for each in stored)


async def test_redis_killed_and_brought_back_under_load_fails_no_request(
    pair: tuple[Router, Router], redis: RedisServer
) -> None:
    statuses: list[int] = []
    stop = asyncio.Event()

    async def ask(router: Router, name: str) -> None:
        n = 0
        while not stop.is_set():
            n += 1
            statuses.append((await router.chat(f"{name} {n % 7}")).status_code)

    async def count(more: int) -> None:
        target = len(statuses) + more
        async with asyncio.timeout(30):
            while len(statuses) < target:  # noqa: ASYNC110 - answers have no event to wait on
                await asyncio.sleep(0.005)

    asking = [asyncio.create_task(ask(r, f"{k}")) for k, r in enumerate((*pair, *pair))]
    await count(20)
    await asyncio.to_thread(redis.kill)
    await count(40)
    await asyncio.to_thread(redis.start)
    await count(20)
    stop.set()
    await asyncio.gather(*asking)
    assert set(statuses) == {200}
