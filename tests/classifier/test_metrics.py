"""The measures agree with scikit-learn's, and intervals cover what they should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from classifier.metrics import (
    Interval,
    auroc,
    average_precision,
    bootstrap,
    brier,
    calibration_error,
    confusion,
    f1,
    macro_f1,
    mean,
    perfect_error,
    precision,
    precision_recall,
    recall,
    wilson,
)
from classifier.types import LABELS

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(PAIRS)
def test_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    truth, said = np.array(pairs).T
    every = range(len(LABELS))
    expected = f1_score(truth, said, average=None, labels=every, zero_division=0)
    assert f1(truth, said) == pytest.approx(expected)
    present = sorted(set(truth.tolist()))
    macro = f1_score(truth, said, average="macro", labels=present, zero_division=0)
    assert macro_f1(truth, said) == pytest.approx(macro)


@given(PAIRS)
def test_precision_and_recall_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    truth, said = np.array(pairs).T
    how = {"average": None, "labels": range(len(LABELS)), "zero_division": 0}
    assert precision(truth, said) == pytest.approx(precision_score(truth, said, **how))
    assert recall(truth, said) == pytest.approx(recall_score(truth, said, **how))


@given(PAIRS)
def test_every_row_stands_once_in_the_confusion(pairs: list[tuple[int, int]]) -> None:
    truth, said = np.array(pairs).T
    table = confusion(truth, said)
    assert table.sum() == len(pairs)
    assert table[truth[0], said[0]] >= 1
    assert (table.sum(axis=1) == np.bincount(truth, minlength=4)).all()


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=50))
def test_auroc_is_scikit_learns_with_ties(pairs: list[tuple[int, bool]]) -> None:
    score = np.array([score for score, _ in pairs], float)
    positive = np.array([side for _, side in pairs])
    if positive.all() or not positive.any():
        assert auroc(score, positive) is None
    else:
        assert auroc(score, positive) == pytest.approx(roc_auc_score(positive, score))


def test_no_rows_have_no_score() -> None:
    nothing = np.zeros(0, np.intp)
    assert macro_f1(nothing, nothing) == 0
    assert auroc(np.zeros(0), np.zeros(0, np.bool_)) is None
    assert calibration_error(np.zeros(0), np.zeros(0, np.bool_)) == 0


def test_confidence_that_is_true_has_no_calibration_error() -> None:
    right = np.array([True] * 8 + [False] * 2)
    assert calibration_error(np.full(10, 0.8), right, bins=1) == pytest.approx(0)
    assert calibration_error(np.full(10, 0.5), right, bins=1) == pytest.approx(0.3)


def test_bins_are_judged_one_by_one() -> None:
    confidence = np.array([0.5] * 10 + [1.0] * 10)
    right = np.array([True] * 10 + [False, True] * 5)
    assert calibration_error(confidence, right, bins=2) == pytest.approx(0.5)


def test_the_interval_holds_the_value_and_repeats() -> None:
    values = np.random.default_rng(1).normal(3, 1, 400)
    one = bootstrap(lambda rows: float(values[rows].mean()), np.arange(400))
    assert one.value == pytest.approx(values.mean())
    assert one.low < one.value < one.high
    assert one.high - one.low == pytest.approx(2 * 1.96 / 20, rel=0.2)
    assert bootstrap(lambda rows: float(values[rows].mean()), np.arange(400)) == one


def test_duplicates_in_one_group_do_not_narrow_the_interval() -> None:
    values = np.repeat(np.random.default_rng(1).normal(size=50), 20)

    def mean(rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> float:
        return float(values[rows].mean())

    grouped = bootstrap(mean, np.repeat(np.arange(50), 20))
    alone = bootstrap(mean, np.arange(1_000))
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=50))
def test_average_precision_is_scikit_learns_with_ties(pairs: list[tuple[int, bool]]) -> None:
    score = np.array([score for score, _ in pairs], float)
    positive = np.array([side for _, side in pairs])
    if positive.any():
        expected = average_precision_score(positive, score)
        assert average_precision(score, positive) == pytest.approx(expected)
    else:
        assert average_precision(score, positive) == 0


def test_the_curve_has_a_point_for_each_distinct_score() -> None:
    score = np.array([0.9, 0.5, 0.5, 0.1])
    right, found, cutoff = precision_recall(score, np.array([True, False, True, False]))
    assert cutoff.tolist() == [0.9, 0.5, 0.1]
    assert right.tolist() == pytest.approx([1, 2 / 3, 1 / 2])
    assert found.tolist() == [0.5, 1, 1]


def test_brier_is_0_for_the_truth_and_2_for_its_opposite() -> None:
    stated = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0.25] * 4])
    assert brier(stated, np.array([0, 0, 3])).tolist() == pytest.approx([0, 2, 0.75])


def test_a_perfect_model_errs_less_the_more_rows_there_are() -> None:
    few, many = (perfect_error(np.full(rows, 0.7)) for rows in (50, 5_000))
    # Ten bins of n/10 rows: the mean distance of a share from .7 is about sqrt(2/π · .21 / (n/10)).
    assert many.value == pytest.approx((2 / np.pi * 0.21 / 500) ** 0.5, rel=0.05)
    assert few.value > 5 * many.value
    assert few.low < few.value < few.high
    assert perfect_error(np.ones(100)).value == 0


def test_a_resample_on_which_a_measure_is_not_defined_does_not_count() -> None:
    def share(rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> float:
        return 0.5 if {0, 1} <= set(rows.tolist()) else float("nan")

    assert bootstrap(share, np.arange(2)) == Interval(value=0.5, low=0.5, high=0.5)


def test_one_group_alone_has_an_interval_of_one_value() -> None:
    assert mean(np.array([True, False]), np.zeros(2, np.intp)) == Interval(
        value=0.5, low=0.5, high=0.5
    )


def test_an_interval_is_written_as_it_is_read() -> None:
    figure = Interval(value=0.6094, low=-0.5, high=0.637)
    assert f"{figure:.2f}" == "0.61 [-0.50, 0.64]"
    assert f"{figure:+.1f}" == "+0.6 [-0.5, +0.6]"


def test_wilsons_interval() -> None:
    # Ten of ten: from 10 / (10 + 1.96²) to 1 (Wilson 1927).
    found = wilson(10, 10)
    assert [found.value, found.high] == pytest.approx([1, 1])
    assert found.low == pytest.approx(10 / (10 + 1.959964**2))
    half = wilson(50, 100)
    assert [half.low, half.high] == pytest.approx([0.4038, 0.5962], abs=1e-4)


def test_a_share_without_exception_is_as_sure_as_its_groups_are_many() -> None:
    assert mean(np.ones(10, np.bool_), np.arange(10)) == wilson(10, 10)
    assert mean(np.zeros(10, np.bool_), np.arange(10)) == wilson(0, 10)
    alike = mean(np.ones(10, np.bool_), np.repeat([0, 1], 5))
    assert alike == wilson(2, 2)
    assert alike.low < wilson(10, 10).low
