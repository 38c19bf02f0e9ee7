"""The progress of a simulation: how far, how fast, how long still."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

Tell: TypeAlias = Callable[[int, int], None]
"""Takes bytes of the log and rows that were dealt with since the last time."""


@contextmanager
def bar(size: int) -> Iterator[Tell]:
    """A bar on standard error at a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    began, rows = monotonic(), 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        task = shown.add_task("simulating", total=size, rate="")

        def tell(seen_bytes: int, seen_rows: int) -> None:
            nonlocal rows
            rows += seen_rows
            rate = rows / max(1e-3, monotonic() - began)
            shown.update(task, advance=seen_bytes, rate=f"{rows:,} rows, {rate:,.0f} rows/s")

        yield tell
