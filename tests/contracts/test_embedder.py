"""What every encoder promises."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.artifact import load
from classifier.embed import Embedder, HashEmbedder
from classifier.registry import builtin
from tests.synthetic import static_embedder

EMBEDDERS: list[Embedder] = [HashEmbedder(), static_embedder(), load(builtin()).embedder]
each = pytest.mark.parametrize("embedder", EMBEDDERS, ids=["hash", "static", "builtin"])


@each
@given(text=st.text() | st.sampled_from(["", " ", "\x00", "\ud800", "word " * 3_000]))
def test_any_text_has_an_embedding(embedder: Embedder, text: str) -> None:
    seen = embedder.embed(text)
    assert seen.vector.shape == (embedder.dims,)
    assert seen.vector.dtype == np.float32
    assert np.isfinite(seen.vector).all()
    assert seen.terms.dtype == np.int64
    assert (np.diff(seen.terms) > 0).all()
    assert ((seen.terms >= 0) & (seen.terms < embedder.terms)).all()


@each
def test_nothing_recognised_is_zeros_and_no_terms(embedder: Embedder) -> None:
    seen = embedder.embed("  \n ")
    assert not seen.vector.any()
    assert not seen.terms.size


@each
def test_the_same_text_is_the_same_embedding_in_every_thread(embedder: Embedder) -> None:
    texts = [f"the {word} of number {n}" for n in range(50) for word in ("lamp", "prime")]
    alone = [embedder.embed(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(embedder.embed, texts))
    for one, other in zip(alone, together, strict=True):
        assert (one.vector == other.vector).all()
        assert (one.terms == other.terms).all()


@each
def test_texts_that_share_words_are_alike(embedder: Embedder) -> None:
    first, near, far = (
        embedder.embed(text)
        for text in ("the lamp in the garden", "the lamp in the window", "prove 7 derive")
    )
    assert (
        np.intersect1d(first.terms, near.terms).size > np.intersect1d(first.terms, far.terms).size
    )


@each
def test_case_does_not_matter(embedder: Embedder) -> None:
    assert (embedder.embed("The LAMP").vector == embedder.embed("the lamp").vector).all()
