"""What quality costs over three tiers: the classifier beside mixing, rules and an oracle.

Quality is that of the chosen tier's answer by `held.quality`: the measured share of right answers,
else what a trusted label says; other rows do not count. Costs are per request, in any unit.
"""

from collections import Counter
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.facts import Facts
from classifier.guarantee import BARS, Rows, cutoffs_at, tiers
from classifier.held import as_rows, quality
from classifier.judge.labels import rules
from classifier.judge.rows import Judged
from classifier.metrics import Floats, Interval, Labels, bootstraps
from classifier.types import LABELS, TIERS, Costs, Tier

COSTS: Final[Costs] = (0.05, 0.25, 1.0)
"""One request to easy, medium and hard, where the caller knows of no prices."""
STEPS: Final = 100
"""Prices of cost in quality that are tried."""
GRID: Final = 201
KEPT: Final = 0.98
"""Of the quality of always-hard: what is asked of a router that only saves."""
LACKING: Final[Tier] = "medium"
"""Where what lacks information goes, as by default in the policy."""
WAYS: Final = 4
MIX: Final = 2


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Mean cost and quality of a request."""

    cost: float
    quality: float


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A way to route at any spend."""

    points: tuple[Point, ...]
    """Cheapest first."""
    gain: Interval
    """Mean quality above the random mix, over all spends from always-easy to always-hard."""
    gain_share: Interval
    """`gain` as a share of the oracle's."""
    spend: Interval
    """The least cost that keeps KEPT of the quality of always-hard; that of hard if none does."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A way to route at one spend."""

    name: str
    point: Point
    margin: Interval
    """Quality by cut-off at the rule's cost less the rule's quality (paired bootstrap)."""


