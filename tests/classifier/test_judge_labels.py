"""Labels, their costs and the rules beside them, counted by hand."""

import numpy as np
import pytest

from classifier.judge.labels import COSTS, baselines, confused, hard_miss, label_scores, rules
from classifier.types import LABELS, Label
from tests.judged import FACTS, seen

EASY, MEDIUM, HARD, LACKS = LABELS
PAIRS: tuple[tuple[Label, Label], ...] = (
    (EASY, EASY),
    (EASY, EASY),
    (EASY, MEDIUM),
    (HARD, EASY),
    (HARD, HARD),
    (LACKS, EASY),
)


def test_each_label_has_precision_recall_and_f1() -> None:
    easy, medium, hard, lacks = label_scores(seen(*PAIRS))
    assert (easy.rows, easy.said) == (3, 4)
    assert [easy.precision, easy.recall] == pytest.approx([2 / 4, 2 / 3])
    assert easy.f1.value == pytest.approx(4 / 7)
    assert easy.f1.low <= easy.f1.value <= easy.f1.high
    assert (medium.rows, medium.said, medium.precision, medium.recall) == (0, 1, 0, 0)
    assert (hard.precision, hard.recall) == (1, 0.5)
    assert lacks.f1.value == 0


def test_who_was_taken_for_whom() -> None:
    rows = confused(seen(*PAIRS)).rows
    assert rows["easy"] == {"easy": 2, "medium": 1, "hard": 0, "needs_info": 0}
    assert rows["hard"] == {"easy": 1, "medium": 0, "hard": 1, "needs_info": 0}
    assert rows["needs_info"]["easy"] == 1


def test_hard_taken_for_easy_is_the_dearest_error() -> None:
    cost = confused(seen(*PAIRS)).cost
    assert cost["hard"]["easy"] == np.max(COSTS)
    assert cost["hard"]["easy"] > cost["easy"]["hard"]
    assert all(cost[label][label] == 0 for label in LABELS)


def test_the_mean_cost_is_over_all_rows() -> None:
    # easy→medium 1, hard→easy 4, needs_info→easy 2, three right: 7 over 6 rows.
    assert confused(seen(*PAIRS)).mean_cost.value == pytest.approx(7 / 6)


def test_hard_miss_is_of_the_hard_rows_alone() -> None:
    rows = seen(*PAIRS)
    found = hard_miss(rows.truth, rows.said, rows.alike)
    assert found is not None
    assert found.value == 0.5
    easy = seen((EASY, HARD))
    assert hard_miss(easy.truth, easy.said, easy.alike) is None


def test_rules_know_the_source_or_the_length_and_nothing_else() -> None:
    said = rules(seen((EASY, EASY), (HARD, HARD)).rows, FACTS)
    assert [LABELS[at] for at in said["global majority"]] == ["easy", "easy"]
    assert [LABELS[at] for at in said["source majority"]] == ["hard", "hard"]
    assert [LABELS[at] for at in said["length alone"]] == ["easy", "easy"]
    other = seen((EASY, EASY), source="unheard of", prompt="x" * 11).rows
    assert [LABELS[at] for at in rules(other, FACTS)["source majority"]] == ["easy"]
    assert [LABELS[at] for at in rules(other, FACTS)["length alone"]] == ["hard"]


def test_a_rule_is_compared_on_the_same_rows() -> None:
    rows = seen(*PAIRS * 10)
    rule = baselines(rows, FACTS)["global majority"]
    # Always easy: F1 of easy 2·3/(3+6), of the two others 0; ours easy 4/7, hard 2/3, needs_info 0.
    assert rule.macro_f1 == pytest.approx(2 / 9)
    assert rule.margin.value == pytest.approx((4 / 7 + 2 / 3) / 3 - 2 / 9)
    assert rule.margin.low > 0
    # It pays 4 for each of two hard rows and 2 for the one that lacks something: 10 less our 7.
    assert rule.mean_cost == pytest.approx(10 / 6)
    assert rule.saving.value == pytest.approx(3 / 6)
    assert rule.hard_miss == 1


def test_a_rule_that_says_the_same_has_no_margin_at_all() -> None:
    rule = baselines(seen(*((HARD, HARD), (EASY, HARD)) * 5), FACTS)["source majority"]
    assert (rule.margin.low, rule.margin.value, rule.margin.high) == (0, 0, 0)
    assert (rule.saving.low, rule.saving.high) == (0, 0)
