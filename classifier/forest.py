"""Boosted trees as plain arrays: made by scikit-learn, walked by numpy.

All trees of all heads are walked together, one level a step. Leaves are fixed-point integers, so
sums are exact: the order of addition, and with it the batch, the thread and the machine, changes
no bit of a verdict.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

SCALE: Final = 2.0**-24
"""One unit of a leaf, in logits."""


class Forest(msgspec.Struct, frozen=True, kw_only=True):
    """Trees of several heads. A node's right child follows its left one; a leaf is its own child.

    `feature`, `threshold`, `left`, `leaf` have one row a node; `root` one a tree; `first` holds
    the first tree of each head; `base` the logit that each head starts from.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    leaf: NDArray[np.int32]
    root: NDArray[np.int32]
    first: NDArray[np.int32]
    base: NDArray[np.float64]
    depth: int

    def logits(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """The logit of each head for one row of features, shape (heads,)."""
        node = self.root
        for _ in range(self.depth):
            right = row.take(self.feature.take(node)) > self.threshold.take(node)
            node = self.left.take(node) + right
        return self.base + np.add.reduceat(self.leaf.take(node), self.first, dtype=np.int64) * SCALE

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What an artifact keeps, beside `depth`."""
        return {f"forest.{name}": getattr(self, name) for name in _ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, depth: int) -> "Forest":
        """From what `arrays` gave. Raises KeyError or ValueError where it is something else."""
        forest = cls(depth=depth, **{name: arrays[f"forest.{name}"] for name in _ARRAYS})
        nodes = len(forest.feature)
        sizes = {len(forest.threshold), len(forest.left), len(forest.leaf)}
        highest = max(forest.left.max(), forest.root.max())
        inside = min(forest.left.min(), forest.root.min()) >= 0 and highest < nodes
        if sizes != {nodes} or not inside or len(forest.first) != len(forest.base):
            msg = "the arrays of the forest do not fit each other"
            raise ValueError(msg)
        return forest


_ARRAYS: Final = ("feature", "threshold", "left", "leaf", "root", "first", "base")
