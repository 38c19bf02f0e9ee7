"""What a simulation answers: values for the page, the tables and the programs alike."""

from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

from classifier.types import Cutoffs, Tier
from router.domain import Reason
from router.report.simulation.groups import Axis
from router.report.simulation.question import Question


class Figure(Struct, frozen=True, kw_only=True):
    """A figure and its 95 % interval, which is null where there are too few conversations."""

    value: Decimal
    low: Decimal | None
    high: Decimal | None


class Part(Struct, frozen=True, kw_only=True):
    """Half the width of the interval that one kind of doubt alone would give, US dollars."""

    resampling_usd: Decimal | None
    """Other conversations of the same kind; null where there are too few."""
    shared_usd: Decimal
    """How much each model writes at all."""
    own_usd: Decimal
    """How much it would have written to each request."""
    these_requests_usd: Decimal
    """The last two together: if these very requests were run, and not others like them. This is
    what a ledger of the same requests is to be held against."""


class Beside(Struct, frozen=True, kw_only=True):
    """Another way to serve the requests whose cost is known both ways."""

    compared_requests: int
    cost_usd: Figure | None
    saving_usd: Figure | None
    """That cost less the policy's for the same requests, paired; negative where it is cheaper."""
    saving_pct: Figure | None
    scored_requests: int
    """Of the compared ones, those whose quality is expected."""
    quality: Figure | None
    quality_gain: Figure | None
    """The policy's quality less the other way's, on the same requests, paired."""
    latency_ms: Figure | None


class Controls(Struct, frozen=True, kw_only=True):
    """What a policy is measured by."""

    always_hard: Beside
    always_medium: Beside
    always_easy: Beside
    random_mix: Beside
    """Tiers drawn by lot, as many requests for each as the policy sends: expected."""
    length_rule: Beside
    """Short turns to easy, long ones to hard, as many requests for each as the policy sends."""
    oracle: Beside
    """The cheapest tier that solves the prompt, known beforehand: expected, from `success`."""


class Spot(Struct, frozen=True, kw_only=True):
    """One position of the dial."""

    dial: Decimal
    cutoffs: Cutoffs
    cost_usd: Figure
    saving_pct: Figure | None
    """Against the baseline over the same requests."""
    quality: Figure | None
    shares: dict[Tier, float]
    """Of the requests, by tier that serves."""


class Change(Struct, frozen=True, kw_only=True):
    """What if something were otherwise: linear in what the cost is made of."""

    name: str
    cost_usd: Decimal | None
    baseline_cost_usd: Decimal | None
    saving_usd: Decimal | None
    saving_pct: Decimal | None


class Totals(Struct, frozen=True, kw_only=True):
    """The figures of a policy."""

    requests: int
    unpriced_requests: int
    compared_requests: int
    """Requests that the saving goes over: their cost and the baseline's are both known."""
    cost_usd: Figure | None
    baseline_cost_usd: Figure | None
    saving_usd: Figure | None
    saving_pct: Figure | None
    scored_requests: int
    quality: Figure | None
    """Expected share of solved prompts: mean `success` of the tier that serves."""
    latency_ms: Figure | None
    """Expected mean time to the last byte."""


class GroupTotals(Struct, frozen=True, kw_only=True):
    """The figures of the requests that share a name."""

    axis: Axis
    name: str | None
    requests: int
    unpriced_requests: int
    compared_requests: int
    cost_usd: Decimal | None
    baseline_cost_usd: Decimal | None
    saving_usd: Figure | None
    saving_pct: Figure | None
    scored_requests: int
    quality: Decimal | None


class Outcome(Struct, frozen=True, kw_only=True):
    """What one policy would do."""

    name: str
    totals: Totals
    unpriced: dict[str, int]
    """Why requests have no price, by reason."""
    mix: dict[Tier, int]
    """Requests by tier that serves."""
    reasons: dict[Reason, int]
    cost_doubt: Part | None
    saving_doubt: Part | None
    controls: Controls
    logged: Beside
    """What the log's own answers cost."""
    frontier_requests: int
    """Requests that the frontier goes over: their cost is known on every tier."""
    frontier: tuple[Spot, ...]
    sensitivity: tuple[Change, ...]
    groups: tuple[GroupTotals, ...]
    """By axis, dearest first; days in order."""


class Comparison(Struct, frozen=True, kw_only=True):
    """Two policies over the requests that both price; `beside`: the second seen from the first."""

    policy: str
    other: str
    beside: Beside


Outcomes: TypeAlias = tuple[Outcome, ...]


class Simulation(Struct, frozen=True, kw_only=True):
    """The answer."""

    question: Question
    requests: int
    conversations: int
    first_us: int | None
    """When the earliest request came; null where the log does not say."""
    last_us: int | None
    policies: Outcomes
    """In the order that was asked; the first headlines."""
    comparisons: tuple[Comparison, ...]
