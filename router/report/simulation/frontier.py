"""The dial's positions with their cost and quality, from the changes between them."""

import math
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
from msgspec import Struct

from classifier.types import TIERS, Tier
from router.report.simulation.answer import Spot
from router.report.simulation.arrays import Counts, Floats, total
from router.report.simulation.dial import POSITIONS
from router.report.simulation.draws import Draws, shared
from router.report.simulation.question import Option
from router.report.simulation.scenario import money, saving_pct, scaled, share, spent
from router.report.simulation.sums import DIALS, Sums


class _Curve(Struct, frozen=True, kw_only=True):
    costs: Counts
    """(BUCKETS, DIALS)"""
    cost: Floats
    """(1 + rounds, DIALS), scaled and with its doubt"""
    quality: Floats
    scored: Floats
    baseline: Floats
    baseline_pico: int
    tiers: Counts
    """(DIALS, 3)"""


def frontier(draws: Draws, sums: Sums, option: Option, baseline: Tier) -> tuple[Spot, ...]:
    """Every position, cheapest first; none where no request has a cost on every tier."""
    if not sums.whole.requests.any():
        return ()
    return tuple(_spots(draws, _curve(draws, sums, option, TIERS.index(baseline))))


def _curve(draws: Draws, sums: Sums, option: Option, baseline: int) -> _Curve:
    whole, dial = sums.whole, sums.dial
    requests = draws.of(whole.requests)[:, None]
    costs = np.cumsum(dial.cost, axis=1)[:, :DIALS]
    own = np.sqrt(np.maximum(np.cumsum(dial.own, axis=0)[:DIALS].sum(axis=1), 0.0))
    doubt = shared(draws, np.cumsum(dial.shared, axis=0)[:DIALS], option)
    doubt = doubt + np.outer(draws.normal("dial"), own)
    alone = np.zeros(len(TIERS))
    alone[baseline] = whole.controls_shared[baseline]
    beside = scaled(draws, draws.of(whole.controls[:, baseline]), requests[:, 0])
    beside = beside + shared(draws, alone, option)
    beside = beside + draws.normal("baseline") * math.sqrt(whole.controls_own[baseline])
    return _Curve(
        costs=costs,
        cost=spent(scaled(draws, draws.of(costs), requests) + doubt),
        quality=draws.of(np.cumsum(dial.quality, axis=1)[:, :DIALS]),
        scored=draws.of(whole.scored),
        baseline=beside,
        baseline_pico=total(whole.controls[:, baseline]),
        tiers=np.cumsum(dial.tiers, axis=0)[:DIALS],
    )


def _spots(draws: Draws, curve: _Curve) -> Iterator[Spot]:
    for at, cutoffs in enumerate(POSITIONS):
        served = curve.tiers[at] / max(1, curve.tiers[at].sum())
        cost, pico = curve.cost[:, at], total(curve.costs[:, at])
        yield Spot(
            dial=Decimal(f"{cutoffs.easy:g}"),
            cutoffs=cutoffs,
            cost_usd=money(draws, curve.costs[:, at], cost),
            saving_pct=saving_pct(draws, pico, curve.baseline_pico, (cost, curve.baseline)),
            quality=share(draws, curve.quality[:, at], curve.scored),
            shares={
                tier: round(part, 4) for tier, part in zip(TIERS, served.tolist(), strict=True)
            },
        )
