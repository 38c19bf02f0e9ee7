"""What hangs together in a log: what a prefix cache would hold, and who goes on with a tool loop.

Requests come in the order of their times. What is followed is bounded, so that memory is too.
"""

from collections import OrderedDict
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.domain import ModelId
from router.prices.prefixes import MOST, TIMELESS
from router.replay.part import Index, Part

HASHED_TOKENS: Final = 512
"""Tokens in one block of Mooncake's traces."""


class Before(Struct, frozen=True, kw_only=True):
    """For each of n requests, the one before it in its conversation."""

    tokens: NDArray[np.int64]
    """(n,) Input tokens that both begin with; 0 for the first of a conversation."""
    gap_us: NDArray[np.int64]
    """(n,) Time since it; TIMELESS where a time is missing."""
    told: NDArray[np.bool_]
    """(n,) Whether `tokens` is what a cache would give, by the log's own word."""
    same: NDArray[np.bool_]
    """(n,) Whether the model that answered this request had answered that one; true for a first."""


class _Last(Struct, frozen=True):
    at_us: int
    tokens: int
    answered: int
    blocks: tuple[int, ...]


class Conversations:
    """The last request of every conversation."""

    def __init__(self, most: int = MOST) -> None:
        self._last: OrderedDict[int, _Last] = OrderedDict()
        self._most = most

    def follow(self, part: Part, taken: NDArray[np.int64], answered: Index) -> Before:
        """What came before each request of `part`; `taken` are its input tokens."""
        names, times = part.told.conversation.tolist(), part.told.at_us.tolist()
        inputs, by = taken.tolist(), answered.tolist()
        ends = part.told.blocks_end.tolist()
        tokens = np.zeros(part.rows, np.int64)
        gap_us = np.zeros(part.rows, np.int64)
        same = np.ones(part.rows, bool)
        last, begin = self._last, 0
        for at, name in enumerate(names):
            blocks = tuple(part.told.blocks[begin : ends[at]].tolist()) if ends[at] > begin else ()
            begin = ends[at]
            now = _Last(times[at], inputs[at], by[at], blocks)
            before = last.pop(name, None)
            if before is not None:
                tokens[at] = _shared(before, now)
                gap_us[at] = _gap(before.at_us, now.at_us)
                same[at] = before.answered == now.answered
            last[name] = now
            if len(last) > self._most:
                last.popitem(last=False)
        told = np.zeros(part.rows, bool)
        return Before(tokens=tokens, gap_us=gap_us, told=told, same=same)


class Loops:
    """Under one policy: which model began a tool loop."""

    def __init__(self, most: int = MOST) -> None:
        self._began: OrderedDict[int, ModelId] = OrderedDict()
        self._most = most

    def pin(self, loop: int) -> ModelId | None:
        """The model that goes on with `loop`."""
        return self._began.get(loop)

    def begin(self, loop: int, model: ModelId) -> None:
        """An answer of `model` called tools."""
        self._began[loop] = model
        if len(self._began) > self._most:
            self._began.popitem(last=False)


def _gap(before_us: int, now_us: int) -> int:
    return TIMELESS if TIMELESS in {before_us, now_us} else max(0, now_us - before_us)


def _shared(before: _Last, now: _Last) -> int:
    """Input tokens that both begin with: by their blocks, where there are any."""
    if not now.blocks:
        return min(before.tokens, now.tokens)
    pairs = zip(before.blocks, now.blocks, strict=False)
    alike = next((at for at, (a, b) in enumerate(pairs) if a != b), None)
    if alike is None:
        alike = min(len(before.blocks), len(now.blocks))
    return min(alike * HASHED_TOKENS, before.tokens, now.tokens)
