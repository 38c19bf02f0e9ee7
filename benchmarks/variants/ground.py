"""The rows that every variant stands on, and which of them a run may learn from.

A run leaves some sources out, or none. It learns from rows of the part "train" and calibrates on
rows of the part "calibrate" (classifier.folds), neither from a source that it leaves out, nor under
a restricted licence class, nor in a cluster with a row that is left out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_sources import deal
from classifier.corpus import RESTRICTED, Example, groups, read, readable, samples
from classifier.folds import parts
from classifier.types import Prompt

FOLDS: Final = 3
"""As few as leave two thirds of the rows to learn from: an encoder is tuned anew for each."""

Mask: TypeAlias = NDArray[np.bool_]
Side: TypeAlias = Literal["rows", "val"]
"""The rows that are learned from and left out in turn, or those that only report."""


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that can be scored; masks and arrays have one entry a row of `rows`."""

    rows: tuple[Example, ...]
    asked: tuple[Prompt, ...]
    val: tuple[Example, ...]
    val_asked: tuple[Prompt, ...]
    part: NDArray[np.str_]
    allowed: Mask
    """Whether the licence lets a row train."""
    group: NDArray[np.intp]
    """A number that near duplicates and twins share."""
    fold: NDArray[np.intp]
    """The run, 1 to FOLDS, that leaves a row's source out."""

    def out(self, run: int) -> Mask:
        """The rows that run number `run` leaves out and is judged by; run 0 leaves none."""
        left: Mask = self.fold == run
        return left

    def usable(self, run: int) -> Mask:
        """The rows that a run may look at, to learn or to calibrate."""
        apart: Mask = ~np.isin(self.group, self.group[self.out(run)])
        return self.allowed & apart

    def fitted(self, run: int) -> Mask:
        """The rows that a run learns from."""
        chosen: Mask = self.usable(run) & (self.part == "train")
        return chosen

    def held(self, run: int) -> Mask:
        """The rows that calibrate a run."""
        chosen: Mask = self.usable(run) & (self.part == "calibrate")
        return chosen

    def prompts(self, side: Side) -> tuple[Prompt, ...]:
        """What is scored of one side."""
        return self.asked if side == "rows" else self.val_asked


def ground(rows: Sequence[Example], val: Sequence[Example], folds: int = FOLDS) -> Ground:
    """The ground of `rows`, which teach, and `val`, which only reports."""
    chosen, asked = readable(rows)
    reported, val_asked = readable(val)
    dealt = deal(chosen, folds)
    of = {source: number for number, sources in enumerate(dealt, 1) for source in sources}
    return Ground(
        rows=tuple(chosen),
        asked=tuple(asked),
        val=tuple(reported),
        val_asked=tuple(val_asked),
        part=parts(chosen),
        allowed=np.array([row.license_class not in RESTRICTED for row in chosen], np.bool_),
        group=groups(chosen),
        fold=np.array([of[row.source] for row in chosen], np.intp),
    )


def read_ground(data: Sequence[Path], val: Sequence[Path]) -> Ground:
    """The ground of files, with the examples that ship. Raises classifier.corpus.CorpusError."""
    return ground([*read(data), *read(samples())], read(val))