class Frontier(msgspec.Struct, frozen=True, kw_only=True):
    """Quality against cost."""

    rows: int
    measured: int
    """Rows whose quality is measured; that of the others follows from their label."""
    sources: dict[str, int]
    """Where the rows come from."""
    costs: Costs
    always: tuple[Point, ...]
    """Each tier alone, in the order of TIERS."""
    cutoff: Way
    """The policy by success, at every pair of cut-offs that `gearshift calibrate` chooses from."""
    worth: Way
    """The tier whose success, less a price times its cost, is highest."""
    mix: Way
    """Tiers drawn by lot."""
    oracle: Way
    """`worth` with the quality for success: nothing can do better."""
    rules: tuple[Rule, ...]


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """A family of ways to route, cheapest first: cost and quality of each row, shape (n, k)."""

    cost: Floats
    quality: Floats

    def over(self, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Mean cost and quality of each member, shape (k,), over `rows`, which may repeat."""
        weight = np.bincount(rows, minlength=len(self.cost)) / rows.size
        return weight @ self.cost, weight @ self.quality

    def reach(self, spend: Floats, rows: NDArray[np.intp]) -> Floats:
        """Quality at each spend, in proportion between members."""
        quality: Floats = np.interp(spend, *self.over(rows))
        return quality


class Mix(Sweep, frozen=True, kw_only=True):
    """The tiers alone, and all ways to draw them by lot."""

    def reach(self, spend: Floats, rows: NDArray[np.intp]) -> Floats:
        """The best of them: medium takes part where it lies above the line from easy to hard."""
        cost, quality = self.over(rows)
        ends = np.array([0, -1])
        straight = np.interp(spend, cost[ends], quality[ends])
        best: Floats = np.maximum(np.interp(spend, cost, quality), straight)
        return best


class _Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One way to route: cost and quality of each row."""

    name: str
    cost: Floats
    quality: Floats


class _World(msgspec.Struct, frozen=True, kw_only=True):
    spends: Floats
    """Where ways to route are compared."""
    ways: tuple[Sweep, ...]
    """By cut-off, by worth, mix, oracle."""
    rules: tuple[_Choice, ...]
    top: Floats
    """Quality of the hard tier."""


def frontier(every: Judged, facts: Facts, costs: Costs = COSTS) -> Frontier | None:
    """The curves over the rows whose quality is known; none without any."""
    chosen = [at for at, row in enumerate(every.rows) if np.isfinite(quality(row)).all()]
    if not chosen:
        return None
    rows = [every.rows[at] for at in chosen]
    verdicts = [every.verdicts[at] for at in chosen]
    success = np.array([msgspec.structs.astuple(verdict.success) for verdict in verdicts])
    said = {"by label": every.said[chosen], **rules(rows, facts)}
    del said["global majority"]  # one tier alone, which is there already
    world = _world(as_rows(rows, verdicts), success, np.array(costs), said)
    figures = bootstraps(lambda rows: _figures(world, rows), every.alike[chosen])
    gains, shared, spends = (figures[at : at + WAYS] for at in range(0, 3 * WAYS, WAYS))
    cutoff, worth, mix, oracle = (
        Way(points=tuple(dict.fromkeys(_points(way))), gain=gain, gain_share=share, spend=spend)
        for way, gain, share, spend in zip(world.ways, gains, shared, spends, strict=True)
    )
    return Frontier(
        rows=len(rows),
        measured=sum(None not in row.shares for row in rows),
        sources=dict(Counter(row.source for row in rows).most_common()),
        costs=costs,
        always=_points(world.ways[MIX]),
        cutoff=cutoff,
        worth=worth,
        mix=mix,
        oracle=oracle,
        rules=tuple(map(_rule, world.rules, figures[3 * WAYS :])),
    )


def by_cutoff(held: Rows) -> NDArray[np.intp]:
    """Where each bar's cut-offs send the rows, between always-easy and always-hard: (n, bars)."""
    easy, hard = np.zeros(held.hard.size, np.intp), np.full(held.hard.size, len(TIERS) - 1)
    between = (tiers(held, cutoffs_at(bar), LACKING) for bar in BARS)
    return np.stack([easy, *between, hard], axis=1)


def by_worth(success: Floats, costs: Floats, prices: Floats) -> NDArray[np.intp]:
    """The tier with the most success less each price times cost, else the cheaper: (n, prices)."""
    worth = success[:, None, :] - prices[None, :, None] * costs
    tiers: NDArray[np.intp] = np.argmax(worth, axis=2)
    return tiers


def _world(held: Rows, success: Floats, costs: Floats, said: dict[str, Labels]) -> _World:
    share = held.quality
    prices = np.append(np.geomspace(100, 0.01, STEPS), 0.0) / (costs[-1] - costs[0])

    def sweep(tier: NDArray[np.intp]) -> Sweep:
        return Sweep(cost=costs[tier], quality=np.take_along_axis(share, tier, axis=1))

    def choice(name: str, labels: Labels) -> _Choice:
        tier = np.where(labels == LABELS.index("needs_info"), TIERS.index(LACKING), labels)
        return _Choice(name=name, cost=costs[tier], quality=share[np.arange(len(tier)), tier])

    return _World(
        spends=np.linspace(costs[0], costs[-1], GRID),
        ways=(
            sweep(by_cutoff(held)),
            sweep(by_worth(success, costs, prices)),
            Mix(cost=np.tile(costs, (len(share), 1)), quality=share),
            sweep(by_worth(share, costs, prices)),
        ),
        rules=tuple(choice(name, labels) for name, labels in said.items()),
        top=share[:, -1],
    )


def _figures(world: _World, rows: NDArray[np.intp]) -> Floats:
    """Gain, share of the oracle's gain and spend of each way, then the margin of each rule."""
    reached = np.stack([way.reach(world.spends, rows) for way in world.ways])
    gain = (reached - reached[MIX]).mean(axis=1)
    enough = reached >= KEPT * world.top[rows].mean()
    first = np.where(enough.any(axis=1), enough.argmax(axis=1), -1)
    spent = np.array([rule.cost[rows].mean() for rule in world.rules])
    margins = world.ways[0].reach(spent, rows) - [rule.quality[rows].mean() for rule in world.rules]
    share = gain / gain[-1] if gain[-1] > 0 else np.zeros(WAYS)
    return np.concatenate([gain, share, world.spends[first], margins])


def _points(way: Sweep) -> tuple[Point, ...]:
    cost, quality = (part.round(9).tolist() for part in way.over(np.arange(len(way.cost))))
    return tuple(map(_point, cost, quality))


def _point(cost: float, quality: float) -> Point:
    return Point(cost=cost, quality=quality)


def _rule(choice: _Choice, margin: Interval) -> Rule:
    point = _point(float(choice.cost.mean()), float(choice.quality.mean()))
    return Rule(name=choice.name, point=point, margin=margin)
