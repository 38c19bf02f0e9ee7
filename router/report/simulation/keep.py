"""A state on disk, to go on from: arrays and one line of JSON in a zip, nothing that could run."""

import io
import zlib
from collections.abc import Iterator, Mapping
from struct import error as StructError  # noqa: N812  # a class, in spite of its name
from tokenize import TokenError
from typing import Final, TypeAlias, TypeVar
from zipfile import BadZipFile

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.report.simulation.arrays import Mask
from router.report.simulation.fold import State
from router.report.simulation.groups import Table
from router.report.simulation.question import Question

Array: TypeAlias = NDArray[np.generic]
Tree = TypeVar("Tree")

_ABOUT: Final = "about"
_BROKEN: Final = (
    *(OSError, EOFError, KeyError, ValueError, MemoryError, RuntimeError, SyntaxError),
    *(BadZipFile, StructError, TokenError, zlib.error),
)
"""What a damaged zip, or a damaged heading of an array in it, raises."""
_VERSION: Final = 1
"""Of what is kept; another one is not gone on from."""


class _About(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    question: Question
    requests: int
    first_us: int
    last_us: int
    names: tuple[tuple[tuple[str | None, ...], ...], ...]
    """Of the groups, by policy and axis."""


def save(state: State) -> bytes:
    """The state as an npz file."""
    about = _About(
        version=_VERSION,
        question=state.question,
        requests=state.requests,
        first_us=state.first_us,
        last_us=state.last_us,
        names=tuple(tuple(table.names for table in tables) for tables in state.groups),
    )
    arrays = {
        _ABOUT: np.frombuffer(msgspec.json.encode(about), np.uint8),
        "seen": np.packbits(state.seen),
        **dict(_leaves((state.sums, state.pairs, _unnamed(state)), "")),
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options
    return file.getvalue()


def restore(content: bytes, blank: State) -> State:
    """The state of an npz file; `blank` is what the question begins with.

    Raises ValueError where it is no such file, or one of another question.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        about = msgspec.json.decode(found[_ABOUT].tobytes(), type=_About)
        if about.version != _VERSION or about.question != blank.question:
            raise ValueError("it was made for another question")
        return _state(about, found, blank)
    except _BROKEN as error:
        message = f"the state cannot be gone on from ({error}); begin again with --fresh"
        raise ValueError(message) from error


def _state(about: _About, found: Mapping[str, Array], blank: State) -> State:
    sums, pairs, tables = _like((blank.sums, blank.pairs, _unnamed(blank)), found, "")
    seen: Mask = np.unpackbits(found["seen"].astype(np.uint8)).astype(np.bool_)
    return State(
        question=about.question,
        requests=about.requests,
        first_us=about.first_us,
        last_us=about.last_us,
        seen=seen,
        sums=sums,
        pairs=pairs,
        groups=tuple(
            tuple(_named(named, table) for named, table in zip(axes, unnamed, strict=True))
            for axes, unnamed in zip(about.names, tables, strict=True)
        ),
    )


def _unnamed(state: State) -> tuple[tuple[tuple[Array, ...], ...], ...]:
    return tuple(
        tuple((table.sums, table.parts, table.doubts) for table in tables)
        for tables in state.groups
    )


def _named(names: tuple[str | None, ...], arrays: tuple[Array, ...]) -> Table:
    sums, parts, doubts = arrays
    if len(sums) != len(names):
        raise ValueError("its groups and their names do not match")
    return Table(
        names=names,
        sums=sums.astype(np.int64),
        parts=parts.astype(np.int64),
        doubts=doubts.astype(np.float64),
    )


def _leaves(tree: object, path: str) -> Iterator[tuple[str, Array]]:
    """The arrays of a tree of structs and tuples, by where they stand."""
    match tree:
        case Struct():
            for name in tree.__struct_fields__:
                yield from _leaves(getattr(tree, name), f"{path}.{name}")
        case tuple():
            for at, one in enumerate(tree):
                yield from _leaves(one, f"{path}.{at}")
        case np.ndarray():
            yield path, tree


def _like(tree: Tree, found: Mapping[str, Array], path: str) -> Tree:
    """The tree with the arrays that were kept of it."""
    if isinstance(tree, Struct):
        names = tree.__struct_fields__
        return type(tree)(
            **{name: _like(getattr(tree, name), found, f"{path}.{name}") for name in names}
        )
    if isinstance(tree, tuple):
        return tuple(_like(one, found, f"{path}.{at}") for at, one in enumerate(tree))  # type: ignore[return-value]  # a tuple in, a tuple out
    kept = found[path]
    blank = np.asarray(tree)
    if kept.dtype != blank.dtype or kept.shape[1:] != blank.shape[1:]:
        raise ValueError(f"{path} is of another shape")
    return kept  # type: ignore[return-value]  # an array in, an array out
