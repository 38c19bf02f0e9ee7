"""Building on an earlier model: what is added adds up, and what is not asked about stays."""

from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import targets
from classifier.calibrate import FEW
from classifier.corpus import Example
from classifier.features import Row, matrix
from classifier.fit import Line, Settings, design, export, fit, predict
from classifier.folds import parts
from classifier.linear import Heads
from classifier.model import HEADS
from classifier.targets import Floats, Task
from classifier.train import LEAST_ROWS, Trained, calibrated_heads, train
from classifier.types import Version
from tests.synthetic import examples, prompt, trained

SETTINGS = Settings()
FREEDOM = 5.0
BASE = trained().classifier
OWN = Version("20261201-00000000")
ROWS = [prompt(one.prompt) for one in examples(12, seed=21)]


def heads_of(rows: list[Row], heads: Heads) -> Floats:
    return np.stack([heads.logits(row) for row in rows])


def test_heads_fitted_upon_others_serve_the_sum_of_both() -> None:
    mine = examples(40, seed=4)
    rows = matrix([prompt(one.prompt) for one in mine], BASE.embedder)
    before = calibrated_heads(BASE)
    plan = design(rows, BASE.embedder.terms, SETTINGS, before.edges)
    start = heads_of(rows, before)
    task = targets.above(mine, 0)
    lines = [fit(plan, task, FREEDOM, start[:, number]) for number in range(len(HEADS))]
    served = heads_of(rows, export(plan, lines, SETTINGS, before))
    added = np.stack([predict(plan, line) for line in lines], axis=1)
    assert np.abs(added).max() > 0.1
    assert served == pytest.approx(start + added, abs=5e-3)
    assert (plan.edges == before.edges).all()


def test_nothing_fitted_upon_others_leaves_them_as_they_are() -> None:
    rows = matrix(ROWS, BASE.embedder)
    before = calibrated_heads(BASE)
    plan = design(rows, BASE.embedder.terms, SETTINGS, before.edges)
    still = [Line(weights=np.zeros(plan.matrix.shape[1]), bias=0.0)] * len(HEADS)
    unseen = matrix([prompt("who sails the ferry by night ?")], BASE.embedder)
    for told in (rows, unseen):
        after = heads_of(told, export(plan, still, SETTINGS, before))
        assert after == pytest.approx(heads_of(told, before), abs=5e-3)


def test_what_the_start_says_already_is_not_learned_again() -> None:
    rows = matrix(ROWS, BASE.embedder)
    plan = design(rows, BASE.embedder.terms, SETTINGS)
    ones, every = np.ones(len(rows)), np.arange(len(rows))
    start = np.linspace(-3, 3, len(rows))
    task = Task(rows=every, target=1 / (1 + np.exp(-start)), trust=ones, weight=ones)
    assert predict(plan, fit(plan, task, FREEDOM, start)) == pytest.approx(0, abs=1e-3)
    bare = predict(plan, fit(plan, task, FREEDOM, np.zeros(len(rows))))
    assert np.corrcoef(bare, start)[0, 1] > 0.5


@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_answers_of_one_side_alone_move_a_head_there_and_not_without_end(answer: float) -> None:
    rows = matrix(ROWS, BASE.embedder)
    plan = design(rows, BASE.embedder.terms, SETTINGS)
    ones = np.ones(len(rows))
    task = Task(rows=np.arange(len(rows)), target=ones * answer, trust=ones, weight=ones)
    logits = predict(plan, fit(plan, task, FREEDOM, np.zeros(len(rows))))
    assert ((logits > 0) == (answer == 1)).all()
    assert np.abs(logits).max() < 20


def test_rows_that_are_all_alike_make_finite_heads() -> None:
    """No measure varies: nothing may be divided by nothing."""
    rows = matrix([prompt("fix it")] * 5, BASE.embedder)
    plan = design(rows, BASE.embedder.terms, SETTINGS)
    ones = np.ones(5)
    task = Task(rows=np.arange(5), target=ones * 0.5, trust=ones, weight=ones)
    heads = export(plan, [fit(plan, task, FREEDOM, np.zeros(5))], SETTINGS, None)
    assert all(np.isfinite(array).all() for array in heads.arrays().values())
    assert heads.logits(rows[0]) == pytest.approx([0], abs=1e-3)


