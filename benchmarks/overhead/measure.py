"""Scenarios in rounds: every workload goes through all scenarios before the next one begins.

A machine changes its pace from minute to minute, so what is compared is measured side by side, and
ratios are taken within a round.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from benchmarks.overhead import load, proc, targets
from benchmarks.overhead.prompts import KNOWN, Prompts, request, texts
from benchmarks.overhead.scenarios import Kind, Plan, Scenario

CONNECTIONS: Mapping[Kind, int] = {"json": 10, "stream": 10, "paced": 20, "single": 1}
_SPREAD_S: Mapping[Kind, float] = {"json": 0.0, "stream": 0.0, "paced": 1.0, "single": 0.0}
_WARM_UP: Mapping[Prompts, int] = {
    "known": KNOWN,
    "half": 2 * KNOWN,
    "unique-50": 20,
    "unique-256": 20,
}
"""Requests before each sample: they connect the upstream's pool, and make known what is known."""
_SETTLE_S = 1.0
_SETTLE_LIMIT_S = 5.0
_EXPECTED: Mapping[Prompts, Mapping[str, float]] = {
    "known": {"hit": 1.0},
    "unique-50": {"miss": 1.0},
    "unique-256": {"miss": 1.0},
    "half": {"hit": 0.5, "miss": 0.5},
}
_TOLERANCE = 0.02
"""Share of answers whose cache header may differ: Redis has 20 ms, and this is not its test."""


class Sample(Struct, frozen=True, kw_only=True):
    """One scenario under one workload in one round."""

    scenario: str
    kind: Kind
    round: int
    requests: int
    cpu_s_per_1000: float
    requests_per_s: float
    latency_ms: float
    """Median, from the request to the end of the answer."""
    first_byte_ms: float | None
    """Median, from the request to the first streamed `data:`; none for answers in one piece."""
    first_byte_p95_ms: float | None
    client_busy: float
    """Share of one core that the load client used; near 1 it, not the proxy, is the limit."""
    upstream_busy: float
    """Likewise the upstream."""


class Start(Struct, frozen=True, kw_only=True):
    """One fresh start."""

    target: str
    first_answer_s: float
    rss_mb: float
    """After `Plan.start_requests` requests."""
    processes: int


def _check_cache(scenario: Scenario, seen: Mapping[str, int], total: int) -> None:
    """Raise LoadError unless the answers' cache headers are what the scenario says."""
    expected = _EXPECTED[scenario.prompts] if scenario.routed_by_us else {}
    for header in {*seen, *expected}:
        share = seen.get(header, 0) / total
        if abs(share - expected.get(header, 0.0)) > _TOLERANCE:
            message = f"{scenario.name}: expected {dict(expected)} of the answers, saw {dict(seen)}"
            raise load.LoadError(message)


def _requests(scenario: Scenario, kind: Kind, model: str, count: int) -> list[bytes]:
    streamed, paced = kind in {"stream", "paced"}, kind == "paced"
    return [
        request(text, model=model, stream=streamed, paced=paced)
        for text in texts(scenario.prompts, count)
    ]


def _settled_cpu_s(pid: int) -> float:
    """CPU of `pid` when it has come to rest: work that was put off belongs to the sample too."""
    time.sleep(_SETTLE_S)
    deadline = time.monotonic() + _SETTLE_LIMIT_S
    used = proc.cpu_s(pid)
    while time.monotonic() < deadline:
        time.sleep(0.25)
        before, used = used, proc.cpu_s(pid)
        if used - before <= 0.011:
            break
    return used


def _sample(
    scenario: Scenario,
    kind: Kind,
    number: int,
    running: targets.Running,
    upstream_pid: int,
    count: int,
) -> Sample:
    """Run one workload once, in round `number`, all answers checked. Raises LoadError."""
    model, connections = running.target.model, CONNECTIONS[kind]
    warm_up = _requests(scenario, kind, model, _WARM_UP[scenario.prompts])
    load.drive(running.port, warm_up, connections=connections)
    requests = _requests(scenario, kind, model, count)
    cpu_before, upstream_before = proc.cpu_s(running.pid), proc.cpu_s(upstream_pid)
    seen = load.drive(running.port, requests, connections=connections, spread_s=_SPREAD_S[kind])
    upstream_s = proc.cpu_s(upstream_pid) - upstream_before
    _check_cache(scenario, seen.cache, count)
    firsts = sorted(seen.first_bytes)
    return Sample(
        scenario=scenario.name,
        kind=kind,
        round=number,
        requests=count,
        cpu_s_per_1000=(_settled_cpu_s(running.pid) - cpu_before) * 1000 / count,
        requests_per_s=count / seen.wall_s,
        latency_ms=statistics.median(seen.latencies) * 1000,
        first_byte_ms=statistics.median(firsts) * 1000 if firsts else None,
        first_byte_p95_ms=firsts[int(len(firsts) * 0.95)] * 1000 if firsts else None,
        client_busy=seen.client_cpu_s / seen.wall_s,
        upstream_busy=upstream_s / seen.wall_s,
    )


def run_rounds(
    plan: Plan,
    scenarios: Sequence[Scenario],
    started: Mapping[str, targets.Running],
    tell: Callable[[str], None],
) -> list[Sample]:
    """All rounds. `started` maps names of targets, `direct` always among them."""
    samples = []
    for number in range(plan.rounds):
        turned = number % len(scenarios)
        for kind in CONNECTIONS:
            for scenario in (*scenarios[turned:], *scenarios[:turned]):
                if kind not in scenario.kinds:
                    continue
                tell(f"round {number + 1} of {plan.rounds}: {kind}, {scenario.name}")
                count = (plan.slow if scenario.slow else plan.fast).of(kind)
                running, upstream_pid = started[scenario.target], started["direct"].pid
                samples.append(_sample(scenario, kind, number, running, upstream_pid, count))
    return samples


def run_starts(
    plan: Plan, proxies: Sequence[targets.Target], folder: Path, tell: Callable[[str], None]
) -> list[Start]:
    """Fresh starts of every proxy, by turns."""
    starts = []
    for number in range(plan.starts):
        for target in proxies:
            tell(f"start {number + 1} of {plan.starts}: {target.name}")
            with targets.running(target, folder) as running:
                load.drive(running.port, _start_requests(plan, target), connections=10)
                starts.append(
                    Start(
                        target=target.name,
                        first_answer_s=running.first_answer_s,
                        rss_mb=proc.rss_mb(running.pid),
                        processes=len(proc.tree(running.pid)),
                    )
                )
    return starts


def _start_requests(plan: Plan, target: targets.Target) -> list[bytes]:
    half = texts("half", plan.start_requests)
    return [request(text, model=target.model, stream=False) for text in half]
