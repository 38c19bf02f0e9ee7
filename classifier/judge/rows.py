"""The rows that judge a classifier, with what it said of each."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import Example, groups
from classifier.metrics import Floats, Labels, positions
from classifier.types import Verdict


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with their verdicts. All have one entry a row."""

    rows: tuple[Example, ...]
    verdicts: tuple[Verdict, ...]
    truth: Labels
    """-1 where there is no label."""
    said: Labels
    alike: NDArray[np.intp]
    """Near duplicates and twins share a number; intervals are drawn over these."""

    @property
    def confidence(self) -> Floats:
        """Probability of the label that was said."""
        return np.array([verdict.confidence for verdict in self.verdicts])

    @property
    def probabilities(self) -> Floats:
        """Of each label, shape (n, 4), in the order of LABELS."""
        return np.array([msgspec.structs.astuple(v.probabilities) for v in self.verdicts])


def judged(rows: Sequence[Example], verdicts: Sequence[Verdict]) -> Judged:
    """`rows` with their `verdicts`, in one order."""
    return Judged(
        rows=tuple(rows),
        verdicts=tuple(verdicts),
        truth=positions([row.label for row in rows]),
        said=positions([verdict.label for verdict in verdicts]),
        alike=groups(rows) if rows else np.zeros(0, np.intp),
    )