NUMBERS = st.lists(st.floats(0, 5), min_size=len(HEADS), max_size=len(HEADS))


@given(NUMBERS, NUMBERS)
def test_scaled_heads_say_slope_times_the_logit_and_the_offset(
    slope: list[float], offset: list[float]
) -> None:
    row = matrix(ROWS[:1], BASE.embedder)[0]
    expected = np.array(slope) * BASE.heads.logits(row) + np.array(offset)
    assert BASE.heads.scaled(slope, offset).logits(row) == pytest.approx(expected, abs=1e-3)
    again = BASE.heads.scaled(slope, offset).scaled([1.0] * len(HEADS), [0.0] * len(HEADS))
    assert again.logits(row) == pytest.approx(expected, abs=1e-3)


def own(count: int, **known: Any) -> list[Example]:
    return [Example(prompt=f"when does ferry {n} leave ?", **known) for n in range(count)]


def adapted(rows: list[Example]) -> Trained:
    return train(rows, BASE, settings=SETTINGS, version=OWN)


@cache
def on_labels() -> Trained:
    """Labels alone, and too few that are held out to choose a cut-off by."""
    return adapted([*own(100, label="hard"), *own(100, label="easy", cluster="one")])


def test_a_question_that_nobody_answers_keeps_the_answer_of_the_base() -> None:
    model = on_labels().classifier
    for asked in ROWS:
        before, after = BASE.assess(asked), model.assess(asked)
        assert msgspec.structs.astuple(after.success) == pytest.approx(
            msgspec.structs.astuple(before.success), abs=2e-3
        )
        assert after.probabilities.needs_info == pytest.approx(
            before.probabilities.needs_info, abs=2e-3
        )


def test_and_the_one_that_is_answered_moves() -> None:
    ferry = prompt("when does ferry 777 leave ?")
    before, after = BASE.assess(ferry), on_labels().classifier.assess(ferry)
    assert after.difficulty > before.difficulty + 0.1


def test_the_cut_off_of_the_base_is_kept_where_few_rows_could_choose_another() -> None:
    assert on_labels().classifier.calibration.needs_info == BASE.calibration.needs_info
    rows = [row for row in examples(150, seed=31) if row.label]
    held = int((parts(rows) == "calibrate").sum())
    assert 0 < held < FEW
    assert adapted(rows).classifier.calibration.needs_info == BASE.calibration.needs_info


def test_a_question_below_the_least_rows_is_not_learned_and_one_with_more_is() -> None:
    fitted = [row for row in own(400, needs_info=1) if parts([row])[0] == "train"]
    ferry = prompt("when does ferry 777 leave ?")
    before = BASE.assess(ferry).probabilities.needs_info
    few = adapted(fitted[: LEAST_ROWS - 1]).classifier.assess(ferry).probabilities.needs_info
    more = adapted(fitted[: 3 * LEAST_ROWS]).classifier.assess(ferry).probabilities.needs_info
    assert few == pytest.approx(before, abs=2e-3)
    assert more > before + 0.1


def test_the_encoder_is_that_of_the_base_and_the_base_is_left_as_it_was() -> None:
    said = BASE.assess_many(ROWS)
    model = adapted(own(60, label="hard", share_small=0.0)).classifier
    assert model.embedder is BASE.embedder
    assert (model.version, BASE.version) == (OWN, trained().classifier.version)
    assert (model.heads.edges == BASE.heads.edges).all()
    assert BASE.assess_many(ROWS) == said


def test_facts_of_rows_without_a_label_still_name_one() -> None:
    facts = adapted([Example(prompt=f"row {n}", source="mine") for n in range(40)]).facts
    assert (facts.majority, facts.held_macro_f1) == ("easy", 0)
    assert [source.name for source in facts.sources] == ["mine"]
    assert facts.length_rule.label(10) == "easy"
