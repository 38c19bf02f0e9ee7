"""How far the spool has been drained: a small file beside the segments that any process can read.

It saves reading again what is stored already, and it tells every worker, and the report, how far
behind the store is. Nothing depends on it: without it everything is read again, and stored once.
"""

import os
import time
from pathlib import Path
from typing import Final

import msgspec

from router.ledger.segments import backlog, segments

_FILE: Final = "progress.json"
_MICRO: Final = 1_000_000


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What the drainer leaves behind after each batch."""

    offsets: dict[str, int] = {}
    """For each segment the first byte that is not stored yet."""
    caught_up_us: int = 0
    """When everything that was there had been stored, microseconds since the epoch."""
    trouble: str | None = None
    """Why the store did not take the last batch; none when it did."""
    stored: int = 0
    """Entries stored since the folder was made, repeated ones included."""
    torn: int = 0
    """Lines set aside because they are no entry: what a crash or a full disk cut."""
    refused: int = 0
    """Entries set aside because the store does not take them."""


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """What is spooled and not stored yet."""

    entries: int = 0
    """Counted while there are few, extrapolated from the lines' length when there are many."""
    bytes: int = 0
    age_s: float = 0.0
    """At most how long the oldest has been waiting."""
    trouble: str | None = None


def read_progress(folder: Path) -> Progress:
    """What was left behind; a fresh start where there is nothing readable."""
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=Progress)
    except (OSError, msgspec.MsgspecError):
        return Progress()


def write_progress(folder: Path, progress: Progress) -> None:
    """Leave `progress` behind. Raises OSError.

    Written over what was there, filled up with blanks: a file that is cut or replaced is forced
    to the disk by some file systems, which would cost as much as the store's own commit.
    """
    fd = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(fd, msgspec.json.encode(progress).ljust(os.fstat(fd).st_size), 0)
    finally:
        os.close(fd)


def read_lag(folder: Path, now_us: int | None = None) -> Lag:
    """How far the store is behind the spool in `folder`; nothing where there is no folder."""
    now = time.time_ns() // 1_000 if now_us is None else now_us
    progress = read_progress(folder)
    entries, size, oldest = 0, 0, now
    for path in segments(folder):
        try:
            count, left, first = backlog(path, progress.offsets.get(path.name, 0))
        except FileNotFoundError:
            # The drainer has finished with it since the folder was listed.
            continue
        if left:
            entries += count
            size += left
            oldest = min(oldest, _arrival(first, now))
    waiting_since = max(oldest, progress.caught_up_us)
    age = max(0, now - waiting_since) / _MICRO if size else 0.0
    return Lag(entries=entries, bytes=size, age_s=age, trouble=progress.trouble)


class _Arrival(msgspec.Struct):
    at_us: int


def _arrival(line: bytes, unknown: int) -> int:
    try:
        return msgspec.json.decode(line, type=_Arrival).at_us
    except msgspec.MsgspecError:
        return unknown
