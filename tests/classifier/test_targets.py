"""Which rows teach which head, and with how much weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import targets
from classifier.corpus import LEAST_TRUST, Example
from classifier.targets import SOURCE_POWER, Task, increment
from classifier.types import Label


def example(
    label: Label | None = None,
    *,
    source: str = "one",
    conf: float | None = 1.0,
    needs_info: int | None = None,
    shares: tuple[float | None, float | None, float | None] = (None, None, None),
) -> Example:
    return Example(
        prompt="?",
        source=source,
        label=label,
        conf=conf,
        needs_info=needs_info,
        share_small=shares[0],
        share_mid=shares[1],
        share_top=shares[2],
    )


def test_needs_info_learns_from_every_row_that_says_yes_or_no() -> None:
    rows = [example(needs_info=1), example("easy"), example("easy", needs_info=0), example()]
    task = targets.needs_info(rows)
    assert task.rows.tolist() == [0, 2]
    assert task.target.tolist() == [1, 0]


def test_within_a_source_both_answers_weigh_alike() -> None:
    rows = [example(needs_info=int(n < 9)) for n in range(10)]
    rows += [example(needs_info=0, source="answerable") for _ in range(5)]
    task = targets.needs_info(rows)
    assert task.weight[:9].sum() == pytest.approx(task.weight[9])
    assert task.weight[10:] == pytest.approx(task.weight[10])


def test_an_answer_without_a_label_is_still_believed_a_little() -> None:
    task = targets.needs_info([example(needs_info=1, conf=0.0), example(needs_info=0, conf=0.9)])
    assert task.trust.tolist() == [LEAST_TRUST, 0.9]


def test_each_step_up_is_asked_of_those_that_took_the_one_before() -> None:
    rows = [example(label) for label in ("easy", "medium", "hard", "needs_info", None)]
    above_easy, above_medium = targets.above(rows, 0), targets.above(rows, 1)
    assert (above_easy.rows.tolist(), above_easy.target.tolist()) == ([0, 1, 2], [0, 1, 1])
    assert (above_medium.rows.tolist(), above_medium.target.tolist()) == ([1, 2], [0, 1])


def test_labels_that_nobody_trusts_do_not_teach() -> None:
    rows = [example("easy", conf=LEAST_TRUST), example("hard", conf=None)]
    assert targets.above(rows, 0).rows.tolist() == [1]


def test_each_tier_learns_only_from_rows_with_its_own_share() -> None:
    rows = [
        example(shares=(0.5, None, None)),
        example(shares=(None, 0.25, None)),
        example(shares=(0.0, 1.0, 0.75)),
    ]
    assert [targets.solved(rows, tier).rows.tolist() for tier in range(3)] == [[0, 2], [1, 2], [2]]
    assert targets.solved(rows, 1).target.tolist() == [0.25, 1.0]


def test_a_large_source_is_damped() -> None:
    rows = [example("easy", source="large") for _ in range(81)] + [example("hard", source="small")]
    task = targets.above(rows, 0)
    assert task.weight[-1] / task.weight[0] == pytest.approx(81**SOURCE_POWER)
    assert task.weight.mean() == pytest.approx(1)


def test_no_rows_make_an_empty_task() -> None:
    task = targets.solved([example("easy")], 2)
    assert task.rows.size == task.target.size == task.weight.size == 0


def test_where_keeps_the_rows_of_a_mask() -> None:
    task = targets.above([example("easy"), example("hard"), example("easy")], 0)
    kept = task.where(np.array([True, False, True]))
    assert kept.rows.tolist() == [0, 2]
    assert kept.target.tolist() == [0, 0]
    assert kept.weight.size == kept.trust.size == 2


def steps(shares: list[float], before: float, chance: float) -> Task:
    task = targets.solved([example(shares=(None, share, None)) for share in shares], 1)
    size = len(shares)
    return increment(task, np.full(size, before), np.full(size, chance))


def test_a_failure_counts_in_full_and_a_success_as_far_as_this_tier_explains_it() -> None:
    failed, solved = steps([0.0, 1.0], before=0.5, chance=0.5).weight
    assert failed == pytest.approx(1)
    assert solved == pytest.approx(0.25 / 0.75)


def test_where_the_tiers_below_never_solve_it_every_success_is_this_tiers() -> None:
    step = steps([0.0, 0.5, 1.0], before=0.0, chance=0.3)
    assert step.target == pytest.approx([0, 0.5, 1])
    assert step.weight == pytest.approx([1, 1, 1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.floats(0, 1), st.floats(0.001, 0.999))
def test_an_increment_is_always_a_task(shares: list[float], before: float, chance: float) -> None:
    step = steps(shares, before, chance)
    assert ((step.target >= 0) & (step.target <= 1)).all()
    assert ((step.weight >= 0) & np.isfinite(step.weight)).all()


def test_repeated_increments_find_the_true_step() -> None:
    """On rows without any sign, EM must end at the share that solves (1 - before) at the mean."""
    shares, before = [1.0] * 70 + [0.0] * 30, 0.4
    chance = 0.5
    for _ in range(200):
        step = steps(shares, before, chance)
        chance = float(np.average(step.target, weights=step.weight))
    assert before + (1 - before) * chance == pytest.approx(0.7, abs=1e-3)


def test_a_teacher_has_half_a_say_and_no_more() -> None:
    rows = [
        Example(prompt="a", label="hard"),
        Example(prompt="b"),
        Example(prompt="c", label="easy"),
    ]
    task = targets.above(rows, 0)
    seen = targets.taught(task, np.array([0.6, 0.9, 0.2]))
    assert seen.target == pytest.approx([0.8, 0.1])
    assert seen.rows.tolist() == task.rows.tolist() == [0, 2]
    assert seen.weight is task.weight
