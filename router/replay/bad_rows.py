"""Lines that could not be read: counted, and listed with file, line and reason."""

from collections import Counter
from pathlib import Path
from typing import Final

from msgspec import Struct

from router.replay.logged import LogError
from router.replay.part import Part
from router.replay.sources import Unit, shown
from router.spreadsheet import inert, line

SHOWN: Final = 100
"""How many stand in the summary; the file has all."""
FILE: Final = "bad_rows.csv"


class BadRow(Struct, frozen=True, kw_only=True):
    """A line that could not be read, or a part of it."""

    file: str
    line: int
    """From 1."""
    reason: str


class BadRows:
    """Those of a run. Parts come in the order of the log, so that lines can be counted."""

    def __init__(self, folder: Path | None, *, strict: bool = False) -> None:
        self.count = 0
        self.first: list[BadRow] = []
        self._strict = strict
        self._folder = folder
        self._lines: Counter[str] = Counter()

    def add(self, part: Part, unit: Unit) -> None:
        """Note the bad lines of `part`. Raises LogError for the first one, where that is wanted."""
        path = unit.source.path
        rows = [
            BadRow(file=shown(path), line=self._lines[path] + bad.line + 1, reason=bad.reason)
            for bad in part.bad
        ]
        self._lines[path] += part.lines
        if not rows:
            return
        if self._strict:
            row = rows[0]
            raise LogError(f"{row.file}:{row.line}: {row.reason}")
        self.first += rows[: SHOWN - len(self.first)]
        self._write(rows, begin=not self.count)
        self.count += len(rows)

    def line(self, unit: Unit) -> int:
        """Lines of the file before `unit`."""
        return self._lines[unit.source.path]

    def _write(self, rows: list[BadRow], *, begin: bool) -> None:
        if self._folder is None:
            return
        mode = "w" if begin else "a"
        with (self._folder / FILE).open(mode, encoding="utf-8", newline="") as file:
            if begin:
                file.write(line(("file", "line", "reason")))
            file.writelines(line((inert(row.file), row.line, inert(row.reason))) for row in rows)
