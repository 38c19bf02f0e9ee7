"""Calibration finds what is true; the cut-off prefers fewer false alarms."""

import numpy as np
import pytest

from classifier.calibrate import calibrate, choose_cutoff
from classifier.model import sigmoid
from classifier.targets import Floats, Task
from classifier.types import LABELS

DRAW = np.random.default_rng(7)
LOGITS = DRAW.normal(size=4_000)
NOTHING = np.zeros(4_000)


def task(target: Floats, trust: Floats | None = None) -> Task:
    weight = np.ones(target.size)
    return Task(
        rows=np.arange(target.size),
        target=target,
        trust=weight if trust is None else trust,
        weight=weight,
    )


@pytest.mark.parametrize(("slope", "offset"), [(1, 0), (0.4, -1), (2.5, 2)])
def test_slope_and_offset_are_found_again(slope: float, offset: float) -> None:
    target = sigmoid(slope * LOGITS + offset)
    assert calibrate(LOGITS, NOTHING, task(target)) == pytest.approx(
        (slope, offset), rel=0.03, abs=0.02
    )


def test_a_step_is_found_above_what_the_tiers_below_solve() -> None:
    before = DRAW.uniform(0, 0.9, LOGITS.size)
    target = before + (1 - before) * sigmoid(0.8 * LOGITS - 0.5)
    assert calibrate(LOGITS, before, task(target)) == pytest.approx((0.8, -0.5), abs=0.05)


def test_a_head_that_is_worse_than_none_becomes_its_mean() -> None:
    target = (LOGITS < 0).astype(float) * 0.5 + 0.1
    slope, offset = calibrate(LOGITS, NOTHING, task(target))
    assert slope == 0
    assert sigmoid(np.array([offset]))[0] == pytest.approx(target.mean(), abs=1e-3)


def test_rows_count_by_their_trust() -> None:
    target = np.concatenate([np.ones(2_000), np.zeros(2_000)])
    trust = np.concatenate([np.full(2_000, 3.0), np.ones(2_000)])
    _, offset = calibrate(NOTHING, NOTHING, task(target, trust))
    assert sigmoid(np.array([offset]))[0] == pytest.approx(0.75, abs=1e-3)


@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_rows_that_all_say_the_same_stay_finite(answer: float) -> None:
    slope, offset = calibrate(LOGITS[:50], NOTHING[:50], task(np.full(50, answer)))
    assert np.isfinite([slope, offset]).all()


def test_few_rows_and_no_rows_stay_finite() -> None:
    empty = task(np.zeros(0))
    assert np.isfinite(calibrate(LOGITS, NOTHING, empty)).all()
    assert np.isfinite(calibrate(LOGITS, NOTHING, task(np.array([1.0, 0.0])))).all()


def test_the_cut_off_parts_what_can_be_parted() -> None:
    easy, lacks = LABELS.index("easy"), LABELS.index("needs_info")
    label = np.array([easy] * 50 + [lacks] * 50)
    lacking = np.concatenate([np.linspace(0, 0.45, 50), np.linspace(0.55, 1, 50)])
    assert choose_cutoff(lacking, np.full(100, easy), label) == 0.55


def test_of_cut_offs_that_are_as_good_the_highest_is_taken() -> None:
    easy, lacks = LABELS.index("easy"), LABELS.index("needs_info")
    label = np.array([easy] * 50 + [lacks] * 50)
    lacking = np.array([0.1] * 50 + [0.9] * 50)
    assert choose_cutoff(lacking, np.full(100, easy), label) == 0.8


def test_what_is_more_likely_answerable_than_not_is_never_called_needs_info() -> None:
    easy, lacks = LABELS.index("easy"), LABELS.index("needs_info")
    label = np.array([easy] * 50 + [lacks] * 50)
    lacking = np.array([0.1] * 50 + [0.4] * 50)
    assert choose_cutoff(lacking, np.full(100, easy), label) >= 0.5


def test_a_few_rows_move_it_a_little_and_one_sided_ones_not_far() -> None:
    ones = task(np.ones(5))
    slope, offset = calibrate(np.zeros(5), np.zeros(5), ones)
    assert slope == pytest.approx(1)
    assert 0.3 < offset < 2


@pytest.mark.parametrize("rows", [30, 300, 3_000])
@pytest.mark.parametrize("loudness", [3, 5, 9])
def test_a_head_that_is_several_times_too_loud_is_turned_down(rows: int, loudness: float) -> None:
    draw = np.random.default_rng(2)
    answer = (draw.random(rows) < 0.4).astype(float)
    true = 2 * draw.normal(0, 1, rows) + answer
    slope, offset = calibrate(loudness * true, np.zeros(rows), task(answer))
    plain, shift = calibrate(true, np.zeros(rows), task(answer))
    told, told_plainly = sigmoid(slope * loudness * true + offset), sigmoid(plain * true + shift)
    assert 0 < slope < plain
    assert np.mean((told - answer) ** 2) < np.mean((told_plainly - answer) ** 2) + 0.02
