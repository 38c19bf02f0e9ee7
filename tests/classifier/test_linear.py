"""The heads' arithmetic, against a plain calculation of the same score."""

import numpy as np
import pytest

from classifier.features import Row
from classifier.linear import Heads, place

HEADS = Heads(
    terms=np.array([[10, -20], [30, 0], [-5, 7]], np.int16),
    unit=np.array([0.5, 0.25]),
    vector=np.array([[1.0, 2.0], [-1.0, 0.5]], np.float32),
    edges=np.array([[0.0, 10.0], [1.0, 1.0]], np.float32),
    bins=np.arange(12, dtype=np.float32).reshape(6, 2),
    bias=np.array([100.0, 200.0]),
)


def row(*terms: int, vector: tuple[float, float] = (0, 0), surface: tuple[float, float]) -> Row:
    return Row(
        vector=np.array(vector, np.float32),
        terms=np.array(terms, np.int64),
        surface=np.array(surface, np.float32),
    )


def test_a_logit_is_bias_words_meaning_and_surface() -> None:
    seen = row(0, 1, vector=(2, 4), surface=(5, 0))
    words = np.array([40 * 0.5, -20 * 0.25]) / np.sqrt(2)
    meaning = np.array([2 - 4, 4 + 2])
    surface = HEADS.bins[1] + HEADS.bins[3]
    assert HEADS.logits(seen) == pytest.approx(HEADS.bias + words + meaning + surface)
    assert HEADS.parts(seen) == pytest.approx(np.stack([words, meaning, surface]))


def test_no_terms_add_nothing() -> None:
    assert HEADS.parts(row(surface=(0, 0)))[0].tolist() == [0, 0]


@pytest.mark.parametrize(("value", "bin_"), [(-1.0, 0), (0.0, 0), (0.1, 1), (10.0, 1), (11.0, 2)])
def test_a_bin_holds_its_upper_end(value: float, bin_: int) -> None:
    assert place(np.array([value, 0], np.float32), HEADS.edges).tolist() == [bin_, 3]


def test_equal_edges_make_an_empty_bin_and_no_gap() -> None:
    assert place(np.array([0, 1.0], np.float32), HEADS.edges)[1] == 3
    assert place(np.array([0, 1.1], np.float32), HEADS.edges)[1] == 5


def test_places_of_many_rows_are_those_of_each() -> None:
    rows = np.random.default_rng(0).uniform(-3, 12, (20, 2)).astype(np.float32)
    assert (place(rows, HEADS.edges) == [place(one, HEADS.edges) for one in rows]).all()


def test_arrays_make_the_same_heads_again() -> None:
    again = Heads.from_arrays(HEADS.arrays())
    seen = row(1, 2, vector=(1, 1), surface=(20, 2))
    assert (again.logits(seen) == HEADS.logits(seen)).all()


def test_a_missing_array_is_an_error() -> None:
    arrays = dict(HEADS.arrays())
    del arrays["heads.bias"]
    with pytest.raises(KeyError, match="bias"):
        Heads.from_arrays(arrays)
