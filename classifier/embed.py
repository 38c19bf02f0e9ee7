"""The seam between text and numbers: what an encoder does, and a stand-in that needs no weights."""

from hashlib import blake2b
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    """A text as an encoder sees it."""

    vector: NDArray[np.float32]
    """Its meaning, shape (dims,), finite; zeros where nothing is recognised."""
    terms: NDArray[np.int64]
    """Which words and pairs of words it has: distinct numbers below `Embedder.terms`, rising."""


class Embedder(Protocol):
    """Turns text into numbers. Deterministic, safe to share between threads, never raises."""

    @property
    def dims(self) -> int:
        """Length of every vector."""

    @property
    def terms(self) -> int:
        """How many terms there are."""

    def embed(self, text: str) -> Embedding:
        """The embedding of `text`."""


class HashEmbedder:
    """A deterministic fake: a word's vector and its term are made from its digest.

    It shares no weights with any model, yet equal words make texts alike, so a training run on it
    can learn something.
    """

    def __init__(self, dims: int = 16, terms: int = 512) -> None:
        self.dims = dims
        self.terms = terms

    def embed(self, text: str) -> Embedding:
        """The mean of the words' directions, and their terms."""
        numbers = [_digest(word) for word in text.lower().split()]
        total = np.zeros(self.dims, np.float32)
        for number in numbers:
            noise = np.random.Generator(np.random.PCG64(number))
            total += noise.standard_normal(self.dims, dtype=np.float32)
        return Embedding(
            vector=total / np.float32(max(1, len(numbers))),
            terms=np.unique(np.array([number % self.terms for number in numbers], np.int64)),
        )


def _digest(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "big")
