"""Spool segments as files: their names, their lines, whether their writer still lives.

A segment is a file of JSON lines, `<pid>-<start>-<n>.jsonl`. Its writer holds an flock on it for
as long as it may append; a segment that another process can lock is complete.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

SUFFIX: Final = ".jsonl"
_NAME: Final = re.compile(r"(\d+)-([0-9a-f]+)-(\d+)\.jsonl")
_SAMPLE: Final = 256 * 1024
"""Bytes of a segment's backlog whose lines are counted; the rest is extrapolated."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a segment, without its line end."""

    segment: str
    offset: int
    data: bytes


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that were read from one segment, and where reading goes on."""

    segment: str
    lines: tuple[Line, ...]
    end: int
    """Offset of the first byte that was not taken."""
    finished: bool
    """Nothing is left and nothing can follow: the file may go once the lines are stored."""


def segment_name(pid: int, start: int, number: int) -> str:
    """The name of a writer's segment `number`; `start` (ns) tells apart reused process ids."""
    return f"{pid}-{start:x}-{number}{SUFFIX}"


def segments(folder: Path) -> tuple[Path, ...]:
    """The segments of a spool, those of the earliest writers first; none without a folder."""
    try:
        found = [
            (match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))
        ]
    except FileNotFoundError:
        return ()
    found.sort(key=lambda pair: (int(pair[0][2], 16), int(pair[0][1]), int(pair[0][3])))
    return tuple(path for _, path in found)


def read_stretch(path: Path, offset: int, limit: int) -> Stretch:
    """At most `limit` lines of a segment from `offset` on; blank lines are passed over.

    A last line without its end is left for later, or taken as it is when its writer has gone.
    """
    lines: list[Line] = []
    with path.open("rb") as file:
        complete = _lockable(file)
        size = os.fstat(file.fileno()).st_size
        file.seek(offset)
        end = offset
        for raw in _lines(file, limit, complete):
            data = raw.rstrip(b"\n")
            if data:
                lines.append(Line(segment=path.name, offset=end, data=data))
            end += len(raw)
    finished = complete and end >= size
    return Stretch(segment=path.name, lines=tuple(lines), end=end, finished=finished)


def backlog(path: Path, offset: int) -> tuple[int, int, bytes]:
    """Lines and bytes of a segment after `offset`, and the first of those lines.

    Lines are counted in the first part only and extrapolated from there.
    """
    with path.open("rb") as file:
        left = max(0, os.fstat(file.fileno()).st_size - offset)
        file.seek(offset)
        sample = file.read(min(left, _SAMPLE))
    count = sample.count(b"\n") or bool(sample)
    if len(sample) < left:
        count = count * left // len(sample)
    return count, left, sample.partition(b"\n")[0]


def _lines(file: IO[bytes], limit: int, complete: bool) -> Iterator[bytes]:
    left = limit
    while left:
        raw = file.readline()
        if not raw or not (complete or raw.endswith(b"\n")):
            return
        left -= raw != b"\n"
        yield raw


def _lockable(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
