"""The worker's own end of the ledger: one append a request, then the request is free to end.

A line that has been appended is in the kernel's hands: it survives the death of this process
(not a power cut). Lines reach the file through a ring in memory, where they stay for as long as
the file cannot be written.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections import deque
from itertools import islice
from pathlib import Path
from threading import Lock

import msgspec

from router.domain import Entry, Feedback
from router.ledger.segments import segment_name

_BURST = 64
"""Lines that one write takes from the ring: bounds what one request may pay for those before."""
SEGMENT_S = 3_600.0
"""Age at which a file is closed however small: only closed ones can go, and prompts with them."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors that another file would not cure."""


class SpoolState(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of one spool: recorded = spooled + ringed + dropped."""

    recorded: int
    """Entries and feedback that were handed over."""
    spooled: int
    """Entries that reached the file."""
    ringed: int
    """Entries that wait in memory now."""
    dropped: int
    """Entries lost: pushed out of a full ring, or impossible to encode."""
    degraded: str | None
    """Why the file cannot be written; none while it can."""


class Spool:
    """Appends entries to this worker's own segment files. Safe to share between threads."""

    def __init__(
        self, folder: Path, *, segment_bytes: int, ring: int, segment_s: float = SEGMENT_S
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._segment_s = segment_s
        self._limit = ring
        self._encoder = msgspec.json.Encoder()
        self._lock = Lock()
        self._ring: deque[bytes] = deque()
        self._fd: int | None = None
        self._path = folder
        self._size = 0
        self._mend = b""
        self._start = time.time_ns()
        self._begun_s = 0.0
        self._segments = 0
        self._recorded = 0
        self._spooled = 0
        self._dropped = 0
        self._degraded: str | None = None

    def record(self, said: Entry | Feedback) -> bool:
        """Keep `said`; whether it is in the file. Never raises; waits for but one write."""
        with self._lock:
            self._recorded += 1
            try:
                line = self._encoder.encode(said) + b"\n"
            except Exception:
                # Whatever it is, an answer must not fail because its record cannot be written.
                self._dropped += 1
                return False
            if len(self._ring) >= self._limit:
                self._ring.popleft()
                self._dropped += 1
            self._ring.append(line)
            self._flush()
            return not self._ring

    def retry(self) -> None:
        """Write what waits in memory, as far as the file takes it; close a file that is old."""
        while True:
            with self._lock:
                if not self._ring or not self._flush():
                    break
        with self._lock:
            if self._fd is not None and time.monotonic() - self._begun_s >= self._segment_s:
                self._leave()

    def state(self) -> SpoolState:
        """The counters, taken together."""
        with self._lock:
            return SpoolState(
                recorded=self._recorded,
                spooled=self._spooled,
                ringed=len(self._ring),
                dropped=self._dropped,
                degraded=self._degraded,
            )

    def close(self) -> None:
        """Write what waits and let go of the file, so that it can be drained and deleted."""
        self.retry()
        with self._lock:
            self._leave()

    def _flush(self) -> bool:
        """Write the oldest lines of the ring with one write; whether all of it was taken."""
        lines = tuple(islice(self._ring, _BURST))
        try:
            fd = self._segment()
            written = os.write(fd, self._mend + b"".join(lines))
        except OSError as error:
            self._degraded = f"the spool {self._folder} cannot be written: {error.strerror}"
            if error.errno not in _FULL:
                self._leave()
            return False
        self._size += written
        whole = self._settle(lines, written)
        self._degraded = None if whole else f"the spool {self._folder} took only part of a line"
        if self._size >= self._segment_bytes:
            self._leave()
        return whole

    def _settle(self, lines: tuple[bytes, ...], written: int) -> bool:
        """Take out of the ring the lines that are whole in the file; whether all of them are.

        After a short write the next one begins with a line end, so that the torn line stays the
        only one that is torn; it is written again whole.
        """
        left = written - len(self._mend)
        for line in lines:
            if left < len(line):
                self._mend = b"\n" if left else b""
                return False
            left -= len(line)
            self._ring.popleft()
            self._spooled += 1
        self._mend = b""
        return True

    def _segment(self) -> int:
        """The open segment; a new one where there is none or it was deleted under us."""
        if self._fd is not None:
            if os.fstat(self._fd).st_nlink:
                return self._fd
            self._leave()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / segment_name(os.getpid(), self._start, self._segments)
        hidden = path.with_suffix(".new")
        fd = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            # Only a locked file gets its real name: a segment that can be locked by another is
            # one whose writer has gone, and may be deleted once it is drained.
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(path)
        except OSError:
            os.close(fd)
            hidden.unlink(missing_ok=True)
            raise
        self._segments += 1
        self._fd, self._path, self._size, self._mend = fd, path, 0, b""
        self._begun_s = time.monotonic()
        return fd

    def _leave(self) -> None:
        """Close the segment; one that was never written goes at once."""
        if self._fd is None:
            return
        with contextlib.suppress(OSError):
            if not self._size:
                self._path.unlink(missing_ok=True)
            os.close(self._fd)
        self._fd = None
