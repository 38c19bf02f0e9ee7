"""CSV as spreadsheets and programs read it alike, whatever callers named themselves."""

import csv
import io
from collections.abc import Iterable
from typing import Final, TypeAlias

Cell: TypeAlias = str | int
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_END: Final = "\r\n"


def line(cells: Iterable[Cell]) -> str:
    """A row with its line end, which is a line feed.

    Python before 3.13 puts quotes only around signs that its own line end has, and a carriage
    return that stands bare ends a row wherever the file is read. So it writes both, and one goes.
    """
    out = io.StringIO()
    csv.writer(out, lineterminator=_END).writerow(cells)
    return out.getvalue().removesuffix(_END) + "\n"


def inert(name: str | None) -> str:
    """A name that no spreadsheet takes for a formula; nothing for none."""
    return f"'{name}" if name and name.startswith(_FORMULA) else name or ""
