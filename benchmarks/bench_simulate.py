"""What a simulation takes: rows/s with nothing scored before, and with all of it; peak memory.

A log is generated (sessions of three turns, most of their prompts in other sessions too) and given
to `gearshift simulate` as a user gives it, in processes of its own: once with no verdict kept, then
again. A quarter of the rows goes before that, to see whether memory grows with the log. The last
log has no prompt twice, and stands beside what the classifier alone does in one thread.

    python -m benchmarks.bench_simulate --quick
"""

import argparse
import random
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.bench_assess import text, throughput
from benchmarks.overhead import proc
from benchmarks.overhead.result import Machine, describe_machine
from classifier.artifact import load
from classifier.registry import builtin
from classifier.types import Turn

RESULTS: Final = Path("benchmarks", "results")
ROWS: Final = 1_000_000
QUICK_ROWS: Final = 20_000
TURNS: Final = 3
REPEATED: Final = 0.05
"""Different prompts among the requests of a log whose prompts come again."""
MODELS: Final = (
    "google/gemma-4-31b-it",
    "moonshotai/kimi-k2-instruct",
    "moonshotai/kimi-k2-thinking",
)
PAUSE_S: Final = 0.25
BATCH: Final = 3_000
"""Prompts that the classifier alone is measured with."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One simulation."""

    name: str
    rows: int
    log_mb: float
    wall_s: float
    cpu_s: float
    rows_per_s: float
    rows_per_cpu_s: float
    peak_mb: float
    """Resident memory of all its processes together; what they share is counted in each."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    date: str
    command: str
    machine: Machine
    others_busy: float
    """Share of the machine's cores that other work took meanwhile; it slows everything here."""
    runs: list[Run]
    assess_per_s: float
    """Requests as in the last log that one thread scores by itself, wall clock."""
    assess_per_cpu_s: float


def prompt(number: int) -> str:
    """Prompt `number`: words of no meaning, some dozen mostly, a thousand at times."""
    draw = random.Random(number)
    return f"{number} {text(draw.lognormvariate(3.7, 0.9), draw)}"


def lines(rows: int, prompts: int) -> Iterator[bytes]:
    """A log of `rows` exchanges with so many different prompts, in gearshift's own format."""
    known = [prompt(number) for number in range(prompts)] if prompts < rows else None
    at = datetime(2026, 11, 1, tzinfo=UTC)
    for row in range(rows):
        session, place = divmod(row, TURNS)
        numbers = [(session * TURNS + turn) % prompts for turn in range(place + 1)]
        asked = [known[n] if known else prompt(n) for n in numbers]
        draw = random.Random(-row)
        at += timedelta(seconds=1)
        messages = [{"role": "system", "content": "You are a helpful assistant."}]
        for said in asked:
            messages += [
                {"role": "user", "content": said},
                {"role": "assistant", "content": "As you wish, and then some. " * 8},
            ]
        line = {
            "timestamp": at.isoformat(),
            "session": f"s{session}",
            "user": f"u{session % 1_000}",
            "request": {"model": "auto", "messages": messages[:-1]},
            "response": {
                "object": "chat.completion",
                "model": MODELS[session % len(MODELS)],
                "choices": [{"index": 0, "finish_reason": "stop", "message": messages[-1]}],
                "usage": {
                    "prompt_tokens": draw.randrange(20, 2_000),
                    "completion_tokens": draw.randrange(5, 900),
                },
            },
        }
        yield msgspec.json.encode(line) + b"\n"


def conversation(line: bytes) -> tuple[Turn, ...]:
    """The turns of one line of the log."""
    said = msgspec.json.decode(line)["request"]["messages"]
    return tuple(Turn(role=message["role"], text=message["content"]) for message in said)


def generate(path: Path, rows: int, prompts: int) -> Path:
    """The log as a file."""
    with path.open("wb") as file:
        file.writelines(lines(rows, prompts))
    return path


