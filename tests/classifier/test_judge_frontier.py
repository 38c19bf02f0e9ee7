"""Quality against cost, on worlds whose best way is known."""

from functools import cache

import msgspec
import numpy as np
import pytest

from classifier.corpus import Example
from classifier.guarantee import BARS
from classifier.held import as_rows
from classifier.judge.frontier import Frontier, Mix, Way, by_cutoff, by_worth, frontier
from classifier.judge.rows import judged
from classifier.types import Label
from tests.judged import FACTS, verdict

COSTS = (0.0, 0.5, 1.0)
EACH = 10
KINDS: dict[Label, tuple[float, float, float]] = {
    "easy": (1.0, 1.0, 1.0),
    "medium": (0.0, 1.0, 1.0),
    "hard": (0.0, 0.0, 1.0),
}


def example(shares: tuple[float, float, float], label: Label | None = None) -> Example:
    small, middle, top = shares
    return Example(
        prompt="x", source="exam", label=label, share_small=small, share_mid=middle, share_top=top
    )


@cache
def judge(*, knowing: bool) -> Frontier:
    """As many rows of each kind; their success is known, or the same everywhere."""
    rows = [example(shares, label) for label, shares in KINDS.items() for _ in range(EACH)]
    verdicts = [
        verdict(label, success=shares if knowing else (0.3, 0.6, 0.9))
        for label, shares in KINDS.items()
        for _ in range(EACH)
    ]
    found = frontier(judged(rows, verdicts), FACTS, COSTS)
    assert found is not None
    return found


def quality_at(way: Way, cost: float) -> float:
    spent, quality = zip(*((point.cost, point.quality) for point in way.points), strict=True)
    return float(np.interp(cost, spent, quality))


def test_each_tier_alone_is_its_cost_and_its_share() -> None:
    easy, medium, hard = judge(knowing=True).always
    assert [easy.cost, easy.quality] == pytest.approx([0, 1 / 3])
    assert [medium.cost, medium.quality] == pytest.approx([0.5, 2 / 3])
    assert (hard.cost, hard.quality) == (1, 1)


def test_knowing_all_is_the_oracle() -> None:
    found = judge(knowing=True)
    # A third to each tier costs .5 and is always right; the mix reaches two thirds there.
    assert quality_at(found.cutoff, 0.5) == pytest.approx(1)
    assert quality_at(found.worth, 0.5) == pytest.approx(1)
    assert quality_at(found.mix, 0.5) == pytest.approx(2 / 3)
    assert found.worth.gain == found.oracle.gain
    assert found.worth.gain_share.value == pytest.approx(1)
    assert found.worth.gain.value > 0.1


def test_knowing_nothing_gains_nothing() -> None:
    found = judge(knowing=False)
    assert found.cutoff.gain.value == pytest.approx(0)
    assert found.cutoff.gain_share.value == pytest.approx(0)
    assert found.mix.gain.value == 0
    assert found.oracle.gain_share.value == 1


def test_the_spend_that_keeps_quality() -> None:
    found = judge(knowing=True)
    # .98 of 1 on the line from (1/6, 2/3) to (1/2, 1), and on the mix's from 1/3 to 1.
    assert found.oracle.spend.value == pytest.approx(0.48, abs=0.01)
    assert found.mix.spend.value == pytest.approx(0.97, abs=0.01)


def test_rules_are_points_compared_at_their_own_cost() -> None:
    rules = {rule.name: rule for rule in judge(knowing=True).rules}
    assert set(rules) == {"by label", "length alone", "source majority"}
    assert rules["by label"].point.quality == 1
    assert rules["by label"].point.cost == pytest.approx(0.5)
    assert rules["by label"].margin.value == pytest.approx(0)
    assert (rules["source majority"].point.cost, rules["source majority"].point.quality) == (1, 1)
    assert rules["length alone"].point.quality == pytest.approx(1 / 3)


def test_what_lacks_information_goes_to_the_middle() -> None:
    rows = judged([example((0.0, 0.5, 1.0))], [verdict("needs_info")])
    found = frontier(rows, FACTS, COSTS)
    assert found is not None
    assert (found.rules[0].point.cost, found.rules[0].point.quality) == (0.5, 0.5)


def test_only_rows_whose_quality_is_known_are_weighed_and_it_says_which() -> None:
    half = msgspec.structs.replace(example((1, 1, 1)), share_top=None)
    other = msgspec.structs.replace(example((1, 1, 1)), source="contest")
    labelled = Example(prompt="x", source="exam", label="medium")
    rows = [half, example((1, 1, 1)), example((0, 1, 1)), other, labelled]
    found = frontier(judged(rows, [verdict()] * 5), FACTS, COSTS)
    assert found is not None
    assert (found.rows, found.measured, found.sources) == (4, 3, {"exam": 3, "contest": 1})
    assert [point.quality for point in found.always] == pytest.approx([0.5, 1, 1])
    assert frontier(judged([half], [verdict()]), FACTS, COSTS) is None


def test_the_cutoffs_are_those_that_calibrate_installs() -> None:
    rows = [example((1, 1, 1)), example((1, 1, 1))]
    said = [verdict(success=(0.2, 0.49, 0.6)), verdict("needs_info")]
    sent = by_cutoff(as_rows(rows, said))
    assert sent[0].tolist() == [0, *[0] * 21, *[1] * 50, *[2] * 30, 2]
    assert sent[1].tolist() == [0, *[1] * len(BARS), 2]


def test_a_price_weighs_success_against_cost() -> None:
    success = np.array([[0.2, 0.5, 0.6], [0.4, 0.4, 0.4]])
    # Medium gains .3 for .5, hard .1 more for .5 more: worth it below .6 and below .2.
    chosen = by_worth(success, np.array(COSTS), np.array([0.7, 0.5, 0.3, 0.1, 0.0]))
    assert chosen.tolist() == [[0, 1, 1, 2, 2], [0, 0, 0, 0, 0]]


def test_a_middle_tier_that_is_worse_than_a_lot_is_left_out_of_the_mix() -> None:
    mix = Mix(cost=np.array([COSTS]), quality=np.array([[0.2, 0.3, 1.0]]))
    reached = mix.reach(np.array([0.0, 0.5, 1.0]), np.array([0]))
    assert reached.tolist() == pytest.approx([0.2, 0.6, 1.0])
