"""The word that another model serves, over Redis: a hint to look, never what to load.

Whoever misses it finds out by its next look at the registry; so nothing here is ever retried for
the sake of a message, and no trouble is anybody's.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

CHANNEL: Final = "gearshift:model"
RETRY_S: Final = 5.0
"""Pause after Redis was lost. The registry is looked at meanwhile."""
_SEND_S: Final = 2.0


def announce(url: str, version: str) -> int | None:
    """Tell all who listen at the Redis of `url`: how many did, or none where it cannot be told."""
    try:
        with Redis.from_url(
            url, protocol=2, socket_timeout=_SEND_S, socket_connect_timeout=_SEND_S
        ) as redis:
            heard: int = redis.publish(CHANNEL, version)
            return heard
    except (RedisError, OSError, ValueError):
        return None


async def listen(url: str, told: Callable[[], None], *, retry_s: float = RETRY_S) -> None:
    """Call `told` at each announcement, until cancelled.

    Also when listening begins, anew after an outage: what was said meanwhile was not heard.
    """
    while True:
        with suppress(RedisError, OSError):
            redis = AsyncRedis.from_url(url, protocol=2, health_check_interval=30)
            async with redis, redis.pubsub() as channel:
                await channel.subscribe(CHANNEL)
                async for message in channel.listen():
                    if message["type"] in {"subscribe", "message"}:
                        told()
        await asyncio.sleep(retry_s)
