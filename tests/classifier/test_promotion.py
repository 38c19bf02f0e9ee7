"""Champion against challenger: what refuses, what does not, and what cannot be told."""

from typing import Any

import msgspec
import numpy as np
import pytest

from classifier.corpus import Example, groups
from classifier.folds import parts
from classifier.metrics import bootstrap, f1, macro_f1
from classifier.model import Classifier
from classifier.promotion import (
    LEAST_GROUPS,
    MARGIN,
    Comparison,
    Figure,
    PromotionError,
    Trial,
    compare,
    figures,
    holdout,
)
from classifier.types import LABELS, Cutoffs, Version
from tests.registries import NEW, OLD, blind, good, lazy
from tests.synthetic import examples

EASY, MEDIUM, HARD, NEEDS_INFO = range(4)


def trial(*runs: tuple[int, int, int, int]) -> Trial:
    """Rows by the run: how many, the truth, what the champion says, what the challenger says."""
    counts = [run[0] for run in runs]
    truth, champion, challenger = (
        np.repeat(np.array([run[place] for run in runs], np.intp), counts) for place in (1, 2, 3)
    )
    alone = np.arange(sum(counts))
    return Trial(truth=truth, champion=champion, challenger=challenger, groups=alone)


def judged(given: Trial, margin: float = MARGIN) -> Comparison:
    return Comparison(
        champion=OLD,
        challenger=NEW,
        rows=len(given.truth),
        groups=len(np.unique(given.groups)),
        margin=margin,
        figures=tuple(figures(given, margin)),
    )


def named(comparison: Comparison) -> dict[str, Figure]:
    return {figure.name: figure for figure in comparison.figures}


def right(count: int, *labels: int) -> list[tuple[int, int, int, int]]:
    return [(count, label, label, label) for label in labels]


ALL_RIGHT = right(200, EASY, MEDIUM, HARD, NEEDS_INFO)


def test_equal_models_hold_in_every_figure() -> None:
    comparison = judged(trial(*ALL_RIGHT))
    assert list(named(comparison)) == [
        "macro-F1", *(f"F1 of {label}" for label in LABELS), "hard-miss"
    ]  # fmt: skip
    assert {figure.outcome for figure in comparison.figures} == {"holds"}
    assert {figure.difference.value for figure in comparison.figures} == {0.0}
    assert comparison.refusal is None
    assert comparison.doubts == ()


def test_a_better_model_is_not_refused_for_being_different() -> None:
    comparison = judged(trial(*ALL_RIGHT, (100, HARD, EASY, HARD), (100, EASY, MEDIUM, EASY)))
    assert named(comparison)["hard-miss"].difference.value == pytest.approx(-1 / 3)
    assert named(comparison)["macro-F1"].difference.low > 0
    assert comparison.refusal is None


def test_a_loss_in_one_label_refuses_and_is_named_with_its_figures() -> None:
    lacking = ((30, NEEDS_INFO, NEEDS_INFO, said) for said in (EASY, MEDIUM))
    comparison = judged(trial(*ALL_RIGHT, *lacking))
    lost = named(comparison)["F1 of needs_info"]
    assert lost.outcome == "worse"
    change = lost.difference
    assert comparison.refusal is not None
    assert comparison.refusal.startswith(
        f"F1 of needs_info goes from 1.000 to {lost.challenger:.3f}, a change of "
        f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}] on 260 rows, "
        "beyond the margin of 0.03"
    )
    assert "chance" not in comparison.refusal


def test_hard_prompts_called_easy_refuse_even_where_the_f1_of_every_label_rises() -> None:
    # Twelve more hard rows are called easy, and many other mistakes are mended.
    comparison = judged(
        trial(
            *right(300, EASY, MEDIUM, NEEDS_INFO), *right(200, HARD),
            (12, HARD, HARD, EASY), (40, HARD, MEDIUM, HARD), (40, EASY, MEDIUM, EASY),
        )
    )  # fmt: skip
    worse = [one.name for one in comparison.figures if one.outcome == "worse"]
    assert worse == ["hard-miss"]
    assert named(comparison)["macro-F1"].difference.value > 0
    assert comparison.refusal is not None
    assert comparison.refusal.startswith("hard-miss goes from 0.000 to 0.048")


def test_a_wider_margin_lets_the_same_loss_pass() -> None:
    given = trial(*ALL_RIGHT, (10, HARD, HARD, EASY))
    assert judged(given, 0.02).refusal is not None
    assert judged(given, 0.1).refusal is None


def test_a_loss_that_chance_could_explain_refuses_too_and_says_so() -> None:
    comparison = judged(
        trial(*right(40, EASY, MEDIUM, HARD), (6, HARD, HARD, MEDIUM), (3, HARD, MEDIUM, HARD))
    )
    lost = named(comparison)["F1 of hard"]
    assert lost.difference.low < lost.difference.value < -MARGIN
    assert lost.difference.high > 0
    assert comparison.refusal is not None
    assert "on so few rows chance could explain it" in comparison.refusal


def test_a_label_with_few_rows_refuses_nothing_and_is_told() -> None:
    comparison = judged(
        trial(*right(200, EASY, MEDIUM, HARD), (LEAST_GROUPS - 15, NEEDS_INFO, NEEDS_INFO, EASY)),
        margin=0.3,
    )
    assert named(comparison)["F1 of needs_info"].difference.value == -1
    assert comparison.doubts == ("F1 of needs_info",)
    assert comparison.refusal is None


