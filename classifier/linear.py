"""The heads: one logistic score each over terms, vector and surface, as plain arrays.

A linear score over words, word pairs and meaning, with a free curve over each surface measure,
took a fifth of the time of boosted trees and was better on rows that neither had seen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.features import Row


class Heads(msgspec.Struct, frozen=True, kw_only=True):
    """Weights of K heads over D dimensions, T terms and S surface measures in B bins."""

    terms: NDArray[np.int16]
    """Shape (T, K), in units of `unit`: integers, so their sum is exact."""
    unit: NDArray[np.float64]
    """Shape (K,)."""
    vector: NDArray[np.float32]
    """Shape (D, K)."""
    edges: NDArray[np.float32]
    """Upper ends of the bins but the last, shape (S, B - 1), rising along each row."""
    bins: NDArray[np.float32]
    """Shape (S * B, K)."""
    bias: NDArray[np.float64]
    """Shape (K,)."""

    def logits(self, row: Row) -> NDArray[np.float64]:
        """The logit of each head, shape (K,)."""
        total: NDArray[np.float64] = self.bias + self.parts(row).sum(axis=0)
        return total

    def parts(self, row: Row) -> NDArray[np.float64]:
        """What the terms, the vector and the surface add to each logit, shape (3, K)."""
        words = self.terms.take(row.terms, axis=0).sum(axis=0, dtype=np.int64)
        parts = np.empty((3, self.bias.size))
        parts[0] = words * (self.unit * row.terms_weight)
        parts[1] = row.vector @ self.vector
        parts[2] = self.bins.take(place(row.surface, self.edges), axis=0).sum(axis=0)
        return parts

    def scaled(self, slope: Sequence[float], offset: Sequence[float]) -> "Heads":
        """The heads whose logits are slope * logit + offset of these; one of each a head."""
        scale = np.array(slope)
        return msgspec.structs.replace(
            self,
            unit=self.unit * scale,
            vector=(self.vector * scale).astype(np.float32),
            bins=(self.bins * scale).astype(np.float32),
            bias=self.bias * scale + np.array(offset),
        )

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What an artifact keeps."""
        return {f"heads.{name}": getattr(self, name) for name in self.__struct_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Heads":
        """From what `arrays` gave. Raises KeyError where one is missing."""
        return cls(**{name: arrays[f"heads.{name}"] for name in cls.__struct_fields__})


def place(surface: NDArray[np.float32], edges: NDArray[np.float32]) -> NDArray[np.intp]:
    """Row of `Heads.bins` for each measure, shape (..., S); the rows of a measure adjoin."""
    measures, inner = edges.shape
    above: NDArray[np.intp] = (surface[..., None] > edges).sum(axis=-1)
    above += np.arange(measures) * (inner + 1)
    return above
