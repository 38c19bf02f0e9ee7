"""Every kind of head answers what the rows taught it."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.variants import heads
from benchmarks.variants.ground import ground
from benchmarks.variants.lesson import QUESTIONS, Head, Lesson, lesson
from benchmarks.variants.network import Recipe
from benchmarks.variants.workshop import table_of
from classifier.features import Row, matrix
from classifier.metrics import auroc
from classifier.targets import Task
from tests.synthetic import examples, prompt, static_embedder

EMBEDDER = static_embedder()
RECIPE = Recipe(hidden=16, epochs=15, batch=32, rate=5e-3)


def end_to_end(learned: Lesson) -> Head:
    vectors = table_of(EMBEDDER)
    return heads.end_to_end(learned, vectors, EMBEDDER.terms - len(vectors), RECIPE)


MAKERS: dict[str, Callable[[Lesson], Head]] = {
    "linear": lambda learned: heads.linear(learned, EMBEDDER.terms),
    "boosting": heads.boosting,
    "network": lambda learned: heads.small_network(learned, RECIPE),
    "end to end": end_to_end,
}


def world(count: int, seed: int) -> tuple[list[Row], np.ndarray, np.ndarray]:
    """Rows, which of them lack something, and how often small models solve each."""
    rows = examples(count, seed)
    lacking = np.array([row.needs_info == 1 for row in rows])
    share = np.array([np.nan if r.share_small is None else r.share_small for r in rows])
    return matrix([prompt(row.prompt) for row in rows], EMBEDDER), lacking, share


@pytest.mark.parametrize("kind", MAKERS)
def test_a_head_answers_the_questions(kind: str) -> None:
    found = ground(examples(120), [])
    head = MAKERS[kind](lesson(found, 0, matrix(found.asked, EMBEDDER)))
    rows, lacking, share = world(20, 9)
    logits = head.logits(rows)
    assert logits.shape == (len(rows), len(QUESTIONS))
    assert (auroc(logits[:, 0], lacking) or 0) > 0.95
    known = ~np.isnan(share)
    assert (auroc(logits[known, 3], share[known] > 0.5) or 0) > 0.9
    assert head.size > 0


@pytest.mark.parametrize("kind", MAKERS)
def test_a_row_has_the_same_answer_alone(kind: str) -> None:
    found = ground(examples(120), [])
    head = MAKERS[kind](lesson(found, 0, matrix(found.asked, EMBEDDER)))
    rows, _, _ = world(3, 4)
    alone = np.concatenate([head.logits([row]) for row in rows])
    assert alone == pytest.approx(head.logits(rows), abs=1e-5)


def test_a_share_counts_as_that_much_of_yes_and_no() -> None:
    task = Task(
        rows=np.array([4, 5, 6]),
        target=np.array([0.0, 0.25, 1.0]),
        trust=np.ones(3),
        weight=np.array([1.0, 2.0, 3.0]),
    )
    rows, answers, weights = heads.doubled(task)
    told = sorted(zip(rows.tolist(), answers.tolist(), weights.tolist(), strict=True))
    assert told == [(4, False, 1.0), (5, False, 1.5), (5, True, 0.5), (6, True, 3.0)]
