"""From the spool into the store: one pass, in batches, each entry once; and prompts out of it."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from router.domain import Entry, Feedback
from router.errors import LedgerError
from router.ledger.progress import Progress, read_progress, write_progress
from router.ledger.rows import Record
from router.ledger.segments import Line, Stretch, read_stretch, segments
from router.ledger.store import Refused, Store

_REJECTED: Final = "rejected.jsonl"
_FEEDBACK: Final = b'{"type":"feedback"'
"""How a line begins that is no entry but what was said of one."""
_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no entry of the ledger, and why: kept for a person to look at."""

    segment: str
    offset: int
    reason: str
    line: str


class Drain:
    """Moves what the segments of a folder hold into a store. Only for the holder of its lock.

    A batch is stored before its place is remembered, so a crash between the two stores it again,
    which changes nothing: entries are known by their ids. Prompts older than `prompt_days` are
    taken out of the store every hour; with none they stay.
    """

    def __init__(
        self,
        folder: Path,
        open_store: Callable[[], Store],
        *,
        batch: int,
        prompt_days: int | None = None,
    ) -> None:
        self._folder = folder
        self._open_store = open_store
        self._batch = batch
        self._prompt_days = prompt_days
        self._forgot_us = 0
        self._store: Store | None = None
        self._progress = read_progress(folder)
        self._entry = msgspec.json.Decoder(Entry).decode
        self._feedback = msgspec.json.Decoder(Feedback).decode

    def run(self) -> None:
        """Store everything that is there now, and take out what has been kept long enough.

        Raises LedgerError where the store fails and OSError where the folder does; what was not
        stored stays where it is.
        """
        try:
            again = False
            while self._step(again=again):
                again = True
            self._forget(time.time_ns() // 1_000)
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
        records: list[tuple[Line, Record | Feedback]] = []
        torn: list[Rejection] = []
        for line in lines:
            try:
                record = self._read(line.data)
            except ValueError as error:
                torn.append(_rejection(line, str(error)))
            else:
                records.append((line, record))
        refused = self._insert(records) if records else []
        if torn or refused:
            aside = self._folder / _REJECTED
            aside.touch(mode=0o600)  # it holds prompts, as the segments do
            with aside.open("ab") as file:
                file.write(msgspec.json.Encoder().encode_lines([*torn, *refused]))
        return len(torn), len(refused)

    def _read(self, data: bytes) -> Record | Feedback:
        """What a line holds. Raises ValueError where it is neither of the two."""
        if data.startswith(_FEEDBACK):
            return self._feedback(data)
        return Record(entry=self._entry(data), document=data.decode())

    def _insert(self, records: Sequence[tuple[Line, Record | Feedback]]) -> list[Rejection]:
        """Store all that the store takes, halving a refused batch until the culprit is alone."""
        try:
            self._opened().insert([record for _, record in records])
        except Refused as error:
            if len(records) == 1:
                return [_rejection(records[0][0], str(error))]
            half = len(records) // 2
            return self._insert(records[:half]) + self._insert(records[half:])
        return []

    def _forget(self, now_us: int) -> None:
        if self._prompt_days is None or now_us - self._forgot_us < _HOUR_US:
            return
        self._opened().forget_prompts(now_us - self._prompt_days * _DAY_US)
        self._forgot_us = now_us

    def _opened(self) -> Store:
        if self._store is None:
            self._store = self._open_store()
        return self._store

    def _note(self, progress: Progress) -> None:
        self._progress = progress
        # It saves work and informs; a full disk must not stop the drain that would relieve it.
        with contextlib.suppress(OSError):
            write_progress(self._folder, progress)


def _rejection(line: Line, reason: str) -> Rejection:
    text = line.data.decode(errors="backslashreplace")
    return Rejection(segment=line.segment, offset=line.offset, reason=reason, line=text)
