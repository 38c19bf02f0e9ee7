"""Whether stated probabilities come true."""

from typing import Final

import msgspec
import numpy as np

from classifier.judge.rows import Judged
from classifier.metrics import (
    Floats,
    Interval,
    brier,
    calibration_error,
    equally_full,
    mean,
    perfect_error,
    wilson,
)
from classifier.types import TIERS, Tier

BINS: Final = 10


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """A tenth of the rows, by confidence."""

    rows: int
    confidence: float
    """Mean of what was stated."""
    accuracy: Interval
    """With Wilson's interval (1927)."""


class TierScore(msgspec.Struct, frozen=True, kw_only=True):
    """How well `success` of one tier is known."""

    tier: Tier
    rows: int
    predicted: float
    measured: float
    """Mean share of right answers of the tier's models."""
    brier: float


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """Calibration of the label that was said, and of success per tier."""

    ece: float
    """Top-label expected calibration error in BINS equally full bins."""
    perfect: Interval
    """The same of a perfectly calibrated model on these confidences: chance alone."""
    excess: Interval
    """`ece` less `perfect`; it holds 0 where chance explains the error."""
    brier: Interval
    """Over the four labels, 0 to 2."""
    bins: tuple[Bin, ...]
    success: tuple[TierScore, ...]


def reliability(seen: Judged, every: Judged) -> Reliability:
    """Calibration of labels on `seen`, and of `success` on those of `every` that have shares."""
    confidence, right = seen.confidence, seen.truth == seen.said
    error, perfect = calibration_error(confidence, right, BINS), perfect_error(confidence, BINS)
    return Reliability(
        ece=error,
        perfect=perfect,
        excess=Interval(
            value=error - perfect.value, low=error - perfect.high, high=error - perfect.low
        ),
        brier=mean(brier(seen.probabilities, seen.truth), seen.alike),
        bins=tuple(
            Bin(
                rows=part.size,
                confidence=float(confidence[part].mean()),
                accuracy=wilson(int(right[part].sum()), part.size),
            )
            for part in equally_full(confidence, BINS)
        ),
        success=tuple(score for tier in range(len(TIERS)) for score in _tier(every, tier)),
    )


def _tier(every: Judged, tier: int) -> list[TierScore]:
    """The tier's score, or nothing where no row has its share."""
    found = [
        (share, getattr(verdict.success, TIERS[tier]))
        for example, verdict in zip(every.rows, every.verdicts, strict=True)
        if (share := example.shares[tier]) is not None
    ]
    if not found:
        return []
    both: Floats = np.array(found)
    measured, predicted = both.T
    return [
        TierScore(
            tier=TIERS[tier],
            rows=len(found),
            predicted=float(predicted.mean()),
            measured=float(measured.mean()),
            brier=float(((predicted - measured) ** 2).mean()),
        )
    ]
