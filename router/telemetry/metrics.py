"""Prometheus metrics, all read from entries, plus a few gauges that each worker reports.

With several workers prometheus-client shares its values through files in the directory named by
PROMETHEUS_MULTIPROC_DIR, so whichever worker is scraped answers for all of them.
"""

import os
from collections import Counter as Tally
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from classifier.types import LABELS, TIERS, Label, Tier
from router.budgets import Bound
from router.divergence import psi
from router.domain import PICO, Entry, Feedback
from router.ports import CacheStats

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_STAGES: Final = ("parse", "cache", "score", "first_byte", "total")
_SECONDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
_RECENT: Final = 1_000
_LEAST: Final = 100
"""Requests from which on their mix is compared: chance alone then reaches the index of an alarm
(.25) less than once in a thousand times."""


class _Children:
    """Counters by their labels: prometheus-client's own look-up costs more than the counting."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Counter] = {}

    def add(self, family: Counter, labels: tuple[object, ...], amount: float = 1) -> None:
        """Add `amount` to the child of `family` with `labels`."""
        key = (family, *labels)
        child = self._known.get(key)
        if child is None:
            child = self._known[key] = family.labels(*labels)
        child.inc(amount)


class _Traffic:
    """Requests, attempts, fallbacks and where their time went."""

    def __init__(self, registry: CollectorRegistry, children: _Children) -> None:
        self._children = children
        self._requests = Counter(
            "gearshift_requests",
            "Requests answered, also with an error.",
            ("tier", "model", "label", "reason", "status", "cache"),
            registry=registry,
        )
        self._attempts = Counter(
            "gearshift_attempts",
            "Tries at an upstream; fault is empty for those that answered.",
            ("model", "fault"),
            registry=registry,
        )
        self._fallbacks = Counter(
            "gearshift_fallbacks",
            "Requests that another model answered than the one tried first.",
            ("first", "answered"),
            registry=registry,
        )
        self._refused = Counter(
            "gearshift_refused",
            "Requests answered with an error before they could have an entry.",
            ("status", "code"),
            registry=registry,
        )
        self._feedback = Counter(
            "gearshift_feedback",
            "Feedback that was taken, by what it says of the answer and the label it gives.",
            ("opinion", "label"),
            registry=registry,
        )
        stage = Histogram(
            "gearshift_stage_seconds",
            "Time by stage, since arrival for first_byte and total, which include the upstream.",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._stages = [(name + "_ms", stage.labels(name)) for name in _STAGES]

    def observe(self, entry: Entry) -> None:
        """Count one request."""
        decision, outcome = entry.decision, entry.outcome
        label = decision.verdict.label if decision.verdict else ""
        self._children.add(
            self._requests,
            (decision.tier, decision.model, label, decision.reason, outcome.status, entry.cache),
        )
        for attempt in outcome.attempts:
            self._children.add(self._attempts, (attempt.model, attempt.fault or ""))
        if len(outcome.attempts) > 1 and outcome.attempts[-1].fault is None:
            ends = (outcome.attempts[0].model, outcome.attempts[-1].model)
            self._children.add(self._fallbacks, ends)
        for field, meter in self._stages:
            duration_ms: float = getattr(entry.timings, field)
            if duration_ms:
                meter.observe(duration_ms / 1000)

    def hear(self, said: Feedback) -> None:
        """Count one feedback."""
        self._children.add(self._feedback, (said.opinion or "", said.label or ""))

    def refuse(self, status: int, code: str) -> None:
        """Count one request that was refused."""
        self._children.add(self._refused, (status, code))


class _Money:
    """Tokens, cost and saving; what the sandbox answered is labelled and never mixed in."""

    def __init__(self, registry: CollectorRegistry, children: _Children) -> None:
        self._children = children
        self._tokens = Counter(
            "gearshift_tokens",
            "Tokens by the model that used them, failed attempts included; input includes cached.",
            ("model", "kind", "simulated"),
            registry=registry,
        )
        self._cost = Counter(
            "gearshift_cost_usd",
            "Cost of priced requests.",
            ("tier", "simulated"),
            registry=registry,
        )
        self._saving = Gauge(
            "gearshift_saving_usd",
            "Baseline less cost, over requests that have both; can fall.",
            ("simulated",),
            registry=registry,
            multiprocess_mode="sum",
        )
        self._unpriced = Counter(
            "gearshift_unpriced_requests", "Requests whose cost is unknown.", registry=registry
        )

    def observe(self, entry: Entry, baseline: Tier) -> None:
        """Count what one request used and cost."""
        simulated = "true" if entry.simulated else "false"
        for attempt in entry.outcome.attempts:
            for kind in ("input", "cached", "output"):
                tokens: int = getattr(attempt.usage, kind)
                if tokens:
                    self._children.add(self._tokens, (attempt.model, kind, simulated), tokens)
        cost = entry.cost
        if cost.actual is None:
            self._unpriced.inc()
            return
        self._children.add(self._cost, (entry.decision.tier, simulated), cost.actual / PICO)
        compared: int | None = getattr(cost, baseline)
        if compared is not None:
            self._saving.labels(simulated).inc((compared - cost.actual) / PICO)


class _State:
    """What each worker knows of itself, reported now and then."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tiers = Gauge(
            "gearshift_recent_requests",
            "The last thousand requests of each worker by tier: their ratio is the tier share.",
            ("tier",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._labels = Gauge(
            "gearshift_recent_labels",
            "The last thousand human turns with a verdict of each worker, by label.",
            ("label",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._cache = Gauge(
            "gearshift_cache_events",
            "Decision cache since the start: hits by level, misses, faults of the shared level.",
            ("event",),
            registry=registry,
            multiprocess_mode="sum",
        )
        self._scorer = Gauge(
            "gearshift_scorer_events",
            "Since the start: verdicts made, and prompts that got none by reason.",
            ("event",),
            registry=registry,
            multiprocess_mode="sum",
        )
        self._ledger = Gauge(
            "gearshift_ledger",
            "Entries and bytes not yet in the store, the age of the oldest, entries dropped.",
            ("what",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._budget = Gauge(
            "gearshift_budget_used",
            "Share of a budget that is spent in its day or month; of all keys: key is empty.",
            ("key", "period", "simulated"),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._recent: deque[Tier] = deque(maxlen=_RECENT)
        self._judged: deque[Label] = deque(maxlen=_RECENT)

    def observe(self, entry: Entry) -> None:
        """Remember the tier of one request, and the label of a human turn."""
        self._recent.append(entry.decision.tier)
        if entry.decision.verdict is not None and not entry.facts.open_tool_loop:
            self._judged.append(entry.decision.verdict.label)

    def budget(self, bound: Bound, used: float) -> None:
        """Set how much of one budget is spent."""
        simulated = "true" if bound.simulated else "false"
        self._budget.labels(bound.cap.scope, bound.cap.period, simulated).set(used)

    def report(
        self, cache: CacheStats, scorer: Mapping[str, float], ledger: Mapping[str, float]
    ) -> None:
        """Set the gauges."""
        recent = Tally(self._recent)
        for tier in TIERS:
            self._tiers.labels(tier).set(recent[tier])
        judged = Tally(self._judged)
        for label in LABELS:
            self._labels.labels(label).set(judged[label])
        events = {
            "hit_memory": cache.hits_memory,
            "hit_redis": cache.hits_redis,
            "miss": cache.misses,
            "breaker_open": cache.breaker_open,
            "dropped": cache.dropped,
            **{f"error_{kind}": count for kind, count in cache.errors.items()},
        }
        for event, count in events.items():
            self._cache.labels(event).set(count)
        for event, value in scorer.items():
            self._scorer.labels(event).set(value)
        for what, value in ledger.items():
            self._ledger.labels(what).set(value)


class Metrics:
    """The meters of one process; `shared` is the folder in which several processes report."""

    def __init__(self, *, shared: Path | None, baseline: Tier) -> None:
        self._shared = shared
        self._baseline = baseline
        self._learned: Mapping[Label, int] = {}
        self._registry = CollectorRegistry()
        children = _Children()
        self._traffic = _Traffic(self._registry, children)
        self._money = _Money(self._registry, children)
        self._state = _State(self._registry)
        self._models = Counter(
            "gearshift_model_changes",
            "Promoted models that a worker took over, or refused because they cannot be used.",
            ("outcome",),
            registry=self._registry,
        )

    def observe(self, entry: Entry) -> None:
        """Count one request."""
        self._traffic.observe(entry)
        self._money.observe(entry, self._baseline)
        self._state.observe(entry)

    def hear(self, said: Feedback) -> None:
        """Count one feedback."""
        self._traffic.hear(said)

    def refuse(self, status: int, code: str) -> None:
        """Count one request that was refused before it could have an entry."""
        self._traffic.refuse(status, code)

    def count_model(self, outcome: Literal["taken", "refused"]) -> None:
        """Count one change of the model in service."""
        self._models.labels(outcome).inc()

    def report(
        self, cache: CacheStats, scorer: Mapping[str, float], ledger: Mapping[str, float]
    ) -> None:
        """Set this worker's gauges: recent tiers, cache, scorer, what it knows of the ledger."""
        self._state.report(cache, scorer, ledger)

    def budget(self, bound: Bound, used: float) -> None:
        """Set how much of a budget is spent, as a share."""
        self._state.budget(bound, used)

    def expect(self, learned: Mapping[Label, int]) -> None:
        """Compare the labels of now with those that the classifier in service learned from."""
        self._learned = learned

    def scrape(self) -> bytes:
        """The exposition text, over all workers."""
        registry = self._gathered()
        return generate_latest(registry) + _drift(registry, self._learned)

    def _gathered(self) -> CollectorRegistry:
        if self._shared is None:
            return self._registry
        _forget_the_dead(self._shared)
        gathered = CollectorRegistry()
        MultiProcessCollector(gathered, str(self._shared))  # type: ignore[no-untyped-call]  # its gap
        return gathered


def _drift(registry: CollectorRegistry, learned: Mapping[Label, int]) -> bytes:
    """The index of the labels of now against those `learned`, made of what all workers report.

    Made when it is asked for, and no meter: an index can be neither added up over workers nor
    averaged, and a meter would be shared among them.
    """
    found = {
        label: registry.get_sample_value("gearshift_recent_labels", {"label": label}) or 0.0
        for label in LABELS
    }
    if not learned or sum(found.values()) < _LEAST:
        return b""
    name = "gearshift_label_drift"
    says = "Population stability index of the recent labels against those learned from."
    value = psi(found, dict(learned), LABELS)
    return f"# HELP {name} {says}\n# TYPE {name} gauge\n{name} {value:.6f}\n".encode()


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of workers that were killed: prometheus-client leaves that to its user."""
    for file in folder.glob("gauge_live*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
