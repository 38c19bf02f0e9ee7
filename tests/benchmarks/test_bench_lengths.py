"""The check of forecast lengths against traces: on traces made here, and on real ones if there."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bench_lengths import Check, Trace, halves, main, quarters, read_trace

TRACES = Path(os.environ.get("GEARSHIFT_SHARED_DATA", "")) / "traces"


def made(seed: int, rows: int = 4_000, *, jump: float = 1.0) -> Trace:
    """A trace of independent log-normal answers; `jump`: factor on those of the second half."""
    rng = np.random.default_rng(seed)
    given = rng.integers(50, 8_000, rows)
    length = 40 * given**0.25 * np.exp(0.7 * rng.standard_normal(rows))
    length[rows // 2 :] *= jump
    return Trace("made", given, np.rint(length).astype(np.int64) + 1)


def write(folder: Path, trace: Trace) -> None:
    """As Azure's and as Mooncake's."""
    both = list(zip(trace.input.tolist(), trace.output.tolist(), strict=True))
    lines = [f"2023-11-16 18:17:03.{at},{given},{out}" for at, (given, out) in enumerate(both)]
    text = "\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines])
    (folder / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    rows = [json.dumps({"timestamp": 0, "input_length": i, "output_length": o}) for i, o in both]
    (folder / "m.jsonl").write_text("\n".join(rows))


def test_both_shapes_of_traces_are_read(tmp_path: Path) -> None:
    trace = made(1, 100)
    write(tmp_path, trace)
    for name in ("a.csv.gz", "m.jsonl"):
        read = read_trace(tmp_path / name)
        assert read.name == name[0]
        assert (read.input == trace.input).all()
        assert (read.output == trace.output).all()


def test_it_passes_on_a_steady_trace_and_shows_every_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, made(2))
    assert main(["--traces", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 * (1 + 1 + 3)
    assert sum("OUTSIDE" in line for line in lines) >= 2, "the shifted ones"


def test_it_fails_on_a_trace_whose_law_changes(tmp_path: Path) -> None:
    write(tmp_path, made(3, jump=1.6))
    assert main(["--traces", str(tmp_path)]) == 1


def test_without_traces_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--traces", str(tmp_path)]) == 0
    assert "no traces" in capsys.readouterr().out


def test_of_steady_traces_the_interval_holds_nineteen_in_twenty() -> None:
    checks = [halves(made(seed, 1_600)) for seed in range(200)]
    assert sum(check.inside for check in checks) >= 184
    assert [check.rows for check in quarters(made(1, 1_600))] == [400, 400, 400]


def test_how_far_off_is_in_standard_deviations() -> None:
    check = Check("what", 10, 100.0, 10.0, 125)
    assert check.deviations == 2.5
    assert not check.inside


@pytest.mark.skipif(not TRACES.is_dir(), reason="GEARSHIFT_SHARED_DATA names no traces")
def test_the_second_halves_of_the_real_traces_are_inside() -> None:
    assert main(["--traces", str(TRACES)]) == 0
