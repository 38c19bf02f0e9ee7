"""Calibration, against models whose calibration is known."""

import numpy as np
import pytest

from classifier.corpus import Example
from classifier.judge.reliability import reliability
from classifier.judge.rows import Judged, judged
from tests.judged import verdict


def rows(confidence: float, right: int, wrong: int) -> Judged:
    """Rows that say easy with one confidence, some rightly."""
    examples = [Example(prompt="x", label="easy")] * right
    examples += [Example(prompt="x", label="medium")] * wrong
    return judged(examples, [verdict("easy", confidence)] * (right + wrong))


def test_the_error_beyond_chance_is_what_chance_does_not_explain() -> None:
    found = reliability(rows(0.9, 50, 50), rows(0.9, 50, 50))
    assert found.ece == pytest.approx(
        np.mean([abs(0.9 - share) for share in (1, 1, 1, 1, 1, 0, 0, 0, 0, 0)])
    )
    assert found.excess.value == pytest.approx(found.ece - found.perfect.value)
    assert found.excess.low == pytest.approx(found.ece - found.perfect.high)
    assert found.excess.low > 0


def test_confidence_that_comes_true_is_within_chance() -> None:
    draw = np.random.default_rng(3)
    stated = draw.uniform(0.3, 1, 2_000).round(6).tolist()
    examples = [
        Example(prompt="x", label="easy" if draw.random() < share else "medium") for share in stated
    ]
    seen = judged(examples, [verdict("easy", share) for share in stated])
    found = reliability(seen, seen)
    assert found.perfect.low <= found.ece <= found.perfect.high
    assert found.excess.low <= 0 <= found.excess.high


def test_brier_is_the_squared_distance_over_all_labels() -> None:
    # Right: (1 - .8)² + .2² = .08; wrong: .8² + (1 - .2)² = 1.28.
    found = reliability(rows(0.8, 3, 1), rows(0.8, 3, 1))
    assert found.brier.value == pytest.approx((3 * 0.08 + 1.28) / 4)


def test_bins_are_equally_full_and_rise() -> None:
    seen = judged(
        [Example(prompt="x", label="easy")] * 20,
        [verdict("easy", share / 20) for share in range(1, 21)],
    )
    bins = reliability(seen, seen).bins
    assert [part.rows for part in bins] == [2] * 10
    assert bins[0].confidence == pytest.approx(0.075)
    assert bins[-1].confidence == pytest.approx(0.975)
    assert all(part.accuracy.value == 1 for part in bins)


def test_success_is_compared_where_a_tier_was_measured() -> None:
    measured = judged(
        [Example(prompt="x", share_small=0.2), Example(prompt="x", share_small=0.6)],
        [verdict(success=(0.4, 0.6, 0.7))] * 2,
    )
    (tier,) = reliability(rows(0.9, 1, 1), measured).success
    assert (tier.tier, tier.rows) == ("easy", 2)
    assert [tier.predicted, tier.measured] == pytest.approx([0.4, 0.4])
    assert tier.brier == pytest.approx(0.04)
