"""Labelled prompts: what a row is, and reading them from files of any known format."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier import shapes
from classifier.features import extract
from classifier.formats import FileError, Record, records
from classifier.outcomes import Models
from classifier.types import Label, Prompt, Turn

RESTRICTED: Final = frozenset({"non_commercial", "nc_results_only"})
"""Licence classes whose rows may judge a model that is given away, and never train it."""
LEAST_TRUST: Final = 0.35
"""Labels below this are noise, by the corpus's own datasheet."""
TRUSTED: Final = 0.5
"""Labels below this are too weak to judge by."""
TOLD: Final = 20
"""Most faults that one error lists."""

Faults: TypeAlias = dict[tuple[Path, str], list[str]]
"""File and message → the places of all rows that have this fault."""

_WORD: Final = re.compile(r"\w+")


class CorpusError(Exception):
    """Data cannot be used; the message names files and lines, a fault a line."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row comes from, and what else comes from there."""

    id: str | int | None = None
    source: str = "unnamed"
    category: str | None = None
    lang: str | None = None
    cluster: str | int | None = None
    """Near duplicates share it; they never stand on both sides of a split."""
    pair_id: str | int | None = None
    license: str | None = None
    license_class: str | None = None
    provenance: str | None = None
    """How it came to be: `authored` for what was written for a project, not collected."""


