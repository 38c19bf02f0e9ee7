"""What quality costs over three tiers: the classifier beside mixing, rules and an oracle.

Quality is the mean share of right answers of the chosen tier's models, so only rows that have the
shares of all three tiers count. Costs are per request and tier, in any unit.
"""

from collections import Counter
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.facts import Facts
from classifier.judge.labels import rules
from classifier.judge.rows import Judged
from classifier.metrics import Floats, Interval, Labels, bootstrap
from classifier.types import LABELS, TIERS

COSTS: Final = (0.05, 0.25, 1.0)
"""One request to easy, medium and hard: rounded from the default preset's list prices, with 300
tokens in, 400 out, and four times as many out where the model thinks first."""
STEPS: Final = 100
"""Cut-offs on success: 0, 0.01, … 1, and one above all; and as many prices."""
GRID: Final = 201
KEPT: Final = 0.98
"""Of the quality of always-hard: what is asked of a router that only saves."""
MEDIUM: Final = TIERS.index("medium")


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
    sources: dict[str, int]
    """Where the rows come from: no other rows have all three shares."""
    costs: tuple[float, float, float]
    always: tuple[Point, ...]
    """Each tier alone, in the order of TIERS."""
    cutoff: Way
    """The cheapest tier whose success reaches a cut-off, else hard: what the policy does."""
    worth: Way
    """The tier whose success, less a price times its cost, is highest."""
    mix: Way
    """Tiers drawn by lot."""
    oracle: Way
    """`worth` with the measured shares for success: nothing can do better."""
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


class _World(msgspec.Struct, frozen=True, kw_only=True):
    share: Floats
    costs: Floats
    cutoff: Sweep
    worth: Sweep
    mix: Mix
    oracle: Sweep
    alike: NDArray[np.intp]

    @property
    def spends(self) -> Floats:
        return np.linspace(self.costs[0], self.costs[-1], GRID)


def frontier(
    every: Judged, facts: Facts, costs: tuple[float, float, float] = COSTS
) -> Frontier | None:
    """The curves over the rows with three shares; none without any."""
    shares = [(row.share_small, row.share_mid, row.share_top) for row in every.rows]
    chosen = [at for at, three in enumerate(shares) if None not in three]
    if not chosen:
        return None
    rows = [every.rows[at] for at in chosen]
    world = _world(
        np.array([shares[at] for at in chosen], np.float64),
        np.array([msgspec.structs.astuple(every.verdicts[at].success) for at in chosen]),
        np.array(costs),
        every.alike[chosen],
    )
    said = {"by label": every.said[chosen], **rules(rows, facts)}
    del said["global majority"]  # one tier alone, which is there already
    return Frontier(
        rows=len(rows),
        sources=dict(Counter(row.source for row in rows).most_common()),
        costs=costs,
        always=_points(world.mix, len(rows)),
        cutoff=_way(world.cutoff, world),
        worth=_way(world.worth, world),
        mix=_way(world.mix, world),
        oracle=_way(world.oracle, world),
        rules=tuple(_rule(name, labels, world) for name, labels in said.items()),
    )


def by_cutoff(success: Floats, cutoffs: Floats) -> NDArray[np.intp]:
    """The cheapest tier whose success reaches each cut-off, else hard: shape (n, cut-offs)."""
    easy, medium = (success[:, [tier]] >= cutoffs for tier in (0, 1))
    return np.where(easy, 0, np.where(medium, 1, 2))


def by_worth(success: Floats, costs: Floats, prices: Floats) -> NDArray[np.intp]:
    """The tier with the most success less each price times cost, else the cheaper: (n, prices)."""
    worth = success[:, None, :] - prices[None, :, None] * costs
    tiers: NDArray[np.intp] = np.argmax(worth, axis=2)
    return tiers


def _world(share: Floats, success: Floats, costs: Floats, alike: NDArray[np.intp]) -> _World:
    cutoffs = np.append(np.linspace(0, 1, STEPS + 1), 2.0)
    prices = np.append(np.geomspace(100, 0.01, STEPS), 0.0) / (costs[-1] - costs[0])

    def sweep(tier: NDArray[np.intp]) -> Sweep:
        return Sweep(cost=costs[tier], quality=np.take_along_axis(share, tier, axis=1))

    return _World(
        share=share,
        costs=costs,
        cutoff=sweep(by_cutoff(success, cutoffs)),
        worth=sweep(by_worth(success, costs, prices)),
        mix=Mix(cost=np.tile(costs, (len(share), 1)), quality=share),
        oracle=sweep(by_worth(share, costs, prices)),
        alike=alike,
    )


def _points(sweep: Sweep, rows: int) -> tuple[Point, ...]:
    cost, quality = (part.round(9).tolist() for part in sweep.over(np.arange(rows)))
    distinct = dict.fromkeys(zip(cost, quality, strict=True))
    return tuple(Point(cost=cost, quality=quality) for cost, quality in distinct)


def _way(sweep: Sweep, world: _World) -> Way:
    def gain(way: Sweep, rows: NDArray[np.intp]) -> float:
        above = way.reach(world.spends, rows) - world.mix.reach(world.spends, rows)
        return float(above.mean())

    def share(rows: NDArray[np.intp]) -> float:
        most = gain(world.oracle, rows)
        return gain(sweep, rows) / most if most > 0 else 0.0

    def spend(rows: NDArray[np.intp]) -> float:
        enough = sweep.reach(world.spends, rows) >= KEPT * world.share[rows, -1].mean()
        return float(world.spends[np.argmax(enough) if enough.any() else -1])

    return Way(
        points=_points(sweep, len(world.share)),
        gain=bootstrap(lambda rows: gain(sweep, rows), world.alike),
        gain_share=bootstrap(share, world.alike),
        spend=bootstrap(spend, world.alike),
    )


def _rule(name: str, labels: Labels, world: _World) -> Rule:
    # As the policy does by default, what lacks information goes to the middle.
    tier = np.where(labels == LABELS.index("needs_info"), MEDIUM, labels)
    cost, quality = world.costs[tier], world.share[np.arange(len(tier)), tier]

    def margin(rows: NDArray[np.intp]) -> float:
        curve = world.cutoff.reach(cost[rows].mean(keepdims=True), rows)
        return float(curve[0] - quality[rows].mean())

    point = Point(cost=float(cost.mean()), quality=float(quality.mean()))
    return Rule(name=name, point=point, margin=bootstrap(margin, world.alike))
