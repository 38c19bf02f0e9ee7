"""The prefix cache: which share of a prompt a host would have kept from earlier requests."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final

BYTES_PER_TOKEN: Final = 4
"""Roughly right for English in UTF-8, and for Chinese, at three bytes a character, as well."""
BLOCK_TOKENS: Final = 256
"""Prefixes are kept in blocks of this size: shorter prompts are never cached."""
_BLOCK_BYTES: Final = BLOCK_TOKENS * BYTES_PER_TOKEN
_MOST_BLOCKS: Final = 65_536


class PrefixCache:
    """Digests of the prompt blocks seen lately; each digest covers everything before its block.

    So a change in the first block, where tools and system prompt are, loses all that follow.
    """

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def admit(self, model: str, prompt: bytes) -> int:
        """Count the tokens of `prompt` that `model` has in its cache, then keep all of it."""
        now = self._clock()
        hits, unbroken = 0, True
        for digest in _chain(model, prompt):
            unbroken = unbroken and self._seen.get(digest, -1.0) >= now
            hits += unbroken
            self._seen[digest] = now + self._ttl_s
            self._seen.move_to_end(digest)
        while len(self._seen) > _MOST_BLOCKS:
            self._seen.popitem(last=False)
        return hits * BLOCK_TOKENS


def _chain(model: str, prompt: bytes) -> Iterator[bytes]:
    state = blake2b(model.encode(), digest_size=16)
    for start in range(0, len(prompt) - _BLOCK_BYTES, _BLOCK_BYTES):
        state.update(prompt[start : start + _BLOCK_BYTES])
        yield state.digest()
