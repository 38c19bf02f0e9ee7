"""What became of held-out rows: how good each tier's answer is, by measured shares or by label."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from classifier.corpus import Example, groups, readable
from classifier.folds import of_part
from classifier.guarantee import Rows, TargetError
from classifier.model import Classifier
from classifier.types import Label, Verdict

_BY_LABEL: Final[dict[Label | None, tuple[float, float, float]]] = {
    "easy": (1.0, 1.0, 1.0),
    "medium": (0.0, 1.0, 1.0),
    "hard": (0.0, 0.0, 1.0),
}
_UNKNOWN: Final = (math.nan, math.nan, math.nan)


def held_out(classifier: Classifier, examples: Sequence[Example]) -> Rows:
    """The rows of `examples` that no version's heads were fitted on, as `classifier` sees them.

    Those are the rows whose part is "calibrate", whatever file they stand in. Raises TargetError.
    """
    rows, asked = readable(of_part(examples, "calibrate"))
    if not rows:
        msg = (
            f"none of {len(examples):,} rows is held out: a tenth of the groups of near "
            "duplicates is kept from training for this, so more rows are needed"
        )
        raise TargetError(msg)
    return as_rows(rows, classifier.assess_many(asked))


def as_rows(examples: Sequence[Example], verdicts: Sequence[Verdict]) -> Rows:
    """`examples` and what was said of each, as columns."""
    return Rows(
        easy=np.array([v.success.easy for v in verdicts]),
        medium=np.array([v.success.medium for v in verdicts]),
        lacking=np.array([v.label == "needs_info" for v in verdicts], np.bool_),
        hard=np.array([e.label == "hard" and e.trusted for e in examples], np.bool_),
        quality=np.array([quality(e) for e in examples], np.float64),
        group=groups(examples),
    )


def quality(example: Example) -> tuple[float, float, float]:
    """How good the answer of each tier is, 0 to 1; NaN where nobody knows.

    The measured shares, where all three are there. Where one is not, the share of a neighbour
    would say that the tiers are alike, so the label decides, if it is trusted: a tier solves what
    is labelled with it or with an easier one. What lacks information is nobody's to solve.
    """
    small, mid, top = example.shares
    if small is not None and mid is not None and top is not None:
        return small, mid, top
    return _BY_LABEL.get(example.label, _UNKNOWN) if example.trusted else _UNKNOWN
