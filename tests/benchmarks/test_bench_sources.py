"""Whole sources are left out: no row of a fold's sources trains the model that judges it."""

import numpy as np

from benchmarks.bench_sources import answers, compare, deal
from classifier.corpus import Example
from tests.synthetic import examples


def test_every_source_is_dealt_once_and_the_groups_are_even() -> None:
    rows = [Example(prompt="x", source=f"s{size}") for size in range(1, 9) for _ in range(size)]
    dealt = deal(rows, 3)
    assert sorted(source for group in dealt for source in group) == [f"s{n}" for n in range(1, 9)]
    sizes = [sum(int(source[1:]) for source in group) for group in dealt]
    assert max(sizes) - min(sizes) <= 2


def test_a_model_is_judged_on_the_sources_that_it_never_saw() -> None:
    rows, said = answers(examples(), frozenset({"source 0"}))
    assert {row.source for row in rows} == {"source 0"}
    model, majority, length = compare(rows, said)[:3]
    assert model.value > max(majority.value, length.value)
    assert len({len(one) for one in said}) == 1
    assert np.unique(said[1]).size == 1
