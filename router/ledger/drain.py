"""From the spool into the store: one pass, in batches, each entry once."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from router.domain import Entry
from router.errors import LedgerError
from router.ledger.progress import Progress, read_progress, write_progress
from router.ledger.segments import Line, Stretch, read_stretch, segments
from router.ledger.store import Record, Refused, Store

_REJECTED: Final = "rejected.jsonl"


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no entry of the ledger, and why: kept for a person to look at."""

    segment: str
    offset: int
    reason: str
    line: str


class Drain:
    """Moves what the segments of a folder hold into a store. Only for the holder of its lock.

    A batch is stored before its place is remembered, so a crash between the two stores it again,
    which changes nothing: entries are known by their ids.
    """

    def __init__(self, folder: Path, open_store: Callable[[], Store], *, batch: int) -> None:
        self._folder = folder
        self._open_store = open_store
        self._batch = batch
        self._store: Store | None = None
        self._progress = read_progress(folder)
        self._decode = msgspec.json.Decoder(Entry).decode

    def run(self) -> None:
        """Store everything that is there now.

        Raises LedgerError where the store fails and OSError where the folder does; what was not
        stored stays where it is.
        """
        try:
            again = False
            while self._step(again=again):
                again = True
        except (LedgerError, OSError) as error:
            self.close()
            self._note(replace(self._progress, trouble=str(error)))
            raise

    def close(self) -> None:
        """Let go of the store; the next run opens it again."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _step(self, *, again: bool) -> bool:
        """Store one batch, the first of this run or another; whether there may be more."""
        before = self._progress
        paths = segments(self._folder)
        stretches = self._gather(paths)
        lines = [line for stretch in stretches for line in stretch.lines]
        torn, refused = self._keep(lines)
        finished = {stretch.segment for stretch in stretches if stretch.finished}
        ends = before.offsets | {stretch.segment: stretch.end for stretch in stretches}
        more = len(lines) >= self._batch
        after = replace(
            before,
            offsets={
                path.name: ends.get(path.name, 0) for path in paths if path.name not in finished
            },
            caught_up_us=before.caught_up_us if more else time.time_ns() // 1_000,
            trouble=None,
            stored=before.stored + len(lines) - torn - refused,
            torn=before.torn + torn,
            refused=before.refused + refused,
        )
        if again or lines or finished or before.trouble:
            self._note(after)
        self._progress = after
        for name in finished:
            (self._folder / name).unlink(missing_ok=True)
        return more

    def _gather(self, paths: Sequence[Path]) -> tuple[Stretch, ...]:
        """What comes next of each segment, a batch in all."""
        found: list[Stretch] = []
        left = self._batch
        for path in paths:
            if left <= 0:
                break
            stretch = read_stretch(path, self._progress.offsets.get(path.name, 0), left)
            found.append(stretch)
            left -= len(stretch.lines)
        return tuple(found)

    def _keep(self, lines: Sequence[Line]) -> tuple[int, int]:
        """Store the lines and set aside those that cannot be; how many were torn, and refused."""
        records: list[tuple[Line, Record]] = []
        torn: list[Rejection] = []
        for line in lines:
            try:
                record = Record(entry=self._decode(line.data), document=line.data.decode())
            except ValueError as error:
                torn.append(_rejection(line, str(error)))
            else:
                records.append((line, record))
        refused = self._insert(records) if records else []
        if torn or refused:
            with (self._folder / _REJECTED).open("ab") as file:
                file.write(msgspec.json.Encoder().encode_lines([*torn, *refused]))
        return len(torn), len(refused)

    def _insert(self, records: Sequence[tuple[Line, Record]]) -> list[Rejection]:
        """Store all that the store takes, halving a refused batch until the culprit is alone."""
        if self._store is None:
            self._store = self._open_store()
        try:
            self._store.insert([record for _, record in records])
        except Refused as error:
            if len(records) == 1:
                return [_rejection(records[0][0], str(error))]
            half = len(records) // 2
            return self._insert(records[:half]) + self._insert(records[half:])
        return []

    def _note(self, progress: Progress) -> None:
        self._progress = progress
        # It saves work and informs; a full disk must not stop the drain that would relieve it.
        with contextlib.suppress(OSError):
            write_progress(self._folder, progress)


def _rejection(line: Line, reason: str) -> Rejection:
    text = line.data.decode(errors="backslashreplace")
    return Rejection(segment=line.segment, offset=line.offset, reason=reason, line=text)
