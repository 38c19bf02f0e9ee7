"""A small network in numpy: one hidden layer over measures and, where asked for, learned tables.

A table has a vector for each of many terms; a row's input is the mean over its terms. Tables learn
with the layers, so a static embedding is tuned end to end without torch. Adam (Kingma and Ba 2015)
with decoupled decay (Loshchilov and Hutter 2019); a table moves only where a batch touched it.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Terms: TypeAlias = NDArray[np.int64]

BETAS: Final = (0.9, 0.999)
REACH: Final = 4.0
"""Standardised measures beyond this many deviations are cut: a text may be longer than any seen."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How a network is trained; one setting for every variant, not tuned to any."""

    hidden: int = 128
    epochs: int = 12
    batch: int = 256
    rate: float = 2e-3
    decay: float = 0.05
    dropout: float = 0.3
    """Share of the inputs' and of the hidden numbers that each step is trained without."""
    seed: int = 20_261_126


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Rows to learn from; all have one entry a row."""

    dense: Array
    terms: tuple[tuple[Terms, ...], ...] = ()
    """For each table the terms of every row, distinct."""
    target: Array
    weight: Array


class Net(msgspec.Struct, frozen=True, kw_only=True):
    """A trained network."""

    mean: Array
    scale: Array
    tables: tuple[Array, ...]
    layers: tuple[Array, ...]
    """Weights and bias of the hidden layer, then of the outputs."""

    @property
    def size(self) -> int:
        """Bytes to keep: tables at one byte a number, as the static encoder keeps its own."""
        layers = sum(array.nbytes for array in (self.mean, self.scale, *self.layers))
        return int(layers + sum(table.size + 4 * table.shape[1] for table in self.tables))

    def logits(self, dense: Array, terms: Sequence[Terms] = ()) -> Array:
        """The outputs for one row: its measures, and its terms for each table."""
        parts = [mean(table, own) for table, own in zip(self.tables, terms, strict=True)]
        whole = np.concatenate([*parts, standard(dense, self.mean, self.scale)])
        found: Array = np.maximum(whole @ self.layers[0] + self.layers[1], 0) @ self.layers[2]
        return found + self.layers[3]


def mean(table: Array, terms: Terms) -> Array:
    """The mean vector of `terms`; zeros where there are none."""
    if not terms.size:
        return np.zeros(table.shape[1], np.float32)
    found: Array = table.take(terms, axis=0).mean(axis=0)
    return found


def standard(dense: Array, centre: Array, scale: Array) -> Array:
    """Measures in deviations from their mean, cut at REACH."""
    found: Array = np.clip((dense - centre) / scale, -REACH, REACH)
    return found


def train(data: Data, tables: Sequence[Array], recipe: Recipe) -> Net:
    """A network on `data` that begins with `tables`, shape (terms, dims) each."""
    centre = data.dense.mean(axis=0)
    scale = np.maximum(data.dense.std(axis=0), 1e-6)
    inputs = standard(data.dense, centre, scale)
    work = _Work(inputs, data, tables, recipe)
    draw = np.random.default_rng(recipe.seed)
    total = recipe.epochs * -(-len(inputs) // recipe.batch)
    step = 0
    for _ in range(recipe.epochs):
        order = draw.permutation(len(inputs))
        for begin in range(0, order.size, recipe.batch):
            work.learn(order[begin : begin + recipe.batch], 1 - step / total, draw)
            step += 1
    return Net(mean=centre, scale=scale, tables=tuple(work.tables), layers=tuple(work.layers))


class _Moments:
    """Adam's two means of one array's gradients, and how often each row was moved."""

    def __init__(self, array: Array) -> None:
        self._first, self._second = np.zeros_like(array), np.zeros_like(array)
        self._count = np.zeros((len(array), *[1] * (array.ndim - 1)), np.float32)

    def move(self, array: Array, rows: Terms | slice, slope: Array, rate: float) -> None:
        """One step of `rows` of `array` down `slope`, in place."""
        one, two = BETAS
        self._count[rows] += 1
        first = one * self._first[rows] + (1 - one) * slope
        second = two * self._second[rows] + (1 - two) * slope**2
        self._first[rows], self._second[rows] = first, second
        count = self._count[rows]
        length = np.sqrt(second / (1 - two**count)) + 1e-8
        array[rows] -= rate * first / (1 - one**count) / length


class _Work:
    """The state of a training run."""

    def __init__(self, inputs: Array, data: Data, tables: Sequence[Array], recipe: Recipe) -> None:
        draw = np.random.default_rng(recipe.seed)
        self._inputs, self._data, self._recipe = inputs, data, recipe
        self.tables = [table.astype(np.float32, copy=True) for table in tables]
        wide = inputs.shape[1] + sum(table.shape[1] for table in tables)
        shapes = [(wide, recipe.hidden), (recipe.hidden, data.target.shape[1])]
        self.layers: list[Array] = []
        for shape in shapes:
            size = np.float32((2 / shape[0]) ** 0.5)
            weights = draw.standard_normal(shape, dtype=np.float32) * size
            self.layers += [weights, np.zeros(shape[1], np.float32)]
        self.layers[2] *= 0.1
        self._moments = [_Moments(array) for array in (*self.layers, *self.tables)]

    def learn(self, rows: NDArray[np.intp], left: float, draw: np.random.Generator) -> None:
        """One step on `rows`, at the share `left` of the rate."""
        bags = [_Bag([terms[row] for row in rows]) for terms in self._data.terms]
        means = [bag.mean(table) for bag, table in zip(bags, self.tables, strict=True)]
        whole = np.concatenate([*means, self._inputs[rows]], axis=1)
        kept = [_kept(draw, size, self._recipe.dropout) for size in self._sizes(len(rows))]
        whole = whole * kept[0]
        raw = whole @ self.layers[0] + self.layers[1]
        hidden = np.maximum(raw, 0) * kept[1]
        logits = hidden @ self.layers[2] + self.layers[3]
        told = 1 / (1 + np.exp(-logits))
        gap = self._data.weight[rows] * (told - self._data.target[rows]) / np.float32(len(rows))
        back = (gap @ self.layers[2].T) * kept[1] * (raw > 0)
        into = (back @ self.layers[0].T) * kept[0]
        slopes = [whole.T @ back, back.sum(axis=0), hidden.T @ gap, gap.sum(axis=0)]
        self._move(slopes, bags, into, left)

    def _move(
        self, slopes: Sequence[Array], bags: "Sequence[_Bag]", into: Array, left: float
    ) -> None:
        rate = self._recipe.rate * left
        for number, slope in enumerate(slopes):
            self._moments[number].move(self.layers[number], slice(None), slope, rate)
            if slope.ndim > 1:
                self.layers[number] *= 1 - rate * self._recipe.decay
        at = 0
        for number, (bag, table) in enumerate(zip(bags, self.tables, strict=True)):
            slope = bag.spread(into[:, at : at + table.shape[1]])
            self._moments[len(self.layers) + number].move(table, bag.terms, slope, rate)
            at += table.shape[1]

    def _sizes(self, rows: int) -> tuple[tuple[int, int], tuple[int, int]]:
        wide, hidden = self.layers[0].shape
        return (rows, wide), (rows, hidden)


class _Bag:
    """The terms of a batch: which occur, and how much of each row's mean each is."""

    def __init__(self, terms: Sequence[Terms]) -> None:
        from scipy.sparse import csr_matrix  # noqa: PLC0415 (the train extra)

        sizes = [own.size for own in terms]
        self.terms, places = np.unique(np.concatenate(terms), return_inverse=True)
        shares = np.concatenate([np.full(size, 1 / max(1, size), np.float32) for size in sizes])
        starts = np.cumsum([0, *sizes])
        self._share = csr_matrix((shares, places, starts), shape=(len(terms), self.terms.size))

    def mean(self, table: Array) -> Array:
        """The mean vector of each row of the batch."""
        found: Array = self._share @ table[self.terms]
        return found

    def spread(self, slope: Array) -> Array:
        """The gradient of each term that occurs."""
        found: Array = self._share.T @ slope
        return found


def _kept(draw: np.random.Generator, size: tuple[int, int], dropped: float) -> Array:
    mask = draw.random(size, dtype=np.float32) >= dropped
    return mask.astype(np.float32) / np.float32(1 - dropped)
