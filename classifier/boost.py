"""Boosted heads: fitted by scikit-learn, exported to the arrays that serve. Training only."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.forest import SCALE, Forest
from classifier.targets import Floats, Task

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier as Booster

SEED: Final = 20_261_123


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a head is boosted; chosen on folds of the training rows."""

    trees: int = 120
    rate: float = 0.07
    leaves: int = 12
    depth: int = 6
    smallest_leaf: int = 20


def boost(matrix: NDArray[np.float32], task: Task, settings: Settings) -> "Booster":
    """A booster for `task`. A target between 0 and 1 counts as that much yes and the rest no."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 (the train extra)

    yes, no = task.target > 0, task.target < 1
    booster = HistGradientBoostingClassifier(
        max_iter=settings.trees,
        learning_rate=settings.rate,
        max_leaf_nodes=settings.leaves,
        max_depth=settings.depth,
        min_samples_leaf=settings.smallest_leaf,
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,
        random_state=SEED,
    )
    return booster.fit(
        np.concatenate([matrix[task.rows[yes]], matrix[task.rows[no]]]),
        np.repeat([1, 0], [yes.sum(), no.sum()]),
        sample_weight=np.concatenate(
            [(task.weight * task.target)[yes], (task.weight * (1 - task.target))[no]]
        ),
    )


def export(boosters: Sequence["Booster"]) -> Forest:
    """The arrays of `boosters`, one head each. Nodes are renumbered so that siblings adjoin."""
    trees = [[stage[0].nodes for stage in booster._predictors] for booster in boosters]  # noqa: SLF001 (scikit-learn has no public way to its trees)
    base = [float(np.squeeze(booster._baseline_prediction)) for booster in boosters]  # noqa: SLF001 (likewise)
    parts: list[Nodes] = []
    root: list[int] = []
    first: list[int] = []
    at = 0
    for head in trees:
        first.append(len(root))
        for tree in head:
            root.append(at)
            parts.append(_renumber(tree, at))
            at += len(tree)
    return Forest(
        feature=np.concatenate([p.feature for p in parts]),
        threshold=np.concatenate([p.threshold for p in parts]),
        left=np.concatenate([p.left for p in parts]),
        leaf=np.concatenate([p.leaf for p in parts]),
        root=np.array(root, np.int32),
        first=np.array(first, np.int32),
        base=np.array(base, np.float64),
        depth=max(int(tree["depth"].max()) for head in trees for tree in head),
    )


class Nodes(msgspec.Struct, frozen=True, kw_only=True):
    """One tree, breadth first."""

    feature: NDArray[np.int32]
    threshold: Floats
    left: NDArray[np.int32]
    leaf: NDArray[np.int32]


def _renumber(tree: NDArray[np.void], start: int) -> Nodes:
    """`tree` with its root at `start`; a leaf is its own left child, its threshold infinite."""
    order = [0]
    left = np.zeros(len(tree), np.int32)
    for place, node in enumerate(order):  # grows while it is read: breadth first
        if tree["is_leaf"][node]:
            left[place] = start + place
        else:
            left[place] = start + len(order)
            order += [int(tree["left"][node]), int(tree["right"][node])]
    nodes = tree[order]
    leaf = nodes["is_leaf"].astype(bool)
    return Nodes(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
        threshold=np.where(leaf, np.inf, nodes["num_threshold"]),
        left=left,
        leaf=np.where(leaf, np.rint(nodes["value"] / SCALE), 0).astype(np.int32),
    )