@pytest.mark.parametrize(
    ("rows", "name"), [([(200, EASY, EASY, EASY)], "hard-miss"), (right(2, *range(4)), "macro-F1")]
)
def test_too_few_rows_altogether_or_too_few_hard_ones_refuse(
    rows: list[tuple[int, int, int, int]], name: str
) -> None:
    refusal = judged(trial(*rows)).refusal
    assert refusal is not None
    assert refusal.startswith(f"cannot tell: {name} rests on")


def test_no_difference_on_few_rows_is_no_proof_that_there_is_none() -> None:
    few, many = (judged(trial(*right(count, *range(4)))) for count in (50, 150))
    assert named(few)["hard-miss"].outcome == "cannot tell"
    assert named(few)["macro-F1"].outcome == "holds"
    assert named(many)["hard-miss"].outcome == "holds"
    assert few.refusal is None
    gain = judged(trial(*right(25, *range(4)), (25, HARD, EASY, HARD)))
    assert named(gain)["hard-miss"].outcome == "holds", "a gain is proof on few rows too"


def test_near_duplicates_count_once_and_widen_the_interval() -> None:
    alone = trial(*ALL_RIGHT, (30, HARD, HARD, MEDIUM), (20, HARD, MEDIUM, HARD))
    tens = msgspec.structs.replace(alone, groups=np.arange(len(alone.truth)) // 10)
    one, other = (named(judged(given))["F1 of hard"] for given in (alone, tens))
    assert one.difference.value == other.difference.value
    assert (one.rows, one.groups) == (250, 250)
    assert (other.rows, other.groups) == (250, 25)
    assert other.difference.low < one.difference.low


def test_a_label_that_does_not_occur_is_not_compared() -> None:
    assert "F1 of needs_info" not in named(judged(trial(*right(100, EASY, MEDIUM, HARD))))


def test_figures_and_intervals_are_those_of_the_metrics() -> None:
    draw = np.random.default_rng(3)
    truth, champion, challenger = (draw.integers(0, 4, 400) for _ in range(3))
    alike = np.sort(draw.integers(0, 150, 400))
    given = Trial(truth=truth, champion=champion, challenger=challenger, groups=alike)
    found = named(judged(given))
    assert [found[f"F1 of {label}"].champion for label in LABELS] == pytest.approx(
        f1(truth, champion).tolist()
    )
    expected = bootstrap(
        lambda rows: (
            macro_f1(truth[rows], challenger[rows]) - macro_f1(truth[rows], champion[rows])
        ),
        alike,
    )
    assert msgspec.structs.astuple(found["macro-F1"].difference) == pytest.approx(
        msgspec.structs.astuple(expected)
    )


def changed(row: Example, **fields: Any) -> Example:
    return msgspec.structs.replace(row, **fields)


def test_the_holdout_is_what_no_version_learned_from_and_has_a_trusted_label() -> None:
    rows = examples(100)
    kept = holdout(rows)
    assert set(parts(kept)) == {"promote"}
    assert len(kept) == (parts(rows) == "promote").sum()
    assert holdout([*rows, changed(kept[0], label=None), changed(kept[0], conf=0.4)]) == kept
    assert holdout(list(reversed(rows))) == list(reversed(kept))


def test_without_a_row_in_the_holdout_nothing_is_compared() -> None:
    rows = [row for row in examples() if parts([row])[0] != "promote"]
    with pytest.raises(PromotionError, match=rf"none of {len(rows)} rows .* --data"):
        compare(rows, good(OLD), good(NEW), MARGIN)


def test_models_are_compared_on_what_they_say() -> None:
    rows = examples(300, seed=9)
    same = compare(rows, good(OLD), good(Version("x")), MARGIN)
    assert (same.champion, same.challenger, same.rows) == (OLD, "x", len(holdout(rows)))
    assert same.groups == len(np.unique(groups(holdout(rows))))
    assert same.refusal is None
    worse = compare(rows, good(OLD), lazy(NEW), MARGIN)
    assert named(worse)["hard-miss"].challenger > 0.9
    assert worse.refusal is not None
    assert "more worse by more than it" in worse.refusal
    assert compare(rows, blind(OLD), good(NEW), MARGIN).refusal is None


def test_where_cut_offs_decide_what_they_do_to_hard_prompts_is_compared_too() -> None:
    rows = examples(300, seed=9)
    challenger = good(NEW)
    reckless = Classifier(
        version=NEW,
        embedder=challenger.embedder,
        heads=challenger.heads,
        calibration=challenger.calibration,
        cutoffs={"auto": Cutoffs(easy=0.0, medium=0.0)},
    )
    comparison = compare(rows, good(OLD), reckless, MARGIN)
    assert named(comparison)["hard-miss"].difference.value == 0, "the labels are the same"
    assert named(comparison)["hard-miss by success"].challenger == 1
    assert comparison.refusal is not None
    assert comparison.refusal.startswith("hard-miss by success goes from ")
    assert "hard-miss by success" not in named(compare(rows, good(OLD), challenger, MARGIN))


def test_a_comparison_is_kept_as_json() -> None:
    comparison = judged(trial(*ALL_RIGHT, (60, NEEDS_INFO, NEEDS_INFO, MEDIUM)))
    again = msgspec.json.decode(msgspec.json.encode(comparison), type=Comparison)
    assert again == comparison
    assert again.refusal == comparison.refusal
