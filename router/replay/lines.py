"""The lines of a unit: those that begin in it, wherever it was cut."""

from collections.abc import Iterator
from itertools import islice
from typing import IO, Final

from router.replay.sources import BOM, Unit, open_source, unreadable

LONGEST_LINE: Final = 64 * 1024 * 1024
"""What is longer is cut, and then no JSON: a log's line is a request, not a disk."""


def lines(unit: Unit) -> Iterator[bytes]:
    """The lines that begin in `unit`, without their ends; blank ones too, so that they are counted.

    Two units of one file never share a line and never lose one. Raises LogError where the file
    cannot be read.
    """
    try:
        with open_source(unit.source) as file:
            found = iter((file.read(),) if unit.whole else _between(file, unit))
            if not unit.start:
                # What editors on Windows put before the first line is not a part of it.
                yield from (line.removeprefix(BOM) for line in islice(found, 1))
            yield from found
    except (OSError, EOFError, ValueError) as error:
        raise unreadable(unit.source, error) from error


def _between(file: IO[bytes], unit: Unit) -> Iterator[bytes]:
    if unit.end < 0:
        yield from _split(file.read())
        return
    # A line that began before the start belongs to the unit before: look at one byte earlier.
    file.seek(max(0, unit.start - 1))
    if unit.start:
        file.readline()
    at = file.tell()
    block = file.read(max(0, unit.end - at))
    if block and not block.endswith(b"\n"):
        block += file.readline(LONGEST_LINE)
    yield from _split(block)


def _split(block: bytes) -> list[bytes]:
    """The lines of whole lines. Not `splitlines`, which also cuts at characters inside of texts."""
    parts = block.split(b"\n")
    if not parts[-1]:
        parts.pop()
    return parts
