"""Cut-offs keep what they promise, or are refused with the reason."""

import math
from fractions import Fraction
from functools import cache

import msgspec
import numpy as np
import pytest

from classifier.guarantee import (
    Choice,
    Rows,
    TargetError,
    Terms,
    choose,
    cutoffs_at,
    parse_target,
    tiers,
)
from classifier.pvalues import Floats, betting_tail, binomial_tail
from classifier.types import TIERS, Cutoffs, Tier
from router.domain import Facts
from tests.policies import decided, verdict

COSTS = (1.0, 4.0, 10.0)
DRAWS = 300
DELTA = 0.1
SLACK = 4 * math.sqrt(DRAWS * DELTA * (1 - DELTA))
"""Four standard deviations of how often a promise may fail in `DRAWS` draws."""


def world(count: int, draw: np.random.Generator) -> Rows:
    """Prompts whose chances are what the classifier says; every answer is right or wrong."""
    easy = draw.random(count)
    medium = easy + (1 - easy) * draw.random(count)
    solved = np.stack([easy, medium, np.ones(count)], axis=1) > draw.random((count, 1))
    return Rows(
        easy=easy,
        medium=medium,
        lacking=draw.random(count) < 0.05,
        hard=~solved[:, 1],
        quality=solved.astype(np.float64),
        group=np.arange(count),
    )


def terms(target: str, delta: float = DELTA) -> Terms:
    return Terms(target=parse_target(target), delta=delta, costs=COSTS)


def chosen(rows: Rows, target: str, delta: float = DELTA) -> Choice:
    return choose(rows, terms(target, delta))


def truth(rows: Rows, target: str, cutoffs: Cutoffs) -> float:
    """The target's quantity over `rows`, computed from its words."""
    tier = tiers(rows, cutoffs, "medium")
    if target.startswith("hard-miss"):
        return float((tier[rows.hard] == 0).mean())
    if target.startswith("spend"):
        return float(np.array(COSTS)[tier].mean() / COSTS[2])
    gained = rows.quality[np.arange(tier.size), tier]
    return float(gained.sum() / rows.quality[:, 2].sum())


WHOLE = world(400_000, np.random.default_rng(7))


@cache
def true_risk(target: str, easy: float) -> float:
    return truth(WHOLE, target, cutoffs_at(easy))


@pytest.mark.parametrize(
    ("target", "least_kept"),
    [("hard-miss<=10%", 0.5), ("spend<=50%", 0.9), ("quality>=90%", 0.5)],
)
def test_a_promise_is_broken_no_oftener_than_delta(target: str, least_kept: float) -> None:
    draw = np.random.default_rng(3)
    level = parse_target(target).level
    risks = []
    for _ in range(DRAWS):
        found = chosen(world(800, draw), target).cutoffs
        risks.append(true_risk(target, found.easy))
    broken = np.array(risks) < level if target.startswith("quality") else np.array(risks) > level
    assert broken.sum() <= DRAWS * DELTA + SLACK
    # And not by promising nothing: what is allowed is mostly used.
    used = np.mean(risks) / level if not target.startswith("quality") else level / np.mean(risks)
    assert used >= least_kept


def test_the_choice_tells_what_it_does() -> None:
    rows = world(3_000, np.random.default_rng(1))
    found = chosen(rows, "spend<=50%")
    assert found.rows == 3_000
    assert found.value == pytest.approx(truth(rows, "spend", found.cutoffs))
    assert found.value <= found.bound <= 0.5
    assert sum(found.shares) == pytest.approx(1.0)
    assert np.dot(found.shares, COSTS) / COSTS[2] == pytest.approx(found.value)


def test_a_looser_promise_saves_more() -> None:
    rows = world(3_000, np.random.default_rng(2))
    for strict, loose in [("hard-miss<=5%", "hard-miss<=20%"), ("quality>=98%", "quality>=80%")]:
        assert chosen(rows, loose).cutoffs.easy < chosen(rows, strict).cutoffs.easy
        assert chosen(rows, loose).shares[2] < chosen(rows, strict).shares[2]
    assert chosen(rows, "spend<=60%").cutoffs.easy > chosen(rows, "spend<=30%").cutoffs.easy


def test_a_surer_promise_is_more_careful() -> None:
    rows = world(1_000, np.random.default_rng(2))
    sure, bold = (chosen(rows, "quality>=90%", delta=delta) for delta in (0.001, 0.3))
    assert sure.cutoffs.easy > bold.cutoffs.easy


def test_near_duplicates_count_once() -> None:
    rows = world(500, np.random.default_rng(5))
    again = np.tile(np.arange(500), 4)
    copies = Rows(
        easy=rows.easy[again],
        medium=rows.medium[again],
        lacking=rows.lacking[again],
        hard=rows.hard[again],
        quality=rows.quality[again],
        group=rows.group[again],
    )
    assert chosen(copies, "spend<=50%").rows == 500


