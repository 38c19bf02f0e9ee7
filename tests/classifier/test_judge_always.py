"""What must hold of every judgement, and hand-made rows at its edges."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.corpus import Example
from classifier.facts import LengthRule, label_counts, length_rule, majority, sources
from classifier.held import as_rows
from classifier.judge.frontier import Mix, Sweep, by_cutoff, by_worth, frontier
from classifier.judge.labels import baselines, confused, costs, hard_miss, label_scores, rules
from classifier.judge.lacking import cutoff_at, lacking
from classifier.judge.reliability import reliability
from classifier.judge.rows import judged
from classifier.judge.slices import slices
from classifier.types import LABELS
from tests.judged import FACTS, seen, verdict

LABEL = st.sampled_from(LABELS)
PAIRS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=12)
SHARE = st.floats(0, 1)
SLOW = settings(max_examples=8)
"""Each draws some thousand resamples."""


@SLOW
@given(PAIRS)
def test_counts_of_labels_add_up_to_the_rows(pairs: list[Any]) -> None:
    rows = seen(*pairs)
    scores, table = label_scores(rows), confused(rows)
    assert sum(score.rows for score in scores) == sum(score.said for score in scores) == len(pairs)
    for score in scores:
        assert sum(table.rows[score.name].values()) == score.rows
        assert sum(told[score.name] for told in table.rows.values()) == score.said
        assert min(score.precision, score.recall) - 1e-9 <= score.f1.value
        assert score.f1.value <= max(score.precision, score.recall) + 1e-9
    right = sum(table.rows[label][label] for label in LABELS)
    assert (table.mean_cost.value == 0) == (right == len(pairs))


@given(PAIRS)
def test_no_error_is_free_and_no_right_answer_costs(pairs: list[Any]) -> None:
    rows = seen(*pairs)
    assert ((costs(rows.truth, rows.said) == 0) == (rows.truth == rows.said)).all()


@SLOW
@given(PAIRS)
def test_rules_know_labels_and_misses_of_their_own(pairs: list[Any]) -> None:
    rows = seen(*pairs)
    for name, said in rules(rows.rows, FACTS).items():
        rule = baselines(rows, FACTS)[name]
        miss = hard_miss(rows.truth, said, rows.alike)
        assert rule.hard_miss == (None if miss is None else pytest.approx(miss.value))
        assert rule.margin.low <= rule.margin.high
        assert rule.saving.value == pytest.approx(
            rule.mean_cost - confused(rows).mean_cost.value, abs=1e-9
        )


@SLOW
@given(st.lists(st.tuples(st.booleans(), SHARE, st.sampled_from("abc")), min_size=2, max_size=15))
def test_a_score_turned_round_finds_what_it_missed(told: list[Any]) -> None:
    rows = [Example(prompt=name, needs_info=int(lacks)) for lacks, _, name in told]
    there, back = (
        lacking(judged(rows, [verdict(lacking=one) for one in scores]))
        for scores in ([score for _, score, _ in told], [1 - score for _, score, _ in told])
    )
    if len({lacks for lacks, _, _ in told}) == 1:
        assert there is back is None
        return
    assert there is not None
    assert back is not None
    exact = len({score for _, score, _ in told}) == len({1 - score for _, score, _ in told})
    assert not exact or there.auroc.value + back.auroc.value == pytest.approx(1)
    recalls = [point.recall for point in there.curve]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1
    assert there.curve[-1].precision == pytest.approx(there.lacking / there.rows)


@given(st.lists(SHARE, min_size=1, max_size=30), st.floats(0.01, 1))
def test_a_cut_off_finds_what_it_should_and_none_above_it_does(
    score: list[float], recall: float
) -> None:
    scores, lacks = np.array(score), np.ones(len(score), np.bool_)
    cutoff = cutoff_at(recall, scores, lacks)
    assert (scores >= cutoff).mean() >= recall - 1e-6
    assert (scores > cutoff).mean() < recall
    assert cutoff_at(recall, scores, ~lacks) == 1, "where nothing lacks, nothing is called so"


@SLOW
@given(st.lists(st.tuples(LABEL, LABEL, st.floats(0.25, 1)), min_size=1, max_size=25))
def test_bins_hold_every_row_and_their_gaps_are_the_error(told: list[Any]) -> None:
    rows = judged(
        [Example(prompt="x", label=truth) for truth, _, _ in told],
        [verdict(said, stated) for _, said, stated in told],
    )
    found = reliability(rows, rows)
    assert sum(part.rows for part in found.bins) == len(told)
    gaps = [abs(part.confidence - part.accuracy.value) * part.rows for part in found.bins]
    assert found.ece == pytest.approx(sum(gaps) / len(told))
    assert 0 <= found.brier.value <= 2
    stated = [part.confidence for part in found.bins]
    assert stated == sorted(stated)


@SLOW
@given(st.lists(st.tuples(LABEL, LABEL, st.sampled_from(["", "de", "en"])), min_size=1, max_size=9))
def test_parts_are_of_the_whole(told: list[Any]) -> None:
    rows = judged(
        [Example(prompt="x", source=f"s{lang}", lang=lang, label=truth) for truth, _, lang in told],
        [verdict(said) for _, said, _ in told],
    )
    found = slices(rows, FACTS)
    assert sum(part.rows for part in found.sources) == len(told)
    assert sum(part.rows for part in found.languages) == sum(bool(lang) for _, _, lang in told)
    right = sum(part.accuracy.value * part.rows for part in found.sources)
    assert right == pytest.approx(sum(truth == said for truth, said, _ in told))
    sizes = [part.rows for part in found.sources]
    assert sizes == sorted(sizes, reverse=True)


SUCCESS = st.lists(st.tuples(SHARE, SHARE, SHARE), min_size=1, max_size=15).map(
    lambda rows: np.sort(np.array(rows), axis=1)
)
COSTS = np.array([0.1, 0.4, 1.0])


@given(SUCCESS)
def test_a_higher_cut_off_and_a_lower_price_never_choose_a_cheaper_tier(
    success: "np.ndarray[tuple[int, int], np.dtype[np.float64]]",
) -> None:
    told = [verdict(success=(e, m, h)) for e, m, h in success.tolist()]
    rows = [Example(prompt=f"row {number}") for number in range(len(told))]
    chosen = by_cutoff(as_rows(rows, told))
    assert (np.diff(chosen, axis=1) >= 0).all()
    assert (chosen[:, 0] == 0).all()
    assert (chosen[:, -1] == 2).all()
    prices = np.append(np.geomspace(100, 0.01, 30), 0)
    assert (np.diff(by_worth(success, COSTS, prices), axis=1) >= 0).all()


@given(SUCCESS, SHARE)
def test_a_mix_is_no_worse_than_a_lot_between_the_ends(
    share: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", part: float
) -> None:
    cost = np.tile(COSTS, (len(share), 1))
    every = np.arange(len(share))
    spend = np.array([COSTS[0] + part * (COSTS[2] - COSTS[0])])
    reached = Mix(cost=cost, quality=share).reach(spend, every)[0]
    easy, medium, hard = share.mean(axis=0)
    assert reached >= easy + part * (hard - easy) - 1e-9
    assert reached <= max(easy, medium, hard) + 1e-9
    assert reached >= Sweep(cost=cost, quality=share).reach(spend, every)[0] - 1e-9


@SLOW
@given(SUCCESS, SUCCESS)
def test_nothing_gains_more_than_the_oracle(share: Any, success: Any) -> None:
    size = min(len(share), len(success))
    rows = [
        Example(prompt="x", share_small=small, share_mid=mid, share_top=top)
        for small, mid, top in share[:size].tolist()
    ]
    told = [verdict(success=(e, m, h)) for e, m, h in success[:size].tolist()]
    found = frontier(judged(rows, told), FACTS)
    assert found is not None
    for way in (found.cutoff, found.worth, found.mix):
        assert way.gain.value <= found.oracle.gain.value + 0.01  # between points of its curve
        assert [point.cost for point in way.points] == sorted(point.cost for point in way.points)
    assert found.mix.gain.value == 0


EXAMPLES = st.lists(
    st.builds(
        Example,
        prompt=st.text(max_size=30),
        source=st.sampled_from(["a", "b", "c"]),
        label=st.none() | LABEL,
        needs_info=st.sampled_from([None, 0, 1]),
        share_mid=st.none() | SHARE,
        license=st.sampled_from([None, "MIT", "Apache-2.0"]),
        license_class=st.sampled_from([None, "none_stated", "permissive"]),
    ),
    max_size=20,
)


@given(EXAMPLES)
def test_facts_count_every_row_once(rows: list[Example]) -> None:
    counted = sources(rows)
    assert sum(source.rows for source in counted) == len(rows)
    assert sum(source.needs_info for source in counted) == sum(
        row.needs_info is not None for row in rows
    )
    assert sum(source.shares[1] for source in counted) == sum(
        row.share_mid is not None for row in rows
    )
    facts = msgspec.structs.replace(FACTS, sources=counted)
    assert label_counts(facts) == {
        label: sum(row.label == label for row in rows) for label in LABELS
    }
    assert all(source.licenses for source in counted)
    commonest = majority(rows)
    assert (commonest is None) == (not any(row.label for row in rows))
    assert commonest is None or label_counts(facts)[commonest] == max(label_counts(facts).values())


@given(EXAMPLES, st.integers(0, 10**7))
def test_the_length_rule_says_something_at_every_length(rows: list[Example], length: int) -> None:
    rule = length_rule(rows, "hard")
    assert rule.label(length) in LABELS
    assert len(rule.labels) == len(rule.edges) + 1
    assert list(rule.edges) == sorted(set(rule.edges))
    if not any(row.label for row in rows):
        assert rule.label(length) == "hard"
    assert msgspec.json.decode(msgspec.json.encode(rule), type=LengthRule) == rule


def test_the_length_rule_is_right_where_length_is_all() -> None:
    rows = [Example(prompt="x" * n, label="easy" if n <= 10 else "hard") for n in range(1, 21)]
    rule = length_rule([*rows, Example(prompt="x" * 500)], "medium")
    assert [rule.label(n) for n in (1, 9, 12, 20, 500)] == ["easy", "easy", "hard", "hard", "hard"]
