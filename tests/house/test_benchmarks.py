"""Benchmarks rot unseen, since nobody runs them daily: they must at least start and be right."""

import contextlib
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.overhead import load, measure, proc, prompts, summary, tables, targets

BENCHMARKS = Path(targets.__file__).parents[1]


@pytest.mark.parametrize("program", sorted(BENCHMARKS.glob("bench_*.py")), ids=lambda p: p.stem)
def test_every_program_can_be_imported_and_then_does_nothing(
    program: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    importlib.import_module(f"benchmarks.{program.stem}")
    assert capfd.readouterr() == ("", "")


def test_the_overhead_program_explains_itself() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_overhead", "--help"],
        cwd=BENCHMARKS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--skip-litellm" in shown.stdout


@pytest.fixture(scope="module")
def upstream() -> Iterator[targets.Running]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield stack.enter_context(targets.running(targets.mock(), folder))


def ask(text: str, *, stream: bool = False) -> bytes:
    return prompts.request(text, model="any", stream=stream)


def test_every_answer_is_counted(upstream: targets.Running) -> None:
    asked = [ask(text) for text in prompts.texts("half", 25)]
    seen = load.drive(upstream.port, asked, connections=4)
    assert len(seen.latencies) == 25
    assert seen.first_bytes == []
    assert not seen.cache


def test_streams_have_a_first_byte_before_their_end(upstream: targets.Running) -> None:
    asked = [ask(text, stream=True) for text in prompts.texts("known", 6)]
    seen = load.drive(upstream.port, asked, connections=3)
    assert len(seen.first_bytes) == len(seen.latencies) == 6
    assert all(map(float.__lt__, seen.first_bytes, seen.latencies))


def test_a_wrong_answer_ends_the_run(upstream: targets.Running) -> None:
    asked = [ask("the way").replace(b"/v1/chat/completions", b"/v1/nowhere")]
    with pytest.raises(load.LoadError, match="404"):
        load.drive(upstream.port, asked, connections=1)


def test_unique_prompts_have_their_length_and_never_repeat() -> None:
    texts = prompts.texts("unique-50", 300) + prompts.texts("unique-50", 300)
    assert len(set(texts)) == 600
    assert {len(text.split()) for text in texts} == {50}
    assert {len(text.split()) for text in prompts.texts("unique-256", 3)} == {256}


def test_known_prompts_come_back_and_half_of_half_are_known() -> None:
    known = prompts.texts("known", 3 * prompts.KNOWN)
    assert len(set(known)) == prompts.KNOWN
    half = prompts.texts("half", 2 * prompts.KNOWN)
    assert set(half[1::2]) == set(known)
    assert set(half[::2]).isdisjoint(known)
    assert len(set(half[::2])) == prompts.KNOWN


def test_cpu_and_memory_of_a_process_are_seen(upstream: targets.Running) -> None:
    before = proc.cpu_s(upstream.pid)
    load.drive(upstream.port, [ask(text) for text in prompts.texts("known", 3_000)], connections=10)
    assert proc.cpu_s(upstream.pid) > before
    assert proc.rss_mb(upstream.pid) > 5
    assert proc.tree(upstream.pid) == [upstream.pid]


def sample(scenario: str, round_: int, cpu_s: float, **more: float) -> measure.Sample:
    values = {"requests_per_s": 100.0, "latency_ms": 1.0} | more
    return measure.Sample(
        scenario=scenario,
        kind="json",
        round=round_,
        requests=10,
        cpu_s_per_1000=cpu_s,
        requests_per_s=values["requests_per_s"],
        latency_ms=values["latency_ms"],
        first_byte_ms=None,
        first_byte_p95_ms=None,
        client_busy=0.1,
        upstream_busy=0.1,
    )


def test_ratios_are_taken_within_rounds() -> None:
    slow_round = [sample(summary.RIVAL, 0, 20.0), sample(summary.HIT, 0, 1.0)]
    quick_round = [sample(summary.RIVAL, 1, 8.0), sample(summary.HIT, 1, 0.5)]
    goal = summary.goals([*slow_round, *quick_round], [])[0]
    assert goal.measured is not None
    assert (goal.measured.median, goal.measured.low, goal.measured.high) == (18.0, 16.0, 20.0)
    assert goal.reached is True


def test_a_figure_that_falls_short_says_so() -> None:
    goal = summary.goals([sample(summary.RIVAL, 0, 14.0), sample(summary.HIT, 0, 1.0)], [])[0]
    assert goal.reached is False
    assert "**no**" in tables.goal_table([goal])


def test_what_was_not_measured_is_not_judged() -> None:
    unmeasured = summary.goals([sample(summary.HIT, 0, 1.0)], [])
    assert {goal.reached for goal in unmeasured} == {None}
    assert tables.goal_table(unmeasured).count("not measured") == len(unmeasured)
