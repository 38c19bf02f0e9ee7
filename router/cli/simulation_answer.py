"""A simulation at the terminal, and in the files of its folder."""

from collections.abc import Iterator
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import rich_click as click
from msgspec import Struct
from rich.console import Console

from classifier.types import TIERS, Tier
from router.cli.table import table
from router.replay.bad_rows import FILE as BAD_ROWS
from router.replay.logged import LogError
from router.report.simulation.answer import Figure, Outcome, Simulation
from router.report.simulation.files import write
from router.report.simulation.plain import to_json
from router.report.simulation.reading import Reading

_WIDTH: Final = 100
"""Where the answer goes to a file or another program."""
_DRAWN_BY: Final = ("vl_convert", "jinja2")


class Simulated(Struct, frozen=True, kw_only=True):
    """What came of it."""

    simulation: Simulation
    reading: Reading

    def show(self, *, as_json: bool, out: Path | None) -> None:
        """Write the files, where a folder was named, and tell the answer. Raises LogError."""
        if out is not None:
            write(self.simulation, self.reading, out)
        if as_json:
            click.echo(to_json(self.simulation, self.reading), nl=False)
        else:
            self._tell(out)

    def _tell(self, out: Path | None) -> None:
        reading, console = self.reading, Console()
        if not console.is_terminal:
            console.width = _WIDTH
        log = ", ".join(reading.sources)
        bad = f", {reading.bad_rows:,} bad lines" if reading.bad_rows else ""
        click.echo(f"{log}: {reading.rows:,} requests ({reading.form}){bad}")
        if reading.simulated:
            click.echo("The sandbox answered in this log: the money is simulated.")
        baseline = self.simulation.question.baseline
        rows = [row for outcome in self.simulation.policies for row in _rows(outcome, baseline)]
        console.print(table(("", "cost $", "saving on that, %", "quality"), rows))
        for outcome in self.simulation.policies:
            click.echo(_mix(outcome))
        for note in (*reading.notes, *_unpriced(self.simulation)):
            click.echo(note)
        for row in reading.bad[:3]:
            click.echo(f"{row.file}:{row.line}: {row.reason}", err=True)
        if out is not None:
            more = f", {BAD_ROWS}" if reading.bad_rows else ""
            click.echo(f"The reports are in {out}{more}.")


def check_pictures() -> None:
    """Raises LogError where what draws the reports is missing: before the work, not after it."""
    for name in _DRAWN_BY:
        if find_spec(name) is None:
            raise LogError(f"{name} is not installed: make setup EXTRAS=sim")


def _rows(outcome: Outcome, baseline: Tier) -> Iterator[tuple[str, str, str, str]]:
    totals, controls = outcome.totals, outcome.controls
    yield outcome.name, _figure(totals.cost_usd, 4), "", _figure(totals.quality, 3)
    for name in controls.__struct_fields__:
        beside = getattr(controls, name)
        mark = " (baseline)" if name == f"always_{baseline}" else ""
        yield (
            f"  {name.replace('_', ' ')}{mark}",
            _figure(beside.cost_usd, 4),
            _figure(beside.saving_pct, 1),
            _figure(beside.quality, 3),
        )


def _figure(figure: Figure | None, places: int) -> str:
    """A figure with its interval, as far as both are known."""
    if figure is None:
        return "unknown"
    said = _number(figure.value, places)
    if figure.low is None or figure.high is None:
        return said
    return f"{said} [{_number(figure.low, places)}, {_number(figure.high, places)}]"


def _number(value: Decimal, places: int) -> str:
    return f"{value:,.{places}f}"


def _mix(outcome: Outcome) -> str:
    served = ", ".join(f"{outcome.mix.get(tier, 0):,} {tier}" for tier in TIERS)
    return f"{outcome.name} serves {served}"


def _unpriced(simulation: Simulation) -> Iterator[str]:
    for outcome in simulation.policies:
        for reason, count in outcome.unpriced.items():
            yield f"{outcome.name}: {count:,} requests without a price: {reason.replace('_', ' ')}"