def simulate(name: str, log: Path, rows: int, folder: Path) -> Run:
    """One `gearshift simulate`, watched from outside. Raises RuntimeError where it fails."""
    words = [sys.executable, "-m", "router.cli.main", "simulate", str(log)]
    began = time.monotonic()
    process = proc.start(
        [*words, "--policy", "k2", "--out", str(folder / "out")],
        env={"GEARSHIFT_DATA_DIR": str(folder / "data"), "OPENBLAS_NUM_THREADS": "1"},
        cwd=Path.cwd(),
        log=folder / "told",
    )
    peak, cpu = 0.0, 0.0
    while process.poll() is None:
        peak, cpu = max(peak, proc.rss_mb(process.pid)), max(cpu, proc.cpu_s(process.pid))
        time.sleep(PAUSE_S)
    wall = time.monotonic() - began
    if process.returncode:
        raise RuntimeError((folder / "told").read_text()[-2_000:])
    return Run(
        name=name,
        rows=rows,
        log_mb=round(log.stat().st_size / 1e6, 1),
        wall_s=round(wall, 1),
        cpu_s=round(cpu, 1),
        rows_per_s=round(rows / wall),
        rows_per_cpu_s=round(rows / cpu) if cpu else 0,
        peak_mb=round(peak),
    )


def runs(folder: Path, rows: int) -> Iterator[Run]:
    """The simulations, each log gone when it is done with."""
    quarter = generate(folder / "quarter.jsonl", rows // 4, max(1, round(rows / 4 * REPEATED)))
    yield simulate("a quarter, nothing scored", quarter, rows // 4, folder)
    yield simulate("a quarter, all scored", quarter, rows // 4, folder)
    quarter.unlink()
    whole = generate(folder / "whole.jsonl", rows, max(1, round(rows * REPEATED)))
    yield simulate("nothing new but repeats", whole, rows, folder)
    yield simulate("all scored", whole, rows, folder)
    whole.unlink()
    (folder / "data").rename(folder / "forgotten")
    distinct = generate(folder / "distinct.jsonl", rows // 4, rows // 4)
    yield simulate("no prompt twice, nothing scored", distinct, rows // 4, folder)


def markdown(result: Result) -> str:
    """The page for readers."""
    machine = result.machine
    head = f"""\
# Simulation, {result.date}

- {machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python}, gearshift \
{machine.gearshift}; other work took {result.others_busy:.0%} of the machine meanwhile
- `{result.command}`
- one run each; the start of the command and the writing of all reports are in it
- the classifier alone, one thread, on requests as in the last log: {result.assess_per_s:,.0f}
  a second, {result.assess_per_cpu_s:,.0f} a second of CPU

| log | rows | MB | seconds | rows/s | rows/s of CPU | peak MB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""
    rows = (
        f"| {run.name} | {run.rows:,} | {run.log_mb:,.0f} | {run.wall_s:,.1f} | "
        f"{run.rows_per_s:,.0f} | {run.rows_per_cpu_s:,.0f} | {run.peak_mb:,.0f} |"
        for run in result.runs
    )
    return head + "\n".join(rows) + "\n"


def measure(rows: int, folder: Path | None) -> tuple[list[Run], float, tuple[float, float]]:
    """The runs, how busy others were, and what the classifier alone does."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        began, busy = time.monotonic(), proc.machine_busy_s() - proc.own_busy_s()
        seen = list(runs(Path(name), rows))
        others = proc.machine_busy_s() - proc.own_busy_s() - busy
        wall = time.monotonic() - began
    alone = [conversation(line) for line in lines(BATCH, BATCH)]
    cores = describe_machine(Path(), None).cores
    return seen, max(0.0, others / wall / cores), throughput(load(builtin()), alone)


def parse(given: Sequence[str]) -> argparse.Namespace:
    """The command line, with the words that were given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute; writes no files")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the largest log")
    parser.add_argument("--folder", type=Path, help="where logs are made: 2 GB for a million rows")
    parser.add_argument("--out", type=Path, help=f"where files go; default {RESULTS}")
    arguments = parser.parse_args(given)
    arguments.given = list(given)
    return arguments


def main(given: Sequence[str]) -> None:
    """Measure, print the page, and write it unless `--quick`."""
    arguments = parse(given)
    seen, others, alone = measure(
        QUICK_ROWS if arguments.quick else arguments.rows, arguments.folder
    )
    result = Result(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        command=shlex.join(["python", "-m", "benchmarks.bench_simulate", *arguments.given]),
        machine=describe_machine(Path(), None),
        others_busy=round(others, 3),
        runs=seen,
        assess_per_s=round(alone[0]),
        assess_per_cpu_s=round(alone[1]),
    )
    page = markdown(result)
    print(page)
    folder = arguments.out or (None if arguments.quick else RESULTS)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{result.date}-simulate.md").write_text(page)
        data = msgspec.json.format(msgspec.json.encode(result))
        (folder / f"{result.date}-simulate.json").write_bytes(data + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
