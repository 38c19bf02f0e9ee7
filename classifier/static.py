"""The static encoder: a vector for each word piece, and the mean over a text. Only numpy."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifier.embed import Embedding
from classifier.pieces import WordPieces

TABLE: Final = "embed.table"
SCALE: Final = "embed.scale"
STEPS: Final = 127
"""Largest magnitude in the table: eight bits lose less than the mean over a text hides."""
PAIR_BITS: Final = 16
"""Pairs of neighbouring pieces share 65,536 terms by hash."""


class StaticEmbedder:
    """Mean of the vectors of a text's word pieces; the pieces and their pairs are its terms.

    The table is int8 with one scale a column: half the memory of float16, which numpy converts
    slowly, and sums are exact in float32 (below 2**24), whatever their order.
    """

    def __init__(
        self, pieces: WordPieces, table: NDArray[np.int8], scale: NDArray[np.float32]
    ) -> None:
        """`table` has shape (pieces, dims), `scale` (dims,); raises ValueError otherwise."""
        if table.shape != (len(pieces.vocabulary), *scale.shape) or table.dtype != np.int8:
            msg = f"a table {table.dtype}{table.shape} for {len(pieces.vocabulary)} pieces"
            raise ValueError(msg)
        self.pieces = pieces
        self.dims = int(table.shape[1])
        self.terms = len(pieces.vocabulary) + (1 << PAIR_BITS)
        self._table = table
        self._scale = scale

    @classmethod
    def quantise(cls, vocabulary: Sequence[str], table: NDArray[np.float32]) -> "StaticEmbedder":
        """From float vectors, shape (pieces, dims)."""
        scale = np.maximum(np.abs(table).max(axis=0), np.finfo(np.float32).tiny) / STEPS
        steps = np.rint(table / scale).astype(np.int8)
        return cls(WordPieces(vocabulary), steps, scale.astype(np.float32))

    @classmethod
    def from_arrays(
        cls, vocabulary: Sequence[str], arrays: Mapping[str, NDArray[Any]]
    ) -> "StaticEmbedder":
        """From what `arrays` gave. Raises KeyError or ValueError where it is something else."""
        return cls(WordPieces(vocabulary), arrays[TABLE], arrays[SCALE])

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What an artifact keeps beside the vocabulary."""
        return {TABLE: self._table, SCALE: self._scale}

    def embed(self, text: str) -> Embedding:
        """The mean vector of the pieces, and which pieces and pairs there are."""
        ids = np.array(self.pieces.encode(text), np.int64)
        if not ids.size:
            return Embedding(vector=np.zeros(self.dims, np.float32), terms=ids)
        rows = self._table.take(ids, axis=0).astype(np.float32)
        vector: NDArray[np.float32] = rows.sum(axis=0) * (self._scale / np.float32(ids.size))
        pairs = len(self.pieces.vocabulary) + _hash_pairs(ids)
        return Embedding(vector=vector, terms=np.unique(np.concatenate([ids, pairs])))


def _hash_pairs(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number below 2**PAIR_BITS for each piece and the one after it (Knuth's multiplier)."""
    mixed = (ids[:-1] * 1_000_003 + ids[1:]) * 2_654_435_761 & 0xFFFF_FFFF
    return mixed >> (32 - PAIR_BITS)
