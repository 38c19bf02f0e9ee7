"""A log as it was named: its files, their formats, and the units in which they are read."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from router.replay.formats.batch import is_output
from router.replay.formats.choose import fields_of, recognise
from router.replay.joining import answers_first
from router.replay.logged import Format
from router.replay.sources import Unit, find, units, unpack


class Log(Struct, frozen=True, kw_only=True):
    """What is to be read, in order."""

    names: tuple[str, ...]
    """As they were given."""
    units: tuple[Unit, ...]

    @property
    def formats(self) -> tuple[Format, ...]:
        """Those that occur, in order."""
        return tuple(dict.fromkeys(unit.format for unit in self.units))

    @property
    def size(self) -> int:
        """Bytes, for the progress bar."""
        return sum(unit.bytes for unit in self.units)


def open_log(names: Sequence[str], named: Format | None, folder: Path) -> Log:
    """The log that `names` mean: files, globs, folders, URLs. Raises LogError.

    Long compressed files are unpacked into `folder`, so that they can be read in pieces.
    """
    looked = [(source, *recognise(source, named)) for source in find(names)]
    ordered = answers_first(
        [(source, form == "batch" and is_output(fields_of(source))) for source, form, _ in looked]
    )
    known = {source.path: (form, whole) for source, form, whole in looked}
    found: list[Unit] = []
    for source in ordered:
        form, whole = known[source.path]
        plain = source if whole else unpack(source, folder)
        found += units(plain, form, whole=whole)
    return Log(names=tuple(names), units=tuple(found))
