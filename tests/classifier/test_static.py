"""The static encoder: means of vectors, and terms of words and pairs."""

import numpy as np
import pytest

from classifier.pieces import WordPieces
from classifier.static import PAIR_BITS, SCALE, TABLE, StaticEmbedder

VOCABULARY = ("[UNK]", "red", "green", "blue")
TABLE_F32 = np.array([[0, 0], [1, -4], [0.5, 2], [-1, 1]], np.float32)


def embedder() -> StaticEmbedder:
    return StaticEmbedder.quantise(VOCABULARY, TABLE_F32)


def test_the_vector_is_the_mean_of_the_pieces() -> None:
    seen = embedder().embed("red green green")
    assert seen.vector == pytest.approx(TABLE_F32[[1, 2, 2]].mean(axis=0), abs=0.02)


def test_eight_bits_lose_at_most_half_a_step() -> None:
    table = np.random.default_rng(0).standard_normal((500, 6)).astype(np.float32)
    words = ["[UNK]", *(f"w{number}" for number in range(499))]
    made = StaticEmbedder.quantise(words, table).arrays()
    error = np.abs(made[TABLE] * made[SCALE] - table)
    assert (error <= made[SCALE] * 0.5001).all()


def test_terms_are_the_pieces_and_their_pairs_once_each() -> None:
    seen = embedder().embed("red green red green")
    words = [term for term in seen.terms if term < len(VOCABULARY)]
    pairs = [term for term in seen.terms if term >= len(VOCABULARY)]
    assert words == [1, 2]
    assert len(pairs) == 2
    assert max(pairs) < len(VOCABULARY) + (1 << PAIR_BITS)


def test_order_makes_other_pairs_and_the_same_vector() -> None:
    one, other = embedder().embed("red green blue"), embedder().embed("blue green red")
    assert (one.vector == other.vector).all()
    assert not (one.terms.shape == other.terms.shape and (one.terms == other.terms).all())


def test_pairs_of_a_real_vocabulary_spread_over_all_terms() -> None:
    words = [f"w{number}" for number in range(2_000)]
    table = np.zeros((2_001, 1), np.float32)
    many = StaticEmbedder.quantise(["[UNK]", *words], table)
    rng = np.random.default_rng(3)
    terms = many.embed(" ".join(words[i] for i in rng.integers(0, 2_000, 20_000))).terms
    pairs = terms[terms > 2_000]
    assert pairs.size > 0.95 * (1 << PAIR_BITS) * (1 - np.exp(-20_000 / (1 << PAIR_BITS)))


def test_arrays_make_the_same_encoder_again() -> None:
    first = embedder()
    again = StaticEmbedder.from_arrays(VOCABULARY, first.arrays())
    assert (again.embed("red blue").vector == first.embed("red blue").vector).all()


@pytest.mark.parametrize(
    ("table", "scale"),
    [
        (np.zeros((3, 2), np.int8), np.ones(2, np.float32)),
        (np.zeros((4, 2), np.int8), np.ones(3, np.float32)),
        (np.zeros((4, 2), np.float32), np.ones(2, np.float32)),
        (np.zeros(4, np.int8), np.ones(2, np.float32)),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    table: "np.ndarray[tuple[int, ...], np.dtype[np.int8]]",
    scale: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]",
) -> None:
    with pytest.raises(ValueError, match="4 pieces"):
        StaticEmbedder(WordPieces(VOCABULARY), table, scale)
