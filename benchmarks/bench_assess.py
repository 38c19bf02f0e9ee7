"""What a verdict costs: latency by length, over a real length mix, throughput, memory, cold start.

From the turns of a request to its verdict (extract, tokenise, embed, measure, heads), in one
thread of one process, with the model that ships. The length mix is that of the validation rows
(`--data`), of which only lengths are used: the texts are made here, from words of our own.

    python -m benchmarks.bench_assess --quick
"""

import argparse
import gzip
import random
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from benchmarks.overhead.result import Machine, describe_machine
from classifier.artifact import load
from classifier.features import extract
from classifier.model import Classifier
from classifier.registry import builtin
from classifier.types import Turn

RESULTS: Final = Path("benchmarks", "results")
TOKENS: Final = (10, 50, 200, 256, 1_000, 10_000, 100_000)
CHARS_PER_TOKEN: Final = 4.3
"""Of English prose under the model's word pieces."""
WORDS: Final = (
    "the a of to and in is that for it with as was on be at by this had not are but from or have "
    "an they which one were all there would their we him been has when who will more no if out so "
    "what up into than them can only other time new some could these two may first then do any "
    "engine throttle gradient ratio clutch torque voltage protocol latency matrix integral theorem "
    "polynomial recursion compiler parser iterator 3 17 42 1999 x y f(x) == {} [] ?"
)

COLD: Final = """
import os, time
from pathlib import Path
def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
began = time.perf_counter()
from classifier.artifact import load
from classifier.registry import builtin
from classifier.features import extract
from classifier.types import Turn
imported = time.perf_counter()
before = rss()
model = load(builtin())
loaded = time.perf_counter()
model.assess(extract((Turn(role="user", text="What is the capital of Portugal?"),)))
done = time.perf_counter()
print(imported - began, loaded - imported, done - loaded, before, rss())
"""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from turns to verdict, wall clock, one thread."""

    name: str
    runs: int
    p50: float
    p95: float
    p99: float
    highest: float
    cpu_mean: float
    """CPU milliseconds, which do not grow when others use the machine."""


class Cold(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh process: medians of seconds and megabytes."""

    import_s: float
    load_s: float
    first_verdict_s: float
    rss_before_mb: float
    rss_mb: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    date: str
    command: str
    machine: Machine
    model: str
    lengths: str
    """Where the length mix comes from."""
    latencies: list[Latency]
    prompts_per_s: float
    """Of `assess_many` over the length mix: one thread, wall clock."""
    prompts_per_cpu_s: float
    cold: Cold


def text(tokens: float, draw: random.Random) -> str:
    """About `tokens` word pieces of no meaning."""
    size = max(1, round(tokens * CHARS_PER_TOKEN))
    words = draw.choices(WORDS.split(), k=size)  # more than enough: a word has a character
    return " ".join(words)[:size]


def conversation(tokens: float, draw: random.Random) -> tuple[Turn, ...]:
    """A request whose last human turn has about `tokens` word pieces."""
    return (
        Turn(role="system", text="You are helpful."),
        Turn(role="user", text=text(tokens, draw)),
    )


