"""Parts are judged like the whole, by hand on small ones."""

import numpy as np
import pytest

from classifier.corpus import Example
from classifier.judge.rows import Judged, judged
from classifier.judge.slices import POOLED_ROWS, slices
from classifier.metrics import perfect_error, positions
from classifier.types import Label
from tests.judged import FACTS, verdict


def rows(source: str, truth: Label, said: Label, count: int, **fields: str) -> list[Example]:
    """Rows that carry what is said of them as their id."""
    return [
        Example(prompt="x", source=source, label=truth, id=said, **fields)  # type: ignore[arg-type]
        for _ in range(count)
    ]


def judge(*parts: list[Example]) -> Judged:
    every = [row for part in parts for row in part]
    labels: dict[str, Label] = {"easy": "easy", "medium": "medium", "hard": "hard"}
    return judged(every, [verdict(labels[str(row.id)], 0.8) for row in every])


def test_each_source_has_its_own_figures_largest_first() -> None:
    seen = judge(
        rows("exam", "hard", "hard", 3),
        rows("exam", "easy", "hard", 1),
        rows("talk", "easy", "easy", 6),
    )
    talk, exam = slices(seen, FACTS).sources
    assert (talk.name, talk.rows, talk.labels, talk.accuracy.value) == ("talk", 6, 1, 1)
    assert (exam.name, exam.rows, exam.labels, exam.accuracy.value) == ("exam", 4, 2, 0.75)
    # Of hard 2·3/(3+4), of easy 0.
    assert exam.macro_f1 == pytest.approx((6 / 7) / 2)


def test_majorities_are_those_of_training() -> None:
    seen = judge(rows("exam", "hard", "hard", 3), rows("exam", "easy", "hard", 1))
    (exam,) = slices(seen, FACTS).sources
    assert (exam.majority, exam.source_majority) == (0.25, 0.75)
    (unheard,) = slices(judge(rows("unheard of", "easy", "easy", 4)), FACTS).sources
    assert unheard.source_majority == unheard.majority == 1


def test_calibration_of_a_part_is_less_what_so_few_rows_show() -> None:
    (exam,) = slices(judge(rows("exam", "hard", "hard", 40)), FACTS).sources
    assert exam.ece == pytest.approx(0.2), "always right at .8"
    assert exam.excess_ece == pytest.approx(0.2 - perfect_error(np.full(40, 0.8)).value)


def test_languages_and_categories_are_parts_too() -> None:
    seen = slices(
        judge(
            rows("exam", "hard", "hard", 2, lang="de", category="proofs"),
            rows("talk", "easy", "hard", 1, lang="de"),
            rows("talk", "easy", "easy", 1),
        ),
        FACTS,
    )
    (german,) = seen.languages
    assert (german.name, german.rows) == ("de", 3)
    assert german.accuracy.value == pytest.approx(2 / 3)
    assert [(one.name, one.rows) for one in seen.categories] == [("proofs", 2)]


def test_only_sources_with_two_labels_and_enough_rows_are_pooled() -> None:
    half = POOLED_ROWS // 2
    mixed = [*rows("mixed", "hard", "hard", half), *rows("mixed", "easy", "hard", half)]
    pooled = slices(judge(mixed, rows("plain", "easy", "easy", 99)), FACTS).pooled
    assert pooled is not None
    assert (pooled.sources, pooled.rows) == (1, POOLED_ROWS)
    assert (pooled.accuracy.value, pooled.majority) == (0.5, 0.5)
    assert slices(judge(mixed[1:]), FACTS).pooled is None


def test_labels_are_numbered_in_their_order() -> None:
    assert positions(["easy", "needs_info", None]).tolist() == [0, 3, -1]
