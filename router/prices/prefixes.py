"""Prefix caches: what a host would still have of a conversation, had a model served it or not.

Hosts keep prompts in blocks for some minutes and read what begins alike at a fraction of the price.
So a conversation that goes on elsewhere is read again in full: switching has a price. Here is what
a model finds, as a state machine over the turns of conversations; the same rules serve one request
of the live path (`found_again`) and a whole log (`Prefixes`, `found_many`).

Blocks of 256 tokens, prompts over 256 tokens, lives of 300 to 1,800 s: what hosts of Kimi say. What
begins alike in different conversations, as a common system prompt, is not followed.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.domain import ModelId

BLOCK_TOKENS: Final = 256
"""Prefixes are kept in blocks of so many tokens; shorter prompts are never kept."""
TIMELESS: Final = -1
"""The time of a request that has none: it is taken to follow at once."""
MOST: Final = 1_000_000
"""Conversations that are followed at once, about 200 MB; those not heard of longest go first."""

_MICRO: Final = 1_000_000


class Served(Struct, frozen=True, kw_only=True):
    """The last time that a conversation was served: by whom, when, and how much was read."""

    model: ModelId
    at_us: int
    """When it began, microseconds since the epoch; TIMELESS where nobody knows."""
    tokens: int
    """Input tokens of that request: they are in the cache of `model`."""


class Prefix(Struct, frozen=True, kw_only=True):
    """A prompt as the next turn of its conversation: it begins with the turns before it."""

    conversation: Hashable
    tokens: int
    """Of the whole prompt, input only."""


def whole_blocks(shared_tokens: int, input_tokens: int) -> int:
    """Tokens that a cache gives of a prompt that begins with `shared_tokens` known ones.

    Whole blocks only, and never all of it: the last token has to be read for an answer to begin.
    """
    return max(0, min(shared_tokens, input_tokens - 1)) // BLOCK_TOKENS * BLOCK_TOKENS


def found_again(served: Served, input_tokens: int, at_us: int, life_s: float) -> int:
    """Tokens of a prompt that the model which served the turn before has in its cache.

    0 when that was longer ago than `life_s` seconds.
    """
    if not is_alive(served.at_us, at_us, life_s):
        return 0
    return whole_blocks(served.tokens, input_tokens)


def is_alive(before_us: int, at_us: int, life_s: float) -> bool:
    """Whether a cache of so long a life still has at `at_us` what it read at `before_us`."""
    timeless = TIMELESS in {before_us, at_us}
    return life_s > 0 and (timeless or at_us - before_us <= life_s * _MICRO)


def found_many(
    before_tokens: NDArray[np.int64],
    input_tokens: NDArray[np.int64],
    gap_us: NDArray[np.int64],
    life_s: float,
) -> NDArray[np.int64]:
    """`found_again` of n requests; `gap_us` since the turn before, TIMELESS where unknown.

    `before_tokens` is 0 for a first turn.
    """
    known = np.minimum(before_tokens, input_tokens - 1) // BLOCK_TOKENS * BLOCK_TOKENS
    alive = (gap_us <= life_s * _MICRO) & (life_s > 0)
    return np.where(alive, np.maximum(0, known), 0)


class Prefixes:
    """The prefix caches of all models, followed over the turns of many conversations.

    For a world where one model alone serves all, tell it that this model served every turn.
    Requests come in the order of their times.
    """

    def __init__(self, life_s: Callable[[ModelId], float], *, most: int = MOST) -> None:
        """`life_s` says how long the host of a model keeps a prefix, seconds; 0: not at all."""
        self._life_s = life_s
        self._most = most
        self._kept: OrderedDict[tuple[ModelId, Hashable], tuple[int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def found(self, model: ModelId, prefix: Prefix, at_us: int) -> int:
        """Tokens of `prefix` that `model` would find in its cache."""
        kept = self._kept.get((model, prefix.conversation))
        if kept is None:
            return 0
        before_us, tokens = kept
        if not is_alive(before_us, at_us, self._life_s(model)):
            return 0
        return whole_blocks(tokens, prefix.tokens)

    def served(self, model: ModelId, prefix: Prefix, at_us: int) -> None:
        """Note that `model` read `prefix`. What is dead by then is let go."""
        life_s = self._life_s(model)
        if life_s <= 0:
            return
        key = (model, prefix.conversation)
        self._kept[key] = (at_us, prefix.tokens)
        self._kept.move_to_end(key)
        self._forget(at_us)

    def _forget(self, at_us: int) -> None:
        """Drop the oldest while they are dead, or too many."""
        while self._kept:
            (model, _), (before_us, _) = oldest = next(iter(self._kept.items()))
            if len(self._kept) <= self._most and is_alive(before_us, at_us, self._life_s(model)):
                return
            del self._kept[oldest[0]]
