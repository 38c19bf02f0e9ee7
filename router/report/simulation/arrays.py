"""Sums by bucket: exact, whatever the order and the batches in which rows come.

Every conversation falls into one of BUCKETS by a digest, and the bootstrap draws buckets. While a
bucket holds one conversation at most, that is drawing conversations; with more it is the method
of random groups (Wolter, Introduction to Variance Estimation, 2nd ed., chapter 2), whose variance
is unbiased too. So a log of any length is a few megabytes, and its replicates cost rows nothing.
"""

from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

BUCKETS: Final = 1_024
"""With all of them filled, an interval's width is known to one part in forty-five."""

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Index: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]
Tree = TypeVar("Tree")

_EXACT: Final = 2.0**53
"""Whole numbers up to here are exact as floats, in which numpy counts."""
_HALF: Final = 32


def bucket_sums(index: Index, values: Counts, size: int = BUCKETS) -> Counts:
    """Sums of whole numbers by index, exactly, shape (size,).

    In batches of up to two million rows; a single sum ends at 2**63, 9.2 million USD.
    """
    if float(np.abs(values).max(initial=0)) * len(values) < _EXACT:
        return _count(index, values, size)
    high, low = values >> _HALF, values & (2**_HALF - 1)
    whole: Counts = (_count(index, high, size) << _HALF) + _count(index, low, size)
    return whole


def table_sums(index: Index, values: Counts, size: int = BUCKETS) -> Counts:
    """The same for each column of `values`, shape (size, columns)."""
    columns = [bucket_sums(index, values[:, at], size) for at in range(values.shape[1])]
    return np.stack(columns, axis=1)


def total(sums: Counts) -> int:
    """All buckets together, without a limit."""
    return sum(sums.ravel().tolist())


def combine(join: Callable[..., object], *trees: Tree) -> Tree:
    """`join` over the arrays that stand at the same place of trees of structs and tuples."""
    first = trees[0]
    if isinstance(first, Struct):
        fields = first.__struct_fields__
        parts = {name: combine(join, *(getattr(one, name) for one in trees)) for name in fields}
        return type(first)(**parts)
    if isinstance(first, tuple):
        return tuple(combine(join, *each) for each in zip(*trees, strict=True))  # type: ignore[return-value]  # a tuple in, a tuple out
    return join(*trees)  # type: ignore[return-value]  # an array in, an array out


def _count(index: Index, values: Counts, size: int) -> Counts:
    return np.bincount(index, values, size).astype(np.int64)
