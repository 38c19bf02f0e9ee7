"""From samples to tables: medians with their range, ratios within rounds, targets. Pure."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from benchmarks.overhead.measure import Sample, Start
from benchmarks.overhead.scenarios import Kind

DIRECT, HIT, MISS, RIVAL = "direct", "gearshift hit", "gearshift miss, 50 tokens", "LiteLLM"
Sense = Literal["at least", "at most"]
Measure = Callable[[Sample], float | None]


class Figure(Struct, frozen=True, kw_only=True):
    """A median over rounds, and its range."""

    median: float
    low: float
    high: float
    rounds: int

    def text(self, digits: int = 2) -> str:
        """For a cell: `0.41 (0.39-0.44)`."""
        low, high = f"{self.low:.{digits}f}", f"{self.high:.{digits}f}"
        return f"{self.median:.{digits}f} ({low}-{high})"


class Row(Struct, frozen=True, kw_only=True):
    """What one scenario costs; none where it was not measured."""

    scenario: str
    cpu_json: Figure | None
    """CPU seconds of the proxy per 1,000 answers in one piece, 10 connections."""
    cpu_stream: Figure | None
    """The same per 1,000 streams of 50 chunks that come as fast as they can."""
    cpu_paced: Figure | None
    """The same with 20 ms between chunks, 20 connections: no two chunks arrive together."""
    requests_per_s: Figure | None
    """Answers in one piece, 10 connections."""
    added_latency_ms: Figure | None
    """Median latency at 1 connection beyond the direct one of the same round."""
    added_first_byte_ms: Figure | None
    """Median time to the first streamed data of paced streams beyond the direct one."""


class StartRow(Struct, frozen=True, kw_only=True):
    """Starts of one target."""

    target: str
    first_answer_s: Figure
    rss_mb: Figure


class Goal(Struct, frozen=True, kw_only=True):
    """A figure that is to be reached."""

    what: str
    sense: Sense
    limit: float
    unit: str
    measured: Figure | None
    reached: bool | None
    """None where it was not measured."""


def figure(values: Iterable[float]) -> Figure | None:
    """Median and range of `values`; none of nothing."""
    held = list(values)
    if not held:
        return None
    middle = statistics.median(held)
    return Figure(median=middle, low=min(held), high=max(held), rounds=len(held))


def _by_round(
    samples: Sequence[Sample], scenario: str, kind: Kind, measure: Measure
) -> dict[int, float]:
    return {
        sample.round: value
        for sample in samples
        if (sample.scenario, sample.kind) == (scenario, kind)
        and (value := measure(sample)) is not None
    }


def _paired(
    ours: dict[int, float], theirs: dict[int, float], combine: Callable[[float, float], float]
) -> Figure | None:
    """`combine` of what both saw in the same round."""
    return figure(combine(ours[number], theirs[number]) for number in ours.keys() & theirs.keys())


def _cpu(sample: Sample) -> float:
    return sample.cpu_s_per_1000


def _rate(sample: Sample) -> float:
    return sample.requests_per_s


def _latency(sample: Sample) -> float:
    return sample.latency_ms


def _first_byte(sample: Sample) -> float | None:
    return sample.first_byte_ms


def _added(samples: Sequence[Sample], scenario: str, kind: Kind, measure: Measure) -> Figure | None:
    if scenario == DIRECT:
        return None
    ours = _by_round(samples, scenario, kind, measure)
    return _paired(ours, _by_round(samples, DIRECT, kind, measure), lambda a, b: a - b)


def rows(samples: Sequence[Sample]) -> list[Row]:
    """One row a scenario, in the order of first appearance."""
    return [
        Row(
            scenario=name,
            cpu_json=figure(_by_round(samples, name, "json", _cpu).values()),
            cpu_stream=figure(_by_round(samples, name, "stream", _cpu).values()),
            cpu_paced=figure(_by_round(samples, name, "paced", _cpu).values()),
            requests_per_s=figure(_by_round(samples, name, "json", _rate).values()),
            added_latency_ms=_added(samples, name, "single", _latency),
            added_first_byte_ms=_added(samples, name, "paced", _first_byte),
        )
        for name in dict.fromkeys(sample.scenario for sample in samples)
    ]


def start_rows(starts: Sequence[Start]) -> list[StartRow]:
    """One row a target."""
    found = []
    for name in dict.fromkeys(start.target for start in starts):
        took = figure(start.first_answer_s for start in starts if start.target == name)
        memory = figure(start.rss_mb for start in starts if start.target == name)
        if took and memory:
            found.append(StartRow(target=name, first_answer_s=took, rss_mb=memory))
    return found


def _times_cheaper(samples: Sequence[Sample], scenario: str, kind: Kind) -> Figure | None:
    """How many times the CPU of `scenario` LiteLLM takes, round by round."""
    ours = _by_round(samples, scenario, kind, _cpu)
    theirs = _by_round(samples, RIVAL, kind, _cpu)
    return _paired(ours, theirs, lambda a, b: b / a)


def _times_faster(samples: Sequence[Sample]) -> Figure | None:
    ours = _by_round(samples, HIT, "json", _rate)
    return _paired(ours, _by_round(samples, RIVAL, "json", _rate), lambda a, b: a / b)


def _goal(what: str, sense: Sense, limit: float, unit: str, measured: Figure | None) -> Goal:
    reached = None
    if measured:
        short = measured.median < limit if sense == "at least" else measured.median > limit
        reached = not short
    return Goal(what=what, sense=sense, limit=limit, unit=unit, measured=measured, reached=reached)


def goals(samples: Sequence[Sample], starts: Sequence[Start]) -> list[Goal]:
    """The figures to reach, judged by medians."""
    started = next((row for row in start_rows(starts) if row.target == "gearshift"), None)
    hit_ms = _added(samples, HIT, "single", _latency)
    miss_ms = _added(samples, MISS, "single", _latency)
    first_ms = _added(samples, HIT, "paced", _first_byte)
    start_s = started.first_answer_s if started else None
    rss_mb = started.rss_mb if started else None
    more: Sense = "at least"
    less: Sense = "at most"
    return [
        _goal("LiteLLM's CPU / ours, hit", more, 15, "times", _times_cheaper(samples, HIT, "json")),
        _goal(
            "the same, miss at 50 tokens", more, 10, "times", _times_cheaper(samples, MISS, "json")
        ),
        _goal(
            "the same, 50-chunk stream", more, 25, "times", _times_cheaper(samples, HIT, "stream")
        ),
        _goal("our requests/s / LiteLLM's, hit", more, 12, "times", _times_faster(samples)),
        _goal("added median latency, hit", less, 0.8, "ms", hit_ms),
        _goal("added median latency, miss at 50 tokens", less, 1.5, "ms", miss_ms),
        _goal("added time to first streamed byte", less, 3, "ms", first_ms),
        _goal("start to first routed 200", less, 1.5, "s", start_s),
        _goal("RSS after 1,000 requests", less, 180, "MB", rss_mb),
    ]
