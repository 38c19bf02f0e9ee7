"""Seconds that a report takes over ten million requests, from rollups and from plain SQL.

    python -m benchmarks.bench_report [--rows N] [--users N] [--database URL] [--out F.json]

Makes a ledger in a folder of the system's temporary directory (about 1.4 kB of disk a row; --folder
for another), asks what `gearshift report --since 30d --by model,tier,day` asks, asks the same in
plain SQL over the rows, checks that both say the same, and takes the ledger away again. --database
names an empty PostgreSQL database to use instead; its tables are dropped at the end.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import text

from benchmarks.many import fill
from router.ledger.engine import open_engine
from router.ledger.facets import Dimension, Span
from router.ledger.place import Place, place
from router.ledger.schema import METADATA
from router.ledger.store import Store
from router.report.summary import Question, Report, read_report

ROWS, FEW = 10_000_000, 100_000
DAYS: Final = 30
GROUPINGS: Final[tuple[tuple[Dimension, ...], ...]] = (
    ("model", "tier", "day"),
    (),
    ("key",),
    ("user",),
    ("tag",),
)
PLAIN: Final = (
    "SELECT model, tier, day, count(*), sum(input_tokens), sum(CAST(cost_actual AS {wide})),"
    " sum(CAST(cost_hard AS {wide})) FROM entry WHERE at_us >= :since AND at_us < :until"
    " GROUP BY model, tier, day"
)


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ask(home: Place, by: tuple[Dimension, ...], span: Span) -> Report:
    """What the command asks, with a connection of its own."""
    store = Store(home)
    try:
        return read_report(store, Question(by=by, span=span))
    finally:
        store.close()


def command(home: Place, url: str) -> None:
    """The command itself, in a process of its own."""
    folder = home.spool.parent
    words = ["report", "--since", f"{DAYS}d", "--by", "model,tier,day", "--format", "json"]
    subprocess.run(
        [sys.executable, "-m", "router.cli.main", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "GEARSHIFT_DATA_DIR": str(folder), "GEARSHIFT_LEDGER_URL": url},
    )


def plainly(home: Place, span: Span) -> dict[tuple[str, ...], tuple[int, ...]]:
    """The groups and their sums by a statement that anybody would write."""
    engine = open_engine(home, writing=False)
    wide = "NUMERIC" if home.sqlite is None else "INTEGER"
    ends = {"since": span.since_us, "until": span.until_us}
    with engine.connect() as connection:
        rows = connection.execute(text(PLAIN.format(wide=wide)), ends).all()
    engine.dispose()
    return {tuple(row[:3]): tuple(int(number) for number in row[3:]) for row in rows}


def told(report: Report) -> dict[tuple[str, ...], tuple[int, ...]]:
    """The same of a report."""
    return {
        tuple(str(name) for name in group.key.values()): (
            group.figures.requests,
            group.figures.input_tokens,
            _pico(group.figures.cost_usd),
            _pico(group.figures.controls.always_hard.cost_usd),
        )
        for group in report.groups
    }


def _pico(amount: Decimal | None) -> int:
    return int((amount or 0) * 10**12)


def run(home: Place, url: str, rows: int, users: int) -> dict[str, float]:
    """Every figure, in seconds; printed as it comes."""
    for line in fill(home, rows, users=users):
        print(line, flush=True)
    now = time.time_ns() // 1_000
    span = Span(since_us=now - DAYS * 86_400_000_000, until_us=now)
    found: dict[str, float] = {}

    def note(name: str, work: Callable[[], object]) -> None:
        found[name] = round(min(timed(work) for _ in range(3)), 4)
        print(f"{name:<44} {found[name]:9.3f} s", flush=True)

    for by in GROUPINGS:
        note(f"report by {','.join(by) or 'nothing'}", lambda by=by: ask(home, by, span))  # type: ignore[misc]
    note("the command, by model,tier,day", lambda: command(home, url))
    began = time.perf_counter()
    plain = plainly(home, span)
    found["plain SQL by model,tier,day"] = round(time.perf_counter() - began, 4)
    print(f"plain SQL by model,tier,day, once {found['plain SQL by model,tier,day']:20.3f} s")
    if told(ask(home, GROUPINGS[0], span)) != plain:
        raise SystemExit("the report and plain SQL do not say the same")
    print(f"both say the same in all {len(plain)} groups")
    return found


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--quick", action="store_true", help=f"{FEW:,} rows")
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument(
        "--database", default="", metavar="URL", help="an empty PostgreSQL database"
    )
    parser.add_argument("--folder", help="where to make the ledger")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    asked = parser.parse_args()
    rows = FEW if asked.quick else asked.rows
    with TemporaryDirectory(prefix="bench-report-", dir=asked.folder) as folder:
        home = place(folder, asked.database)
        print(f"{rows:,} rows, {asked.users:,} users, {home.name if asked.database else 'SQLite'}")
        try:
            found = run(home, asked.database, rows, asked.users)
        finally:
            if asked.database:
                _drop(home)
    if asked.out:
        document = {"rows": rows, "users": asked.users, "python": platform.python_version()}
        asked.out.write_text(json.dumps({**document, "seconds": found}, indent=2) + "\n")


def _drop(home: Place) -> None:
    engine = open_engine(home, writing=True)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    engine.dispose()


if __name__ == "__main__":
    main()
