"""Cards, promises and others' sets where names are odd, files damaged and figures missing."""

import gzip
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.card import render
from classifier.corpus import CorpusError
from classifier.evaluate import EvaluationError, evaluate
from classifier.pages.charts import charts
from classifier.pages.sections import sections
from classifier.promise import with_promise
from classifier.routellm import SETS, apgr, cpt, curve, ranks, read_exams
from classifier.types import Cutoffs, Guarantee, Tier, Version
from tests.registries import KEPT, NEW, OLD
from tests.synthetic import VERSION, examples, trained

FACTS = trained().facts
MODEL = trained().classifier
LINE = b'{"prompt": "a", "weak_correct": false, "strong_correct": true}\n'


@pytest.mark.parametrize("name", ["a|b", "two\nlines", "tab\tbed", "| --- |\r\n| x", "  wide   "])
def test_a_name_with_marks_of_a_table_stays_in_its_cell(name: str) -> None:
    odd = msgspec.structs.replace(FACTS.sources[0], name=name, licenses=("by\nme", "x|y"))
    card = render(VERSION, msgspec.structs.replace(FACTS, sources=(odd,)), None)
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert len(rows) == 3, "head, rule and the one source"
    assert len({row.count("|") for row in rows}) == 1
    assert " ".join(name.replace("|", "/").split()) in rows[-1]
    assert "by me; x/y" in rows[-1]


def test_a_card_of_a_model_built_upon_another_names_it() -> None:
    told = "Built upon 20261124-11111111, whose own card says"
    assert told in render(VERSION, msgspec.structs.replace(FACTS, base=OLD), None)
    assert "Built upon" not in render(VERSION, FACTS, None)


def test_what_was_left_out_is_told_by_its_licence() -> None:
    left = msgspec.structs.replace(FACTS, left_out={"non_commercial": 1_234, "nc_results_only": 5})
    card = render(VERSION, left, None)
    assert "left out by licence class: 1,234 non_commercial, 5 nc_results_only." in card
    assert "left out by licence class: none." in render(VERSION, FACTS, None)


def test_rows_of_one_label_make_a_whole_card_and_page() -> None:
    """No hard rows, nothing that lacks anything, no share: what is unknown is said to be."""
    rows = [
        msgspec.structs.replace(row, share_small=None, needs_info=None)
        for row in examples(5, seed=3)
        if row.label == "easy"
    ]
    found = evaluate(MODEL, rows, FACTS)
    assert (found.hard_miss, found.needs_info) == (None, None)
    assert found.frontier is not None
    assert found.frontier.measured == 0  # what it shows follows from the labels
    assert "| unknown |" in render(VERSION, FACTS, found)
    assert {chart.name for chart in charts(found)} >= {"reliability", "sources", "robustness"}
    assert all(table.rows for part in sections(found) for table in part.tables[:1])


def test_one_row_is_enough_to_judge_and_none_is_not() -> None:
    row = examples(1, seed=3)[0]
    found = evaluate(MODEL, [row], FACTS)
    assert (found.rows, found.judged) == (1, 1)
    assert found.accuracy in (0, 1)
    for rows in ([], [msgspec.structs.replace(row, label=None)]):
        with pytest.raises(EvaluationError, match=f"none of {len(rows)} rows has a label"):
            evaluate(MODEL, rows, FACTS)


def promised(card: str, version: Version, guarantee: Guarantee = KEPT) -> str:
    cutoffs = Cutoffs(easy=0.7, medium=0.49)
    return with_promise(card, parent=OLD, version=version, cutoffs=cutoffs, guarantee=guarantee)


def test_a_promise_is_told_in_numbers_that_a_person_reads() -> None:
    told = promised(f"# Model card of {OLD}\n\nMade of {OLD}.\n", NEW)
    assert told.startswith(f"# Model card of {NEW}\n\nMade of {OLD}.\n\n## What its cut-offs keep")
    for row in (
        "| target | `spend<=40%` |",
        "| held-out rows | 1,234 |",
        "| value on them | 38.1% |",
        "| bound at 1 - delta | 39.5% |",
        "| cut-offs of `auto` | easy 0.7, medium 0.49 |",
        "| cost of a request by tier | 0.1 : 0.4 : 1 |",
    ):
        assert row in told.splitlines()
    assert f"The model is that of {OLD}." in told


@pytest.mark.parametrize("tier", ["easy", "hard"])
def test_a_promise_without_costs_tells_none_and_the_last_one_stands(tier: Tier) -> None:
    plain = msgspec.structs.replace(KEPT, costs=None, needs_info_tier=tier)
    once = promised(f"# Model card of {OLD}\n", NEW)
    twice = promised(once, NEW, plain)
    assert "cost of a request" not in twice
    assert f"| what lacks information | {tier} |" in twice
    assert twice.count("## What its cut-offs keep") == 1
    assert promised(twice, NEW, plain) == twice


@pytest.mark.parametrize(
    "damaged",
    [
        gzip.compress(LINE * 99, mtime=0)[:-12],
        gzip.compress(LINE * 99, mtime=0)[:12] + b"\xff" * 30,
        b"no gzip at all",
        gzip.compress(b'{"prompt": "a", "x": ' + b"[" * 100_000 + b"\n", mtime=0),
        gzip.compress(b'{"prompt": "\xff"}\n', mtime=0),
    ],
    ids=["cut", "garbled", "plain", "deep", "not UTF-8"],
)
def test_a_packed_set_that_is_damaged_is_named(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "mmlu.jsonl.gz").write_bytes(damaged)
    with pytest.raises(CorpusError, match=r"mmlu\.jsonl\.gz, line \d+: "):
        read_exams(tmp_path)


def test_a_set_of_contaminated_prompts_alone_has_none(tmp_path: Path) -> None:
    (tmp_path / "mmlu.jsonl").write_bytes(LINE.replace(b"}", b', "contaminated": true}'))
    with pytest.raises(CorpusError, match="has no prompt to examine"):
        read_exams(tmp_path)


def test_sets_come_in_one_order_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("mt_bench", "gsm8k", "mmlu", "other"):
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n" + LINE + b"\n")
    assert tuple(exam.name for exam in read_exams(tmp_path)) == SETS


ANSWERS = st.lists(
    st.tuples(st.floats(-3, 3), st.booleans(), st.booleans()), min_size=1, max_size=40
)


@given(ANSWERS)
def test_any_scores_make_a_curve_from_weak_to_strong(
    told: list[tuple[float, bool, bool]],
) -> None:
    scores, weak, strong = (np.array(column, np.float64) for column in zip(*told, strict=True))
    calls, quality = curve(ranks(scores), weak, strong)
    assert (calls[0], calls[-1]) == (0, 1)
    assert (np.diff(calls) >= 0).all()
    assert (quality[0], quality[-1]) == pytest.approx((weak.mean(), strong.mean()))
    assert (quality >= np.minimum(weak, strong).mean() - 1e-9).all()
    assert (quality <= np.maximum(weak, strong).mean() + 1e-9).all()
    if strong.mean() == weak.mean():
        assert np.isnan(apgr(calls, quality))
    else:
        half, most = cpt(0.5, calls, quality), cpt(0.8, calls, quality)
        assert 0 <= half <= most <= 1
