"""Microseconds that an entry costs: to record it, to drain it into a store, to report on it.

    python -m benchmarks.bench_ledger [--quick] [--users N] [--database URL]

CPU and wall time over entries of about a kilobyte, in a folder of the system's temporary directory.
The store is SQLite, or the PostgreSQL database that is named, which is written to.
"""

import argparse
from collections.abc import Callable
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, time_ns

import msgspec

from classifier.types import Probabilities, Success, Verdict, Version
from router.domain import (
    Attempt,
    Caller,
    Candidate,
    Cost,
    Decision,
    DecisionId,
    Entry,
    Facts,
    ModelId,
    Outcome,
    PicoUsd,
    Timings,
    Usage,
)
from router.ledger.drain import Drain
from router.ledger.place import Place, place
from router.ledger.spool import Spool
from router.ledger.store import Store
from router.ledger.upgrade import upgrade
from router.report.summary import Question, read_report, summarise

ENTRIES, FEW = 20_000, 2_000
BATCH = 500
SMALL, MEDIUM, LARGE = ModelId("small"), ModelId("kimi-k2"), ModelId("kimi-k2-thinking")
VERDICT = Verdict(
    label="easy",
    probabilities=Probabilities(easy=0.7123, medium=0.1712, hard=0.0811, needs_info=0.0354),
    success=Success(easy=0.8123, medium=0.8811, hard=0.9312),
    difficulty=0.1741,
    confidence=0.7123,
    truncated=False,
    model_version=Version("20261101-0a1b2c3d"),
)
DECISION = Decision(
    tier="easy",
    model=SMALL,
    reason="label",
    candidates=(
        Candidate(tier="easy", model=SMALL),
        Candidate(tier="medium", model=MEDIUM),
        Candidate(tier="hard", model=LARGE),
    ),
    verdict=VERDICT,
)
USAGE = Usage(input=812, cached=256, output=344, source="billed")
COST = Cost(
    actual=PicoUsd(183_000_000),
    easy=PicoUsd(183_000_000),
    medium=PicoUsd(901_000_000),
    hard=PicoUsd(3_410_000_000),
    prices="5d41402abc4b2a76",
)


def make_entry(number: int, start_us: int, users: int = 40) -> Entry:
    """A usual entry: one attempt that was billed, no tags."""
    attempt = Attempt(
        model=SMALL,
        tier="easy",
        status=200,
        duration_ms=812.4,
        usage=USAGE,
        cost=PicoUsd(183_000_000),
    )
    return Entry(
        id=DecisionId(f"{start_us + number:032x}"),
        at_us=start_us + number * 1_000,
        decision=DECISION,
        facts=Facts(input_tokens=790, capabilities=("tools",)),
        outcome=Outcome(status=200, streamed=True, finish="stop", attempts=(attempt,)),
        usage=USAGE,
        cost=COST,
        timings=Timings(parse_ms=0.08, score_ms=0.21, first_byte_ms=240.1, total_ms=812.9),
        caller=Caller(key="team", user=f"user-{number % users}", session="s-1"),
        cache="miss",
        policy_version="9f86d081884c7d65",
    )


def measure(name: str, count: int, work: Callable[[], object]) -> None:
    """Print the CPU and wall time of `work` for one of `count` entries."""
    cpu, wall = process_time(), perf_counter()
    work()
    cpu, wall = process_time() - cpu, perf_counter() - wall
    print(f"{name:<44} {cpu / count * 1e6:8.2f} µs CPU {wall / count * 1e6:8.2f} µs wall")


def fill(spool: Spool, entries: list[Entry]) -> None:
    """Record `entries`."""
    for entry in entries:
        spool.record(entry)


def run(home: Place, count: int, users: int) -> None:
    """The way of `count` entries through one ledger."""
    upgrade(home)
    start_us = time_ns() // 1_000
    entries = [make_entry(number, start_us, users) for number in range(count)]
    print(f"{count:,} entries of {len(msgspec.json.encode(entries[0])):,} bytes, {home.name}")
    spool = Spool(home.spool, segment_bytes=8 * 1024 * 1024, ring=10_000)
    measure("record", count, lambda: fill(spool, entries))
    spool.close()
    drain = Drain(home.spool, lambda: Store(home, "write"), batch=BATCH)
    measure("drain into the store", count, drain.run)
    drain.close()
    store = Store(home)
    question = Question(by=("model", "user"))
    by = question.by
    measure("report by model and user, from SQL", count, lambda: read_report(store, question))
    measure("the same from the entries read back", count, lambda: summarise(store.entries(), by))
    store.close()


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{FEW:,} entries, not {ENTRIES:,}")
    parser.add_argument("--database", default="", metavar="URL", help="a PostgreSQL to write to")
    parser.add_argument("--users", type=int, default=40, help="they have sums of their own")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="bench-ledger-") as folder:
        run(place(folder, asked.database), FEW if asked.quick else ENTRIES, asked.users)


if __name__ == "__main__":
    main()
