"""Which rows train, which calibrate, which decide on a promotion: for ever, by what they say.

A row's part is drawn from a digest of its group, not from its place in a file: the row that held
out one version holds out every later one, whatever data is added, shuffled or split over files.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from classifier.corpus import Example, group_key

Part: TypeAlias = Literal["train", "calibrate", "promote"]

PARTS: Final[tuple[Part, ...]] = ("train", "calibrate", "promote")
SHARES: Final = (80, 10, 10)
"""Percent of the groups in each part."""


def parts(examples: Sequence[Example]) -> NDArray[np.str_]:
    """The part of each example, shape (n,): one of PARTS."""
    edges = np.cumsum(SHARES)
    draws = [int.from_bytes(_digest(group_key(example))) % 100 for example in examples]
    return np.array(PARTS)[np.searchsorted(edges, draws, side="right")]


def of_part(examples: Sequence[Example], *wanted: Part) -> list[Example]:
    """The examples of these parts."""
    return [e for e, part in zip(examples, parts(examples), strict=True) if part in wanted]


def _digest(key: str) -> bytes:
    raw = key.encode("utf-8", "replace")
    return blake2b(raw, digest_size=8, person=b"gearshift parts").digest()
