"""Which cache and which counter a configuration means."""

from router.cache.memory import MemoryCache
from router.cache.shared import RedisCache
from router.cache.spend_memory import MemorySpend
from router.cache.spend_shared import RedisSpend
from router.cache.tiered import TieredCache
from router.config.schema import Cache
from router.ports import DecisionCache, SpendCounter


def open_cache(settings: Cache, *, redis_url: str, pin_ttl_s: int) -> DecisionCache:
    """This process's level, with Redis behind it where a URL is given.

    Connects at first use, so a Redis that is down delays no start. Raises ConfigError for a URL
    that cannot be read.
    """
    memory = MemoryCache(settings, pin_ttl_s=pin_ttl_s)
    if not redis_url:
        return memory
    return TieredCache(memory, RedisCache(redis_url, settings, pin_ttl_s=pin_ttl_s))


def open_spend(settings: Cache, *, redis_url: str) -> SpendCounter:
    """The counter of what budgets spend: in Redis where a URL is given, else in this process.

    Connects at first use. Raises ConfigError for a URL that cannot be read.
    """
    return RedisSpend(redis_url, settings) if redis_url else MemorySpend()
