"""RouteLLM's figures, on made-up sets whose answers are known."""

import gzip
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.corpus import CorpusError
from classifier.metrics import Floats
from classifier.routellm import (
    SETS,
    Exam,
    apgr,
    cpt,
    curve,
    examine,
    lengths,
    ranks,
    read_exams,
    wants,
)
from tests.synthetic import prompt, trained

ROWS = 100
WEAK = np.where(np.arange(ROWS) < 50, 100.0, 0.0)
STRONG = np.full(ROWS, 100.0)
"""The first half needs no strong model, the second does."""


def exam(weak: Floats = WEAK) -> Exam:
    told = tuple(prompt("x" * (at + 1)) for at in range(ROWS))
    return Exam(name="made up", prompts=told, weak=weak, strong=STRONG)


def test_the_curve_goes_from_the_weak_model_to_the_strong() -> None:
    calls, quality = curve(np.arange(ROWS, dtype=float), WEAK, STRONG)
    assert calls == pytest.approx(np.linspace(0, 1, 11))
    assert quality == pytest.approx([50, 60, 70, 80, 90, 100, 100, 100, 100, 100, 100])


def test_a_perfect_router_recovers_three_quarters_where_half_needs_it() -> None:
    # Gains all by half of the calls: a triangle of 1/4 and a square of 1/2.
    calls, quality = curve(np.arange(ROWS, dtype=float), WEAK, STRONG)
    assert apgr(calls, quality) == pytest.approx(0.75)
    assert cpt(0.5, calls, quality) == pytest.approx(0.25)
    assert cpt(0.8, calls, quality) == pytest.approx(0.4)


def test_the_worst_router_recovers_a_quarter() -> None:
    calls, quality = curve(-np.arange(ROWS, dtype=float), WEAK, STRONG)
    assert apgr(calls, quality) == pytest.approx(0.25)
    assert cpt(0.5, calls, quality) == pytest.approx(0.75)


def test_chance_recovers_half() -> None:
    even = np.tile([100.0, 0.0], ROWS // 2)
    calls, quality = curve(np.arange(ROWS, dtype=float), even, STRONG)
    assert apgr(calls, quality) == pytest.approx(0.5)
    assert cpt(0.5, calls, quality) == pytest.approx(0.5)


def test_where_the_curve_turns_back_its_first_crossing_counts() -> None:
    calls, quality = np.array([0, 0.5, 0.75, 1]), np.array([0.0, 60, 40, 100])
    assert cpt(0.5, calls, quality) == pytest.approx(0.5 * 50 / 60)
    assert cpt(0.8, calls, quality) == pytest.approx(0.75 + 0.25 * 40 / 60)


def test_without_a_gap_nothing_is_defined() -> None:
    calls, quality = curve(np.arange(ROWS, dtype=float), STRONG, STRONG)
    assert np.isnan(apgr(calls, quality))
    assert np.isnan(cpt(0.5, calls, quality))
    with pytest.raises(CorpusError, match="made up: the strong model is no better"):
        examine(exam(weak=STRONG), np.arange(ROWS, dtype=float))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40))
def test_ranks_keep_the_order_and_break_ties_for_ever(scores: list[float]) -> None:
    given_scores = np.array(scores)
    found = ranks(given_scores)
    assert sorted(found.tolist()) == list(range(len(scores)))
    assert (np.diff(given_scores[np.argsort(found)]) >= 0).all()
    assert (found == ranks(given_scores)).all()


def test_only_the_order_of_scores_counts() -> None:
    scores = np.random.default_rng(2).random(ROWS)
    plain, bent = (curve(ranks(way), WEAK, STRONG) for way in (scores, np.exp(9 * scores)))
    assert plain[1] == pytest.approx(bent[1])


def test_an_examination_has_intervals_and_the_length_rule_beside_it() -> None:
    found = examine(exam(), -np.arange(ROWS, dtype=float))
    assert (found.name, found.prompts, found.weak, found.strong) == ("made up", ROWS, 50, 100)
    assert found.apgr.value == pytest.approx(0.25)
    assert found.apgr.low < found.apgr.value < found.apgr.high
    assert found.length_apgr.value == pytest.approx(0.75), (
        "here the long ones need the strong model"
    )
    assert found.margin.value == pytest.approx(-0.5)
    assert found.margin.high < 0
    assert list(found.curve[0]) == [0, 50]
    assert list(found.curve[-1]) == [1, 100]


def test_the_length_rule_has_no_margin_over_itself() -> None:
    found = examine(exam(), lengths(exam().prompts))
    assert (found.margin.low, found.margin.value, found.margin.high) == (0, 0, 0)


def test_a_classifier_wants_what_success_gains() -> None:
    model = trained().classifier
    told = [prompt("fix it"), prompt("what is 2 plus 3 ?")]
    success = [model.assess(one).success for one in told]
    assert wants(model, told).tolist() == [one.hard - one.easy for one in success]


def write(path: Path, *rows: dict[str, object]) -> None:
    raw = b"\n".join(map(msgspec.json.encode, rows))
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def test_sets_are_read_plain_and_packed(tmp_path: Path) -> None:
    right: dict[str, object] = {"prompt": "a", "weak_correct": False, "strong_correct": True}
    stale = {**right, "prompt": "seen before", "contaminated": True}
    write(tmp_path / "mmlu.jsonl.gz", {**right, "domain": "law"}, stale)
    judge = {"weak_scores": [4, 7], "strong_scores": [9, 10]}
    write(tmp_path / "mt_bench.jsonl", {"turns": ["first", "second"], **judge})
    mmlu, bench = read_exams(tmp_path)
    assert (mmlu.name, [one.text for one in mmlu.prompts]) == ("mmlu", ["a"])
    assert (mmlu.weak.tolist(), mmlu.strong.tolist()) == ([0], [100])
    assert (bench.name, [one.text for one in bench.prompts]) == ("mt_bench", ["first"])
    assert (bench.weak.tolist(), bench.strong.tolist()) == ([5.5], [9.5])


def test_a_folder_without_sets_is_told_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as error:
        read_exams(tmp_path)
    assert all(f"{name}.jsonl" in str(error.value) for name in SETS)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"prompt": "a"}, "line 2: no outcome of both models"),
        ({"weak_correct": True, "strong_correct": True}, "line 2: no prompt"),
        ({"prompt": 3}, "line 2: Expected `str | null`"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(
    tmp_path: Path, line: dict[str, object], told: str
) -> None:
    write(
        tmp_path / "gsm8k.jsonl",
        {"prompt": "a", "weak_correct": True, "strong_correct": True},
        line,
    )
    with pytest.raises(CorpusError, match=r"gsm8k\.jsonl, ") as error:
        read_exams(tmp_path)
    assert told in str(error.value)


def test_an_empty_set_is_named(tmp_path: Path) -> None:
    (tmp_path / "gsm8k.jsonl").write_text("\n")
    with pytest.raises(CorpusError, match=r"gsm8k\.jsonl has no prompt"):
        read_exams(tmp_path)
