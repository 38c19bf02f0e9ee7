"""A bounded map whose entries expire; the least recently used goes first."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Lru(Generic[V]):
    """At most `capacity` values, each until its own time is over. For one thread."""

    __slots__ = ("_capacity", "_clock", "_items")

    def __init__(self, capacity: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._items: OrderedDict[bytes, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: bytes) -> V | None:
        """The value under `key`, which counts as used now; none when absent or expired."""
        item = self._items.get(key)
        if item is None:
            return None
        expires, value = item
        if expires <= self._clock():
            del self._items[key]
            return None
        self._items.move_to_end(key)
        return value

    def put(self, key: bytes, value: V, ttl_s: float) -> None:
        """Keep `value` for `ttl_s` seconds, unless others push it out."""
        self._items[key] = (self._clock() + ttl_s, value)
        self._items.move_to_end(key)
        if len(self._items) > self._capacity:
            self._items.popitem(last=False)
