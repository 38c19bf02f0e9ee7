"""Fitted heads, exported, say what the solver said."""

import numpy as np
import pytest

from classifier import targets
from classifier.features import matrix
from classifier.fit import Settings, design, export, fit, predict
from classifier.targets import Task
from tests.synthetic import examples, prompt, static_embedder

SETTINGS = Settings()
FREEDOM = 5.0
EXAMPLES = examples(40)
EMBEDDER = static_embedder()
ROWS = matrix([prompt(example.prompt) for example in EXAMPLES], EMBEDDER)
PLAN = design(ROWS, EMBEDDER.terms, SETTINGS)
START = np.zeros(len(ROWS))


def hard() -> Task:
    return targets.above(EXAMPLES, 0)


def test_the_design_has_a_row_an_example_and_its_blocks() -> None:
    bins = ROWS[0].surface.size * SETTINGS.bins
    assert PLAN.matrix.shape == (len(ROWS), PLAN.seen.size + EMBEDDER.dims + bins)
    words = PLAN.matrix[:, : PLAN.seen.size]
    assert np.asarray(words.power(2).sum(axis=1)).ravel() == pytest.approx(1)


def test_exported_heads_serve_what_was_fitted() -> None:
    lines = [fit(PLAN, task, FREEDOM, START) for task in (targets.needs_info(EXAMPLES), hard())]
    heads = export(PLAN, lines, SETTINGS, None)
    expected = np.stack([predict(PLAN, line) for line in lines], axis=1)
    served = np.stack([heads.logits(row) for row in ROWS])
    assert served == pytest.approx(expected, abs=2e-3)


def test_a_head_learns_its_task() -> None:
    task = hard()
    logits = predict(PLAN, fit(PLAN, task, FREEDOM, START))[task.rows]
    assert ((logits > 0) == (task.target > 0.5)).mean() > 0.95


def test_a_share_counts_as_so_much_yes_and_the_rest_no() -> None:
    rows = np.arange(len(ROWS))
    ones = np.ones(len(ROWS))
    line = fit(PLAN, Task(rows=rows, target=ones * 0.3, trust=ones, weight=ones), FREEDOM, START)
    chance = 1 / (1 + np.exp(-predict(PLAN, line)))
    assert chance == pytest.approx(0.3, abs=0.02)


def test_weights_move_the_head() -> None:
    task = hard()
    flat = predict(PLAN, fit(PLAN, task, FREEDOM, START)).mean()
    loud = Task(
        rows=task.rows,
        target=task.target,
        trust=task.trust,
        weight=np.where(task.target > 0.5, task.weight * 20, task.weight),
    )
    assert predict(PLAN, fit(PLAN, loud, FREEDOM, START)).mean() > flat


def test_fitting_again_is_the_same() -> None:
    one, other = fit(PLAN, hard(), FREEDOM, START), fit(PLAN, hard(), FREEDOM, START)
    assert (one.weights == other.weights).all()
    assert one.bias == other.bias


def test_a_term_that_was_never_seen_weighs_nothing() -> None:
    heads = export(PLAN, [fit(PLAN, hard(), FREEDOM, START)], SETTINGS, None)
    assert heads.terms.shape == (EMBEDDER.terms, 1)
    unseen = np.setdiff1d(np.arange(EMBEDDER.terms), PLAN.seen)
    assert unseen.size
    assert not heads.terms[unseen].any()
    assert heads.terms[PLAN.seen].any()
