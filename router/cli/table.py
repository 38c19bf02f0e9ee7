"""A table of figures at the terminal."""

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Rows of plain text under `head`."""
    shown = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        shown.add_row(*map(escape, row))
    return shown
