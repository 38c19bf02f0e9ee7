"""needs_info and its twins, counted by hand."""

import numpy as np
import pytest

from classifier.corpus import Example
from classifier.judge.lacking import Lacking, cutoff_at, lacking, whole_pairs
from classifier.judge.rows import judged
from classifier.types import Label
from tests.judged import verdict

CUTOFF = 0.5


def row(needs_info: int | None, score: float, pair: str | None = None) -> tuple[Example, float]:
    return Example(prompt="x", needs_info=needs_info, pair_id=pair), score


def judge(*rows: tuple[Example, float]) -> Lacking:
    said: list[Label] = ["needs_info" if score >= CUTOFF else "easy" for _, score in rows]
    verdicts = [verdict(label, lacking=score) for label, (_, score) in zip(said, rows, strict=True)]
    found = lacking(judged([example for example, _ in rows], verdicts))
    assert found is not None
    return found


ROWS = (
    row(1, 0.9, "a"),
    row(0, 0.8, "a"),
    row(1, 0.7, "b"),
    row(0, 0.1, "b"),
    row(1, 0.3, "c"),
    row(0, 0.4, "c"),
    row(0, 0.2),
    row(1, 0.6),
    row(None, 0.95),
)


def test_it_is_judged_where_something_is_known() -> None:
    found = judge(*ROWS)
    assert (found.rows, found.lacking) == (8, 4)
    # 16 pairs of sides; lost: .7, .6 and .3 to .8, and .3 to .4.
    assert found.auroc.value == pytest.approx(12 / 16)
    assert found.auroc.low <= found.auroc.value <= found.auroc.high


def test_average_precision_weighs_precision_by_the_recall_it_adds() -> None:
    # From above: hit, miss, hit, hit, miss, hit: 1, 2/3, 3/4, 4/6, a quarter each.
    assert judge(*ROWS).average_precision.value == pytest.approx((1 + 2 / 3 + 3 / 4 + 4 / 6) / 4)


def test_recall_and_precision_are_at_the_models_own_cutoff() -> None:
    found = judge(*ROWS)
    assert found.recall.value == pytest.approx(3 / 4)
    assert found.precision == pytest.approx(3 / 4)


def test_the_curve_begins_with_the_surest_and_finds_all_in_the_end() -> None:
    curve = judge(*ROWS).curve
    assert (curve[0].cutoff, curve[0].recall, curve[0].precision) == (0.9, 0.25, 1)
    assert (curve[-1].cutoff, curve[-1].recall, curve[-1].precision) == (0.1, 1, 0.5)


def test_twins_are_compared_pair_by_pair() -> None:
    twins = judge(*ROWS).twins
    assert twins is not None
    assert (twins.pairs, twins.answerable) == (3, 3)
    assert twins.higher.value == pytest.approx(2 / 3)


def test_a_tie_is_not_higher_and_several_in_a_pair_count_as_one() -> None:
    tie = judge(row(1, 0.5, "a"), row(0, 0.5, "a")).twins
    assert tie is not None
    assert tie.higher.value == 0
    three = judge(row(1, 0.9, "a"), row(1, 0.1, "a"), row(0, 0.5, "a")).twins
    assert three is not None
    assert (three.pairs, three.higher.value) == (1, 0.5)


def test_false_alarms_are_of_the_answerable_twins() -> None:
    twins = judge(*ROWS).twins
    assert twins is not None
    assert twins.false_alarms.value == pytest.approx(1 / 3)
    # 70 % of four are found with three, at .6 (.9, .7, .6): only .8 of the three is over it.
    assert twins.false_alarms_at_recall.value == pytest.approx(1 / 3)


def test_the_cutoff_of_a_recall_is_the_highest_that_reaches_it() -> None:
    score = np.arange(10) / 10
    lacks = np.ones(10, np.bool_)
    assert cutoff_at(0.7, score, lacks) == pytest.approx(0.3)
    assert cutoff_at(0.71, score, lacks) == pytest.approx(0.2)
    assert cutoff_at(1.0, score, lacks) == 0


def test_half_a_pair_is_no_pair() -> None:
    rows = [row(1, 0, "a"), row(0, 0, "b"), row(None, 0, "b"), row(1, 0, "c"), row(0, 0, "c")]
    assert whole_pairs([example for example, _ in rows]) == [[3, 4]]
    assert judge(row(1, 0.9), row(0, 0.1)).twins is None


def test_unlabelled_prompts_are_alarms_only() -> None:
    found = judge(*ROWS, row(None, 0.1), row(None, 0.2), row(None, 0.3))
    assert found.unlabelled is not None
    assert found.unlabelled.value == pytest.approx(1 / 4)
    assert judge(*ROWS[:-1]).unlabelled is None


def test_one_side_alone_cannot_judge() -> None:
    assert lacking(judged([Example(prompt="x", needs_info=0)], [verdict()])) is None
    assert lacking(judged([], [])) is None
