"""Verdicts that were made before, by the digest of what was scored: a second run need not score.

One file for each version of the classifier: the digests, sorted, then scores and labels, as
plain arrays that every process maps into its memory. No text is in it.
"""

import os
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.columns import Codes
from router.replay.part import SCORES, Index, Keys

MAGIC: Final = b"gearshift verdicts 2\n"
"""Begins the header; how many rows follow stands at the header's end."""
HEADER_BYTES: Final = 64
ROW_BYTES: Final = 8 + 8 + 4 * len(SCORES) + 1
MOST: Final = 16_000_000
"""Verdicts that are kept: half a gigabyte. A log with more different prompts is scored in part."""


class Verdicts(Struct, frozen=True, kw_only=True):
    """Verdicts, sorted by the first half of their keys."""

    key: Keys
    """(n,) First half of the digest."""
    rest: Keys
    """(n,) Second half."""
    scores: Index
    """(n, 5) By SCORES, millionths."""
    label: Codes
    """(n,)"""

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """Row of each of `keys`, shape (k, 2); -1 for those that are not here."""
        if not len(self.key):
            return np.full(len(keys), -1, np.int64)
        at = np.searchsorted(self.key, keys[:, 0]).clip(max=len(self.key) - 1)
        same = (self.key[at] == keys[:, 0]) & (self.rest[at] == keys[:, 1])
        return np.where(same, at, -1)


NONE: Final = Verdicts(
    key=np.empty(0, np.uint64),
    rest=np.empty(0, np.uint64),
    scores=np.empty((0, len(SCORES)), np.int32),
    label=np.empty(0, np.uint8),
)


def load(path: Path) -> Verdicts:
    """What is kept in `path`; nothing where there is no such file, or it is no such file."""
    try:
        data = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError):
        return NONE
    rows = (data.size - HEADER_BYTES) // ROW_BYTES
    whole = data.size == HEADER_BYTES + rows * ROW_BYTES
    # Of a file that was cut short between two rows only the header knows.
    if rows < 0 or not whole or bytes(data[:HEADER_BYTES]) != _header(rows):
        return NONE
    ends = np.cumsum([HEADER_BYTES, 8 * rows, 8 * rows, 4 * len(SCORES) * rows, rows])
    key, rest, scores, label = (data[a:b] for a, b in pairwise(ends))
    return Verdicts(
        key=key.view(np.uint64),
        rest=rest.view(np.uint64),
        scores=scores.view(np.int32).reshape(-1, len(SCORES)),
        label=label,
    )


def keep(path: Path, new: Verdicts) -> None:
    """Put `new` into `path`, whole or not at all. Raises OSError."""
    if not len(new.key):
        return
    old = load(path)
    key = np.concatenate([old.key, new.key])
    order = np.argsort(key, kind="stable")
    # Of equal keys the first, which is the older: their verdicts are the same.
    first = np.ones(len(key), bool)
    first[1:] = key[order][1:] != key[order][:-1]
    chosen = order[first][:MOST]
    arrays = (
        key[chosen],
        np.concatenate([old.rest, new.rest])[chosen],
        np.concatenate([old.scores, new.scores])[chosen],
        np.concatenate([old.label, new.label])[chosen],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    with draft.open("wb") as file:
        file.write(_header(len(chosen)))
        for array in arrays:
            file.write(np.ascontiguousarray(array).tobytes())
    draft.replace(path)


def _header(rows: int) -> bytes:
    return MAGIC.ljust(HEADER_BYTES - 8, b"\0") + rows.to_bytes(8, "little")
