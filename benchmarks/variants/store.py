"""What is kept between runs of the program, in a folder that may be deleted.

A name stands for what it was made of, so a folder is for one set of data; its digest is written
beside, and other data is refused.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.corpus import digest

T = TypeVar("T")

MARK: Final = "data.sha256"


class StoreError(Exception):
    """The folder cannot be used; the message says what to do."""


def claim(folder: Path, data: Sequence[Path]) -> None:
    """Make `folder` the store of `data`. Raises StoreError where it is that of other data."""
    folder.mkdir(parents=True, exist_ok=True)
    mark, own = folder / MARK, digest(data).hex()
    if mark.exists() and mark.read_text().strip() != own:
        raise StoreError(f"{folder} was made from other data: name another folder, or delete it")
    mark.write_text(own + "\n")


def keep(path: Path, array: NDArray[np.floating]) -> None:
    """Write `array`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part.npy")
    np.save(draft, array, allow_pickle=False)
    draft.rename(path)


def kept(path: Path) -> NDArray[np.floating] | None:
    """The array that was kept at `path`; none where there is none."""
    if not path.exists():
        return None
    found: NDArray[np.floating] = np.load(path, allow_pickle=False)
    return found


def keep_value(path: Path, value: msgspec.Struct) -> None:
    """Write a struct as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value)) + b"\n")


def kept_value(path: Path, kind: type[T]) -> T | None:
    """The struct that was kept at `path`; none where there is none."""
    return msgspec.json.decode(path.read_bytes(), type=kind) if path.exists() else None
