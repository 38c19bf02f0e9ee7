"""What a run may learn from: nothing of the sources that judge it, and nothing like their rows."""

import msgspec
import numpy as np

from benchmarks.variants.ground import FOLDS, ground
from benchmarks.variants.lesson import QUESTIONS, known, lesson, table, truth
from classifier.corpus import Example
from classifier.features import matrix
from tests.synthetic import examples, static_embedder


def rows() -> list[Example]:
    """Five sources; the last two rows of each source are told apart from others by nothing."""
    made = []
    for number, row in enumerate(examples(60)):
        source = f"source {number % 5}"
        made.append(msgspec.structs.replace(row, source=source, cluster=f"c{number // 2}"))
    return made


def test_every_row_is_left_out_by_one_run_and_by_none_in_run_0() -> None:
    found = ground(rows(), [])
    assert not found.out(0).any()
    counts = sum(found.out(run).astype(int) for run in range(1, FOLDS + 1))
    assert np.unique(counts).tolist() == [1]


def test_a_run_learns_nothing_from_the_sources_or_clusters_that_judge_it() -> None:
    found = ground(rows(), [])
    for run in range(1, FOLDS + 1):
        looked, out = found.fitted(run) | found.held(run), found.out(run)
        assert looked.any()
        assert not (looked & out).any()
        sources = [{found.rows[at].source for at in np.flatnonzero(side)} for side in (looked, out)]
        assert sources[0].isdisjoint(sources[1])
        clusters = [set(found.group[side].tolist()) for side in (looked, out)]
        assert clusters[0].isdisjoint(clusters[1])
        assert not (found.fitted(run) & found.held(run)).any()


def test_rows_of_a_restricted_licence_judge_and_never_train() -> None:
    closed = [msgspec.structs.replace(row, license_class="non_commercial") for row in rows()[:100]]
    found = ground([*closed, *rows()[100:]], [])
    restricted = np.array([row.license_class == "non_commercial" for row in found.rows])
    for run in range(FOLDS + 1):
        assert not ((found.fitted(run) | found.held(run)) & restricted).any()
    assert sum(int((found.out(run) & restricted).sum()) for run in range(1, FOLDS + 1)) == 100


def test_what_is_kept_for_promotion_teaches_nothing() -> None:
    found = ground(rows(), [])
    promoted = found.part == "promote"
    assert promoted.any()
    assert not ((found.fitted(0) | found.held(0)) & promoted).any()


def test_a_lesson_has_the_rows_of_its_run_and_asks_only_the_fitted() -> None:
    found = ground(rows(), [])
    learned = lesson(found, 1, matrix(found.asked, static_embedder()))
    assert len(learned.rows) == int((found.fitted(1) | found.held(1)).sum())
    assert len(learned.tasks) == len(QUESTIONS)
    asked = known(learned.tasks, len(learned.rows))
    assert int(asked.sum()) == int(found.fitted(1).sum())


def test_a_teacher_moves_the_label_and_leaves_measured_shares_alone() -> None:
    found = ground(rows(), [])
    numbers = matrix(found.asked, static_embedder())
    plain = lesson(found, 1, numbers)
    sure = np.full((len(found.rows), len(QUESTIONS)), 20.0, np.float32)
    taught = lesson(found, 1, numbers, sure)
    for one, other in zip(plain.tasks[:3], taught.tasks[:3], strict=True):
        assert np.allclose(other.target, (one.target + 1) / 2)
        assert np.array_equal(one.weight, other.weight)
    assert np.array_equal(plain.tasks[3].target, taught.tasks[3].target)


def test_what_is_unknown_weighs_nothing_in_the_table() -> None:
    told = [Example(prompt="a", label="easy", needs_info=0), Example(prompt="b", share_small=0.5)]
    target, weight = table(truth(told), 2)
    assert (weight > 0).tolist() == [[True, True, False, False], [False, False, False, True]]
    assert target[1, 3] == 0.5