class Example(Origin, frozen=True, kw_only=True):
    """One labelled prompt; all but `prompt` may be left out."""

    prompt: str
    """The last human turn."""
    earlier: tuple[str, ...] = ()
    """Human turns before it, oldest first."""
    label: Label | None = None
    needs_info: int | None = None
    """1 where the prompt lacks what anyone would need, 0 where it can be answered."""
    conf: float | None = None
    """Trust in the label, 0 to 1; none counts as 1."""
    share_small: float | None = None
    share_mid: float | None = None
    share_top: float | None = None
    """Share of right answers among the models of each tier."""

    @property
    def blank(self) -> bool:
        """Whether nothing is known of it but its text."""
        return all(value is None for value in (self.label, self.needs_info, *self.shares))

    @property
    def shares(self) -> tuple[float | None, float | None, float | None]:
        """Those of the three tiers, easy first."""
        return self.share_small, self.share_mid, self.share_top

    @property
    def trust(self) -> float:
        """`conf`, with its default."""
        return 1.0 if self.conf is None else self.conf

    @property
    def trusted(self) -> bool:
        """Whether it has a label that is sure enough to judge by."""
        return self.label is not None and self.trust >= TRUSTED


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
        human = [text for text in (*human, self.prompt) if text.strip()]
        if not human:
            raise ValueError("neither `prompt` nor a user's message in `messages` has text")
        own = {name: getattr(self, name) for name in Example.__struct_fields__}
        return Example(**own | {"prompt": human[-1], "earlier": (*self.earlier, *human[:-1])})


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """An example, where it stands, and the models whose outcomes it has."""

    place: str
    example: Example
    asked: frozenset[str] = frozenset()


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, and what whoever gave them should know of them."""

    examples: tuple[Example, ...]
    skipped: int = 0
    """Bad rows that were left out."""
    notes: tuple[str, ...] = ()
    """One sentence each."""


def samples() -> list[Path]:
    """The rows that ship: `classifier/samples` where installed, `data/authored` in a checkout."""
    package = Path(__file__).parent
    installed = package / "samples"
    folder = installed if installed.is_dir() else package.parent / "data" / "authored"
    return sorted(folder.glob("*.jsonl"))


def read(paths: Sequence[Path]) -> list[Example]:
    """Every example of `paths`, in order. Raises CorpusError."""
    return list(load(paths).examples)


def load(paths: Sequence[Path], models: Models | None = None, *, skip_bad: bool = False) -> Reading:
    """Every example of `paths`, in order; outcomes count for the tiers of `models`.

    Raises CorpusError that lists the bad rows, like ones together, or with `skip_bad` leaves them
    out; a file that cannot be read or has no good row is an error either way.
    """
    rows: list[_Row] = []
    faults: Faults = {}
    for path in paths:
        good, bad = _read_file(path, models or {})
        if not good and (skip_bad or not bad):
            raise CorpusError("\n".join([*_told(bad), f"{path} has no row to learn from"]))
        rows += good
        faults |= bad
    skipped = sum(map(len, faults.values()))
    if skipped and not skip_bad:
        end = f"{skipped} rows cannot be used; --skip-bad leaves them out"
        raise CorpusError("\n".join([*_told(faults), *([end] if skipped > 1 else [])]))
    notes = (*_told(faults), *_asked(rows, models or {}), *_contradictions(rows))
    return Reading(examples=tuple(row.example for row in rows), skipped=skipped, notes=notes)


def digest(paths: Sequence[Path]) -> bytes:
    """SHA-256 over the bytes of `paths`. Raises CorpusError."""
    total = hashlib.sha256()
    for path in paths:
        try:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise CorpusError(f"{path} cannot be read: {error}") from error
    return total.digest()


def group_key(example: Example) -> str:
    """A name that a row shares with its near duplicates and its answerable twin.

    Rows without either are named by their words, so that the same prompt is one group wherever
    it comes from.
    """
    if example.cluster is not None:
        return f"cluster {example.cluster}"
    if example.pair_id is not None:
        return f"pair {example.pair_id}"
    return f"words {_words(example.prompt)}"


def groups(examples: Sequence[Example]) -> NDArray[np.intp]:
    """A number for each example, shape (n,), which near duplicates and twins share."""
    names = [group_key(example) for example in examples]
    # Not by np.unique, which makes every name as wide as the longest prompt is.
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], np.intp)


def prompts(examples: Sequence[Example]) -> list[Prompt | None]:
    """What is scored of each example, by the rule that serves live requests."""
    return [extract(turns(example)) for example in examples]


def readable(examples: Sequence[Example]) -> tuple[list[Example], list[Prompt]]:
    """The examples that can be scored, and what is scored of each."""
    pairs = [(e, p) for e, p in zip(examples, prompts(examples), strict=True) if p is not None]
    return [example for example, _ in pairs], [prompt for _, prompt in pairs]


def turns(example: Example) -> tuple[Turn, ...]:
    """The human turns of `example`, oldest first."""
    return tuple(Turn(role="user", text=text) for text in (*example.earlier, example.prompt))


def _read_file(path: Path, models: Models) -> tuple[list[_Row], Faults]:
    rows: list[_Row] = []
    faults: Faults = {}
    for record in _records(path):
        try:
            rows.append(_row(path, record, models))
        except ValueError as error:
            faults.setdefault((path, str(error)), []).append(record.place)
    return rows, faults


def _records(path: Path) -> Iterator[Record]:
    try:
        yield from records(path)
    except FileError as error:
        raise CorpusError(str(error)) from error


def _row(path: Path, record: Record, models: Models) -> _Row:
    """Raises ValueError."""
    if record.wrong:
        raise ValueError(record.wrong)
    settled = shapes.settle(record.fields, models)
    try:
        example = msgspec.convert(settled, Line).example()
    except msgspec.ValidationError as error:
        raise ValueError(shapes.plain(error)) from error
    asked = frozenset(shapes.outcomes(settled)) if models else frozenset[str]()
    return _Row(place=f"{path}, {record.place}", example=example, asked=asked)


def _told(faults: Faults) -> Iterator[str]:
    for (path, message), places in list(faults.items())[:TOLD]:
        more = f" and {len(places) - 1} more rows" if len(places) > 1 else ""
        yield f"{path}, {places[0]}{more}: {message}"
    if len(faults) > TOLD:
        yield f"… and {len(faults) - TOLD} faults of other kinds"


def _asked(rows: Sequence[_Row], models: Models) -> Iterator[str]:
    """Which models' outcomes are not used. Raises CorpusError where `models` names others."""
    asked = frozenset[str]().union(*(row.asked for row in rows))
    named = frozenset(model for tier in models.values() for model in tier)
    there = ", ".join(sorted(asked))
    if asked and named - asked:
        absent = ", ".join(sorted(named - asked))
        raise CorpusError(f"--models names {absent}, and there are outcomes of {there}")
    if asked - named:
        unused = ", ".join(sorted(asked - named))
        yield f"outcomes of {unused} are not used: --models puts them into no tier"


def _contradictions(rows: Sequence[_Row]) -> Iterator[str]:
    """Conversations that differ in no word and stand there with different labels."""
    same: dict[tuple[str, ...], list[_Row]] = defaultdict(list)
    for row in rows:
        if row.example.label is not None:
            same[tuple(_words(turn.text) for turn in turns(row.example))].append(row)
    torn = [alike for alike in same.values() if len({row.example.label for row in alike}) > 1]
    if torn:
        first = " and ".join(f"{row.example.label} ({row.place})" for row in torn[0][:3])
        count = sum(map(len, torn))
        yield f"{count} rows contradict others with the same words, all are kept; first: {first}"


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))