def measure(name: str, model: Classifier, asked: Sequence[tuple[Turn, ...]]) -> Latency:
    """Each of `asked` once, after a warm-up."""

    def answer(turns: tuple[Turn, ...]) -> None:
        prompt = extract(turns)
        if prompt is not None:
            model.assess(prompt)

    for turns in asked[: max(3, len(asked) // 20)]:
        answer(turns)
    times = []
    cpu = time.thread_time()
    for turns in asked:
        began = time.perf_counter()
        answer(turns)
        times.append((time.perf_counter() - began) * 1e3)
    cpu = time.thread_time() - cpu
    p50, p95, p99 = np.percentile(times, [50, 95, 99]).tolist()
    return Latency(
        name=name,
        runs=len(times),
        p50=p50,
        p95=p95,
        p99=p99,
        highest=max(times),
        cpu_mean=cpu / len(times) * 1e3,
    )


def throughput(model: Classifier, asked: Sequence[tuple[Turn, ...]]) -> tuple[float, float]:
    """Prompts per second of wall clock and of CPU, through `assess_many`."""
    prompts = [prompt for turns in asked if (prompt := extract(turns)) is not None]
    wall, cpu = time.perf_counter(), time.process_time()
    model.assess_many(prompts)
    took, worked = time.perf_counter() - wall, time.process_time() - cpu
    return len(prompts) / took, len(prompts) / worked


def cold(starts: int) -> Cold:
    """Medians over `starts` fresh processes."""
    command = [sys.executable, "-c", COLD]
    seen = [
        [float(word) for word in subprocess.check_output(command, text=True).split()]
        for _ in range(starts)
    ]
    imported, loaded, first, before, after = np.median(seen, axis=0).tolist()
    return Cold(
        import_s=imported,
        load_s=loaded,
        first_verdict_s=first,
        rss_before_mb=before,
        rss_mb=after,
    )


def length_mix(path: Path | None) -> tuple[list[float], str]:
    """Prompt lengths in word pieces, and where they come from; made up where there is no data."""
    if path is None:
        draw = random.Random(2)
        return [draw.lognormvariate(4, 1.2) for _ in range(2_000)], "log-normal, median 55 tokens"
    with gzip.open(path) as lines:
        sizes = [len(msgspec.json.decode(line)["prompt"]) for line in lines]
    return [
        size / CHARS_PER_TOKEN for size in sizes
    ], f"lengths of {len(sizes):,} rows, {path.name}"


def markdown(result: Result) -> str:
    """The page for readers."""
    machine, start = result.machine, result.cold
    rows = "\n".join(
        f"| {seen.name} | {seen.runs:,} | {seen.p50:.3f} | {seen.p95:.3f} | {seen.p99:.3f} | "
        f"{seen.highest:.3f} | {seen.cpu_mean:.3f} |"
        for seen in result.latencies
    )
    return f"""# What a verdict costs, {result.date}

- {machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python}
- gearshift {machine.gearshift}, model {result.model}; length mix: {result.lengths}
- `{result.command}`

From the turns of a request to its verdict, one thread, milliseconds of wall clock; the last column
is CPU, which does not grow when others use the machine.

| tokens | runs | p50 | p95 | p99 | highest | CPU, mean |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

| what | measured |
| --- | ---: |
| batch over the length mix, one thread | {result.prompts_per_s:,.0f} prompts/s |
| the same per second of CPU | {result.prompts_per_cpu_s:,.0f} |
| cold start: imports | {start.import_s:.3f} s |
| cold start: load and verify the model | {start.load_s:.3f} s |
| cold start: first verdict | {start.first_verdict_s * 1e3:.2f} ms |
| memory before and with the model | {start.rss_before_mb:.0f} and {start.rss_mb:.0f} MB |
"""


def run(arguments: argparse.Namespace) -> Result:
    """All measurements."""
    quick: bool = arguments.quick
    model = load(builtin())
    draw = random.Random(1)
    latencies = []
    for tokens in TOKENS:
        runs = max(100, min(200 if quick else 2_000, 2_000_000 // tokens))
        asked = [conversation(tokens, draw) for _ in range(runs)]
        latencies.append(measure(f"{tokens:,}", model, asked))
    sizes, source = length_mix(arguments.data)
    mix = [conversation(size, draw) for size in (sizes[:300] if quick else sizes)]
    latencies.append(measure("length mix", model, mix))
    wall, cpu = throughput(model, mix)
    return Result(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        command=shlex.join(["python", "-m", "benchmarks.bench_assess", *arguments.given]),
        machine=describe_machine(Path(), None),
        model=model.version,
        lengths=source,
        latencies=latencies,
        prompts_per_s=wall,
        prompts_per_cpu_s=cpu,
        cold=cold(2 if quick else 7),
    )


def parse(given: Sequence[str]) -> argparse.Namespace:
    """The command line, with the words that were given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="some seconds; writes no files")
    parser.add_argument("--data", type=Path, help="JSONL.gz whose prompts' lengths are used")
    parser.add_argument("--out", type=Path, help=f"where files go; default {RESULTS}")
    arguments = parser.parse_args(given)
    arguments.given = list(given)
    return arguments


def main(given: Sequence[str]) -> None:
    """Measure, print the page, and write it unless `--quick`."""
    arguments = parse(given)
    result = run(arguments)
    page = markdown(result)
    print(page)
    folder = arguments.out or (None if arguments.quick else RESULTS)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{result.date}-assess.md").write_text(page)
        data = msgspec.json.format(msgspec.json.encode(result))
        (folder / f"{result.date}-assess.json").write_bytes(data + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