def test_too_few_rows_are_told_how_many_it_takes() -> None:
    """Without any miss, 1 - level to the power of n has to fall to delta."""
    rows = world(60, np.random.default_rng(1))
    hard = int(rows.hard.sum())
    assert hard < 59
    with pytest.raises(TargetError, match=rf"{hard} held-out rows are too few .* about 59 like"):
        chosen(rows, "hard-miss<=5%", delta=0.05)
    with pytest.raises(TargetError, match=r"about [\d,]+ like them .*labelled by tier"):
        chosen(rows, "quality>=96%")


def test_what_no_cutoff_reaches_is_told_with_the_best() -> None:
    rows = world(2_000, np.random.default_rng(1))
    cheapest = truth(rows, "spend", cutoffs_at(0.0))
    with pytest.raises(
        TargetError, match=rf"best that any cut-off reaches is {round(100 * cheapest, 3):g}%"
    ):
        chosen(rows, "spend<=9%")


def test_a_promise_that_is_nearly_out_of_reach_needs_more_rows_than_there_are() -> None:
    rows = world(2_000, np.random.default_rng(1))
    level = 100 * truth(rows, "spend", cutoffs_at(0.0)) + 0.005
    with pytest.raises(TargetError, match="more than 1,000,000 like them"):
        chosen(rows, f"spend<={level:.3f}%")


def test_without_evidence_there_is_no_promise() -> None:
    rows = world(50, np.random.default_rng(1))
    blank = Rows(
        easy=rows.easy,
        medium=rows.medium,
        lacking=rows.lacking,
        hard=np.zeros(50, np.bool_),
        quality=np.full((50, 3), np.nan),
        group=rows.group,
    )
    for target, missing in [("hard-miss<=5%", "labelled hard"), ("quality>=98%", "by tier")]:
        with pytest.raises(TargetError, match=f"no held-out row is .*{missing}"):
            chosen(blank, target)
    with pytest.raises(TargetError, match="needs to know what each tier costs"):
        choose(rows, msgspec.structs.replace(terms("spend<=40%"), costs=None))


@pytest.mark.parametrize("needs_info_tier", TIERS)
def test_rows_go_where_the_policy_sends_them(needs_info_tier: Tier) -> None:
    """The columns here and `decide` in the router are one policy."""
    draw = np.random.default_rng(4)
    for bar in (0.0, 0.35, 0.7, 1.0):
        rows, cut = world(40, draw), cutoffs_at(bar)
        policy = (
            f'[policy]\nby = "success"\nneeds_info_tier = "{needs_info_tier}"\n'
            f"auto = {{ easy = {cut.easy}, medium = {cut.medium} }}\n"
        )
        said = [
            verdict("needs_info" if lacks else "hard", easy=easy, medium=medium)
            for easy, medium, lacks in zip(rows.easy, rows.medium, rows.lacking, strict=True)
        ]
        sent = [decided(v, Facts(input_tokens=10), policy).tier for v in said]
        assert sent == [TIERS[tier] for tier in tiers(rows, cut, needs_info_tier)]


@pytest.mark.parametrize(
    ("text", "kind", "level"),
    [("hard-miss<=5%", "hard-miss", 0.05), (" spend <= 40.5 %", "spend", 0.405)],
)
def test_targets_are_read(text: str, kind: str, level: float) -> None:
    target = parse_target(text)
    assert target.kind == kind
    assert target.level == pytest.approx(level)
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hardmiss<=5%", 'write "hard-miss<=5%", "spend<=40%" or "quality>=98%"'),
        ("spend<=40", "is no target"),
        ("quality<=98%", "at least a value; write quality>=98%"),
        ("spend>=40%", "at most a value; write spend<=40%"),
        ("quality>=100%", "between 0% and 100%"),
        ("hard-miss<=0%", "between 0% and 100%"),
    ],
)
def test_what_is_no_target_is_told_with_what_is(text: str, why: str) -> None:
    with pytest.raises(TargetError, match=why):
        parse_target(text)


@pytest.mark.parametrize(("misses", "rows"), [(0, 59), (3, 100), (40, 1_000), (0, 100_000)])
def test_the_binomial_tail_is_exact(misses: int, rows: int) -> None:
    level = Fraction(1, 20)
    exact = sum(
        math.comb(rows, k) * level**k * (1 - level) ** (rows - k) for k in range(misses + 1)
    )
    assert binomial_tail(misses, rows, float(level)) == pytest.approx(float(exact), rel=1e-9)


def test_a_bet_is_sure_only_where_nothing_can_be_lost() -> None:
    def tail(gain: Floats, low: float, high: float) -> float:
        return betting_tail(gain, (low, high), 0.05)

    nothing = np.zeros(100)
    assert tail(nothing, 0.0, 1.0) == 0.0
    assert tail(nothing, -1.0, 0.0) == 1.0
    assert tail(nothing, -1.0, 1.0) == 1.0
    assert tail(nothing + 0.2, -1.0, 1.0) < 1e-5
    assert tail(nothing - 0.2, -1.0, 1.0) == 1.0
