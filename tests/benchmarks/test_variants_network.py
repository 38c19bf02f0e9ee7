"""The small network: it learns what no line can, and its tables learn with it."""

import numpy as np
import pytest

from benchmarks.variants.network import Data, Recipe, mean, standard, train

RECIPE = Recipe(hidden=16, epochs=60, batch=32, rate=1e-2, decay=0.0, dropout=0.0)
NOTHING = np.zeros(0, np.int64)


def xor(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    corners = np.random.default_rng(0).integers(0, 2, (count, 2))
    return corners.astype(np.float32), (corners[:, :1] ^ corners[:, 1:]).astype(np.float32)


def test_it_learns_what_no_line_can() -> None:
    dense, target = xor()
    data = Data(dense=dense, target=target, weight=np.ones_like(target))
    net = train(data, (), RECIPE)
    told = np.stack([net.logits(row) for row in dense])
    assert ((told > 0) == (target > 0.5)).all()


def test_rows_without_weight_teach_nothing() -> None:
    dense, target = xor()
    wrong = np.concatenate([target, 1 - target])
    weight = np.concatenate([np.ones_like(target), np.zeros_like(target)])
    data = Data(dense=np.concatenate([dense, dense]), target=wrong, weight=weight)
    net = train(data, (), RECIPE)
    told = np.stack([net.logits(row) for row in dense])
    assert ((told > 0) == (target > 0.5)).all()


def test_a_table_learns_the_terms_that_it_sees_and_keeps_the_others() -> None:
    draw = np.random.default_rng(1)
    terms = tuple(draw.choice(20, 3, replace=False) for _ in range(500))
    target = np.array([[float(7 in own)] for own in terms], np.float32)
    data = Data(
        dense=np.zeros((500, 1), np.float32),
        terms=(terms,),
        target=target,
        weight=np.ones_like(target),
    )
    begun = draw.standard_normal((30, 4)).astype(np.float32)
    net = train(data, (begun,), RECIPE)
    told = np.array([net.logits(np.zeros(1, np.float32), (own,))[0] for own in terms])
    assert ((told > 0) == (target[:, 0] > 0.5)).mean() > 0.98
    assert not np.array_equal(net.tables[0][7], begun[7])
    assert np.array_equal(net.tables[0][20:], begun[20:])


def test_a_text_without_terms_is_answered_from_its_measures() -> None:
    dense, target = xor(64)
    one = np.array([3], np.int64)
    data = Data(
        dense=dense,
        terms=(tuple(one if row % 2 else NOTHING for row in range(64)),),
        target=target,
        weight=np.ones_like(target),
    )
    net = train(data, (np.ones((5, 2), np.float32),), RECIPE)
    assert np.isfinite(net.logits(dense[0], (NOTHING,))).all()
    assert mean(net.tables[0], NOTHING).tolist() == [0, 0]


def test_the_same_data_make_the_same_network() -> None:
    dense, target = xor(100)
    data = Data(dense=dense, target=target, weight=np.ones_like(target))
    recipe = Recipe(hidden=8, epochs=2, batch=16)
    first, second = (train(data, (), recipe) for _ in range(2))
    assert all(np.array_equal(*pair) for pair in zip(first.layers, second.layers, strict=True))


def test_a_measure_that_is_always_the_same_is_no_trouble() -> None:
    dense = np.ones((10, 2), np.float32)
    made = standard(dense, dense.mean(axis=0), np.full(2, 1e-6, np.float32))
    assert not made.any()
    assert standard(dense * 9, dense[0], np.float32(0.1) * dense[0]).max() == pytest.approx(4)


def test_tables_are_counted_at_a_byte_a_number() -> None:
    dense, target = xor(50)
    terms = tuple(np.array([1], np.int64) for _ in range(50))
    data = Data(dense=dense, terms=(terms,), target=target, weight=np.ones_like(target))
    small, large = (
        train(data, (np.zeros((size, 4), np.float32),), Recipe(hidden=4, epochs=1)).size
        for size in (10, 1_010)
    )
    assert large - small == 4_000
