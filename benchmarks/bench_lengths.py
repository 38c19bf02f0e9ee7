"""Does a trace write in its second half what its first half says? Output lengths and intervals.

    python -m benchmarks.bench_lengths --traces DIR

For every trace in DIR the lengths are fitted on the first half, as `gearshift costs fit` does, and
the second half's total output tokens are forecast from its input lengths alone. Then the same from
each quarter to the next, and with answers of the second half made longer by a half, which the
interval must not hold. Traces: Azure's of 2023 (CSV: TIMESTAMP, ContextTokens, GeneratedTokens) and
Mooncake's (JSONL: timestamp, input_length, output_length), plain or .gz, in the order of time.
"""

import argparse
import csv
import gzip
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.domain import ModelId
from router.prices.answers import of_trace
from router.prices.features import matrix
from router.prices.fit import fit_lengths
from router.prices.lengths import Lengths

TRACE: Final = ModelId("trace")
SHIFT: Final = 1.5
"""Factor on the second half's answers that no interval may hold."""
_BOUND: Final = 1.96

Tokens = NDArray[np.int64]


class Trace(NamedTuple):
    """Input and output tokens of a trace's requests, in the order of time."""

    name: str
    input: Tokens
    output: Tokens


class Check(NamedTuple):
    """A forecast beside what came."""

    what: str
    rows: int
    expected: float
    sd: float
    came: int

    @property
    def deviations(self) -> float:
        """How far off it was, in its own standard deviations."""
        return (self.came - self.expected) / self.sd

    @property
    def inside(self) -> bool:
        """Whether the 95 % interval holds what came."""
        return abs(self.deviations) < _BOUND


def read_trace(path: Path) -> Trace:
    """The trace at `path`. Raises KeyError or ValueError for another shape."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    if ".csv" in path.name:
        rows = list(csv.DictReader(io.StringIO(text)))
        names = ("ContextTokens", "GeneratedTokens")
    else:
        rows = [json.loads(line) for line in text.splitlines()]
        names = ("input_length", "output_length")
    given, made = (np.array([int(row[name]) for row in rows], dtype=np.int64) for name in names)
    return Trace(path.name.split(".")[0], given, made)


def forecast(trace: Trace, seen: slice, ahead: slice, what: str, *, factor: float = 1.0) -> Check:
    """Fit on `seen`, forecast `ahead`, whose answers are made `factor` times as long."""
    fit = fit_lengths(of_trace(TRACE, matrix(trace.input[seen]), trace.output[seen]))
    total = Lengths({}, {}, fit).forecast(TRACE, matrix(trace.input[ahead]))
    if total is None:
        raise ValueError(f"{trace.name}: too few requests to fit")
    came = round(float(trace.output[ahead].sum()) * factor)
    rows = len(trace.output[ahead])
    return Check(f"{trace.name}: {what}", rows, total.mean, total.shared_sd, came)


def halves(trace: Trace, *, factor: float = 1.0) -> Check:
    """From the first half to the second."""
    middle = len(trace.output) // 2
    what = "first half, second" if factor == 1.0 else f"the same, answers x {factor:g}"
    return forecast(trace, slice(middle), slice(middle, None), what, factor=factor)


def quarters(trace: Trace) -> Iterator[Check]:
    """From each quarter to the next."""
    ends = [len(trace.output) * part // 4 for part in range(5)]
    for at in range(3):
        seen, ahead = slice(ends[at], ends[at + 1]), slice(ends[at + 1], ends[at + 2])
        yield forecast(trace, seen, ahead, f"quarter {at + 1}, next")


def show(checks: Sequence[Check]) -> None:
    """A table of checks."""
    print(f"{'forecast from, of':<56} {'n':>7} {'tokens':>11} {'interval':>11} {'came':>11}  off")
    for check in checks:
        half = f"±{_BOUND * check.sd / check.expected:.1%}"
        came = f"{check.came / check.expected - 1:+.1%}"
        verdict = "inside" if check.inside else "OUTSIDE"
        print(
            f"{check.what:<56} {check.rows:>7,} {check.expected:>11,.0f} {half:>11} {came:>11}"
            f"  {check.deviations:+.2f} sd, {verdict}"
        )


def main(arguments: Sequence[str]) -> int:
    """Check every trace; the exit code says whether the halves are inside and the shift is not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = os.environ.get("GEARSHIFT_SHARED_DATA", "")
    parser.add_argument("--traces", default=f"{shared}/traces" if shared else "", help="folder")
    parser.add_argument("--quick", action="store_true", help="no difference: it takes a second")
    folder = Path(parser.parse_args(arguments).traces)
    paths = sorted(path for path in folder.glob("*") if {".csv", ".jsonl"} & set(path.suffixes))
    if not paths or not folder.name:
        print("no traces: name their folder with --traces DIR")
        return 0
    traces = [read_trace(path) for path in paths]
    plain = [halves(trace) for trace in traces]
    shifted = [halves(trace, factor=SHIFT) for trace in traces]
    show([*plain, *shifted, *(check for trace in traces for check in quarters(trace))])
    return int(not all(check.inside for check in plain) or any(one.inside for one in shifted))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
