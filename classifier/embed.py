"""The seam between text and numbers: what an encoder does, and a stand-in that needs no weights."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns text into a vector. Deterministic, safe to share between threads, never raises."""

    @property
    def dims(self) -> int:
        """Length of every vector."""

    def embed(self, text: str) -> NDArray[np.float32]:
        """The vector of `text`, shape (dims,), finite; zeros where nothing is recognised."""


class HashEmbedder:
    """A deterministic fake: each word adds a unit vector of its digest; the mean is given.

    It shares no weights with any model, yet equal words make texts alike, so a training run on it
    can learn something.
    """

    def __init__(self, dims: int = 16) -> None:
        self.dims = dims

    def embed(self, text: str) -> NDArray[np.float32]:
        """The mean of the words' directions, shape (dims,)."""
        words = text.lower().split()
        total = np.zeros(self.dims, np.float32)
        for word in words:
            total += self._direction(word)
        return total / np.float32(max(1, len(words)))

    def _direction(self, word: str) -> NDArray[np.float32]:
        digest = blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
        noise = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
        return noise.standard_normal(self.dims, dtype=np.float32)


def embed_all(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of `texts`, shape (n, dims): one by one, so that a batch changes nothing."""
    rows = np.empty((len(texts), embedder.dims), np.float32)
    for row, text in zip(rows, texts, strict=True):
        row[:] = embedder.embed(text)
    return rows
