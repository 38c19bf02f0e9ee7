"""What is known of held-out rows, and which rows are held out."""

import math

import numpy as np
import pytest

from classifier.corpus import Example, prompts
from classifier.folds import parts
from classifier.guarantee import TargetError
from classifier.held import held_out, quality
from tests.synthetic import examples, trained


def test_only_rows_that_no_version_learns_from_are_taken() -> None:
    rows = examples(200, seed=9)
    mine = [e for e, part in zip(rows, parts(rows), strict=True) if part == "calibrate"]
    found = held_out(trained().classifier, rows)
    said = trained().classifier.assess_many([p for p in prompts(mine) if p is not None])
    assert len(mine) > 30
    assert found.easy.tolist() == [v.success.easy for v in said]
    assert found.medium.tolist() == [v.success.medium for v in said]
    assert found.lacking.tolist() == [v.label == "needs_info" for v in said]
    assert found.hard.tolist() == [e.label == "hard" for e in mine]
    assert found.quality.shape == (len(mine), 3)
    assert np.unique(found.group).size == len({e.cluster for e in mine})


def test_without_held_out_rows_it_says_so() -> None:
    rows = examples(20)
    mine = [e for e, part in zip(rows, parts(rows), strict=True) if part != "calibrate"]
    with pytest.raises(TargetError, match=f"none of {len(mine)} rows is held out"):
        held_out(trained().classifier, mine)


def test_shares_tell_the_quality_where_all_are_measured() -> None:
    row = Example(prompt="p", label="easy", share_small=0.1, share_mid=0.4, share_top=0.9)
    assert quality(row) == (0.1, 0.4, 0.9)


@pytest.mark.parametrize(
    ("label", "solved"), [("easy", (1, 1, 1)), ("medium", (0, 1, 1)), ("hard", (0, 0, 1))]
)
def test_a_trusted_label_tells_it_where_a_share_is_missing(
    label: str, solved: tuple[int, int, int]
) -> None:
    for row in (
        {"prompt": "p", "label": label},
        {"prompt": "p", "label": label, "share_small": 0.1, "share_mid": 0.4},
    ):
        assert quality(Example(**row)) == solved


@pytest.mark.parametrize(
    "row",
    [
        Example(prompt="p"),
        Example(prompt="p", label="needs_info"),
        Example(prompt="p", label="hard", conf=0.4),
        Example(prompt="p", share_small=0.1, share_mid=0.4),
    ],
)
def test_nobody_knows_the_quality_of_other_rows(row: Example) -> None:
    assert all(map(math.isnan, quality(row)))
