"""Labelled prompts on disk: JSONL, plain or gzip, one example a line."""

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.features import extract
from classifier.types import Label, Prompt, Turn

RESTRICTED: Final = frozenset({"non_commercial", "nc_results_only"})
"""Licence classes whose rows may judge a model that is given away, and never train it."""


class CorpusError(Exception):
    """A data file cannot be used; the message names the file and the line."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One line. Fields that are not named here are ignored; all but `prompt` may be left out."""

    prompt: str
    id: str | int | None = None
    source: str = "unnamed"
    lang: str | None = None
    label: Label | None = None
    needs_info: int | None = None
    """1 where the prompt lacks what anyone would need, 0 where it can be answered."""
    conf: float | None = None
    """Trust in the label, 0 to 1; none counts as 1."""
    share_small: float | None = None
    share_mid: float | None = None
    share_top: float | None = None
    """Share of right answers among the models of each tier."""
    cluster: str | int | None = None
    """Near duplicates share it; they never stand on both sides of a split."""
    pair_id: str | int | None = None
    license: str | None = None
    license_class: str | None = None

    @property
    def blank(self) -> bool:
        """Whether nothing is known of it but its text."""
        known = (self.label, self.needs_info, self.share_small, self.share_mid, self.share_top)
        return all(value is None for value in known)

    @property
    def trust(self) -> float:
        """`conf`, with its default."""
        return 1.0 if self.conf is None else self.conf


def read(paths: Sequence[Path]) -> list[Example]:
    """Every example of `paths`, in order. Raises CorpusError."""
    return [example for path in paths for example in _read_file(path)]


def digest(paths: Sequence[Path]) -> bytes:
    """SHA-256 over the bytes of `paths`. Raises CorpusError."""
    total = hashlib.sha256()
    for path in paths:
        try:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise _unreadable(path, error) from error
    return total.digest()


def groups(examples: Sequence[Example]) -> NDArray[np.intp]:
    """A number for each example, shape (n,), which near duplicates and twins share."""
    names = [_group(example, row) for row, example in enumerate(examples)]
    numbers: NDArray[np.intp] = np.unique(names, return_inverse=True)[1]
    return numbers


def _group(example: Example, row: int) -> str:
    if example.cluster is not None:
        return f"cluster {example.cluster}"
    return f"row {row}" if example.pair_id is None else f"pair {example.pair_id}"


def prompts(examples: Sequence[Example]) -> list[Prompt | None]:
    """What is scored of each example, by the rule that serves live requests."""
    return [extract((Turn(role="user", text=example.prompt),)) for example in examples]


def _read_file(path: Path) -> Iterator[Example]:
    decoder = msgspec.json.Decoder(Example)
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            msg = f"{path}, line {number}: {error}"
            raise CorpusError(msg) from error


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from lines
    except (OSError, EOFError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> CorpusError:
    return CorpusError(f"{path} cannot be read: {error}")
