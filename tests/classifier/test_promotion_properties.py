"""What must hold of every comparison, whatever the two models say."""

import math
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.metrics import Interval
from classifier.promotion import LEAST_GROUPS, Comparison, Figure, Trial, figures
from classifier.types import LABELS
from tests.registries import NEW, OLD

SAID = st.integers(0, len(LABELS) - 1)
ROWS = st.lists(st.tuples(SAID, SAID, SAID, st.integers(0, 30)), min_size=1, max_size=60)
FEW = settings(max_examples=10)
"""Each compares some thousand resamples."""


def trial(rows: list[tuple[int, int, int, int]]) -> Trial:
    truth, champion, challenger, groups = np.array(rows, np.intp).T
    return Trial(truth=truth, champion=champion, challenger=challenger, groups=groups)


def compared(given: Trial, margin: float = 0.03) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures(given, margin)}


def comparison(*found: Figure, margin: float = 0.03) -> Comparison:
    return Comparison(
        champion=OLD, challenger=NEW, rows=100, groups=100, margin=margin, figures=found
    )


@FEW
@given(ROWS)
def test_figures_are_shares_and_differ_by_their_difference(
    rows: list[tuple[int, int, int, int]],
) -> None:
    given_trial = trial(rows)
    for figure in compared(given_trial).values():
        assert 0 <= figure.champion <= 1
        assert 0 <= figure.challenger <= 1
        assert figure.difference.value == pytest.approx(figure.challenger - figure.champion)
        assert -1 <= figure.difference.low <= figure.difference.high <= 1
        assert 1 <= figure.groups <= figure.rows <= len(rows)
        assert figure.groups <= np.unique(given_trial.groups).size


@FEW
@given(ROWS)
def test_a_model_beside_itself_differs_in_nothing(rows: list[tuple[int, int, int, int]]) -> None:
    same = [(truth, said, said, group) for truth, said, _, group in rows]
    for figure in compared(trial(same)).values():
        assert msgspec.structs.astuple(figure.difference) == (0, 0, 0)
        assert figure.outcome != "worse"


@FEW
@given(ROWS)
def test_with_the_sides_changed_every_difference_changes_its_sign(
    rows: list[tuple[int, int, int, int]],
) -> None:
    there = compared(trial(rows))
    back = compared(trial([(truth, two, one, group) for truth, one, two, group in rows]))
    assert list(there) == list(back)
    for name, figure in there.items():
        other = back[name]
        assert (figure.champion, figure.challenger) == (other.challenger, other.champion)
        assert (figure.difference.low, figure.difference.high) == pytest.approx(
            (-other.difference.high, -other.difference.low)
        )
        assert {figure.outcome, other.outcome} != {"worse"}


@FEW
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_says_nothing(
    rows: list[tuple[int, int, int, int]],
    draw: Random,
) -> None:
    mixed = list(rows)
    draw.shuffle(mixed)
    assert compared(trial(mixed)) == compared(trial(rows))


@FEW
@given(ROWS, st.floats(0, 0.5), st.floats(0, 0.5))
def test_what_a_margin_lets_pass_every_wider_one_lets_pass_too(
    rows: list[tuple[int, int, int, int]], one: float, other: float
) -> None:
    narrow, wide = sorted((one, other))
    strict, loose = compared(trial(rows), narrow), compared(trial(rows), wide)
    for name, figure in strict.items():
        assert figure.outcome == "worse" or loose[name].outcome != "worse"
        assert figure.outcome != "holds" or loose[name].outcome == "holds"
    if comparison(*strict.values(), margin=narrow).refusal is None:
        assert comparison(*loose.values(), margin=wide).refusal is None


@pytest.mark.parametrize("groups", [LEAST_GROUPS - 1, LEAST_GROUPS])
def test_twenty_groups_are_the_least_that_refuse(groups: int) -> None:
    lost = [(2, 2, 1, group) for group in range(groups)]
    rest = [(label, label, label, 100 + row) for row in range(50) for label in (0, 1)]
    found = compared(trial([*lost, *rest]))["F1 of hard"]
    assert found.difference.value == -1
    assert found.outcome == ("worse" if groups >= LEAST_GROUPS else "cannot tell")


def figure(name: str, value: float, groups: int = 100) -> Figure:
    loss = value > 0 if name == "hard-miss" else value < 0
    return Figure(
        name=name,
        rows=groups,
        groups=groups,
        champion=0.5,
        challenger=0.5 + value,
        difference=Interval(value=value, low=value - 0.1, high=value + 0.1),
        outcome="worse" if loss else "holds",
    )


def test_hard_prompts_on_a_weak_model_are_told_before_a_larger_loss() -> None:
    worse = [figure("macro-F1", -0.2), figure("F1 of easy", -0.3), figure("hard-miss", 0.1)]
    refusal = comparison(*worse).refusal
    assert refusal is not None
    assert refusal.startswith("hard-miss goes from 0.500 to 0.600, a change of +0.100")
    assert refusal.endswith("; 2 more worse by more than it")
    largest = comparison(*worse[:2]).refusal
    assert largest is not None
    assert largest.startswith("F1 of easy goes from 0.500 to 0.200")


@pytest.mark.parametrize("given_figures", [[], [figure("macro-F1", 0.1)]])
def test_a_figure_that_is_missing_says_too_little(given_figures: list[Figure]) -> None:
    name = "hard-miss" if given_figures else "macro-F1"
    assert comparison(*given_figures).refusal == (
        f"cannot tell: {name} rests on 0 rows of the holdout that are no near duplicates, and "
        f"{LEAST_GROUPS} are the least; give more rows"
    )


@FEW
@given(ROWS)
def test_a_comparison_is_the_same_after_the_history_kept_it(
    rows: list[tuple[int, int, int, int]],
) -> None:
    first = comparison(*compared(trial(rows)).values())
    again = msgspec.json.decode(msgspec.json.encode(first), type=Comparison)
    assert again == first
    assert not any(math.isnan(one.difference.low) for one in again.figures)
