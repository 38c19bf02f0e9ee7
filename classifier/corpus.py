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
    """One labelled prompt; all but `prompt` may be left out."""

    prompt: str
    """The last human turn."""
    earlier: tuple[str, ...] = ()
    """Human turns before it, oldest first."""
    id: str | int | None = None
    source: str = "unnamed"
    category: str | None = None
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
    provenance: str | None = None
    """How it came to be: `authored` for what was written for a project, not collected."""

    @property
    def blank(self) -> bool:
        """Whether nothing is known of it but its text."""
        known = (self.label, self.needs_info, self.share_small, self.share_mid, self.share_top)
        return all(value is None for value in known)

    @property
    def trust(self) -> float:
        """`conf`, with its default."""
        return 1.0 if self.conf is None else self.conf


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a message; pictures and the like have no text."""

    text: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A turn in OpenAI's shape."""

    role: str
    content: str | tuple[Part, ...] | None = None

    @property
    def text(self) -> str:
        """What was said, pieces joined."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.text)


class Line(Example, frozen=True, kw_only=True):
    """One line of a file: its turns may stand in `messages`; fields not named are ignored."""

    prompt: str = ""
    messages: tuple[Message, ...] = ()

    def example(self) -> Example:
        """Its human turns, the last one as the prompt. Raises ValueError where there is none."""
        human = [message.text for message in self.messages if message.role == "user"]
        human += [self.prompt] if self.prompt else []
        if not human:
            raise ValueError("neither `prompt` nor a user's message in `messages`")
        own = {name: getattr(self, name) for name in Example.__struct_fields__}
        return Example(**own | {"prompt": human[-1], "earlier": (*self.earlier, *human[:-1])})


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
    return [extract(turns(example)) for example in examples]


def turns(example: Example) -> tuple[Turn, ...]:
    """The human turns of `example`, oldest first."""
    return tuple(Turn(role="user", text=text) for text in (*example.earlier, example.prompt))


def _read_file(path: Path) -> Iterator[Example]:
    decoder = msgspec.json.Decoder(Line)
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line).example()
        except (msgspec.DecodeError, ValueError) as error:
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
