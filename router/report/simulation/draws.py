"""Replicates of a log, and what is not known of it drawn on top.

The bootstrap draws every bucket of conversations a Poisson number of times (Hanley and MacGibbon
2006; Chamandy et al. 2012); sums are then scaled to the number of requests, because how much
traffic there is, is not the question. What models write at all is drawn once a replicate for each
model, for all requests alike; what single requests get evens out, and is drawn as a sum.
"""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

import numpy as np
from msgspec import Struct

from classifier.metrics import Z95
from classifier.types import TIERS
from router.report.simulation.answer import Figure, Part
from router.report.simulation.arrays import BUCKETS, Counts, Floats
from router.report.simulation.question import Option, Question
from router.report.simulation.sums import Doubts

FEWEST: Final = 10
"""Conversations from which others like them can be told at all."""
DIGITS: Final = 6
"""Of the ends of an interval; a sum is told to the last digit."""
_ENDS: Final = (0.025, 0.975)
_LEAST: Final = 4.0
_MOST: Final = 1e6
_FARTHEST: Final = 3.0
_EXACT: Final = Context(prec=12)


class Draws(Struct, frozen=True, kw_only=True):
    """1 + rounds replicates; the first is the log as it is, without any doubt."""

    seed: int
    weights: Floats
    """(1 + rounds, BUCKETS)"""
    stretch: Floats
    """(1 + rounds,) Of a replicate's distance from the log, because the spread is unsure too."""
    resampled: bool
    """Whether there are conversations enough to draw."""

    def normal(self, name: str) -> Floats:
        """A standard normal number a replicate, the same for the same name; shape (1 + rounds,)."""
        drawn = _generator(self.seed, name).standard_normal(len(self.weights))
        drawn[0] = 0.0
        return drawn

    def of(self, sums: Counts) -> Floats:
        """A sum in each replicate: (BUCKETS, …) → (1 + rounds, …)."""
        if not sums.any():
            return np.zeros((len(self.weights), *sums.shape[1:]))
        drawn: Floats = np.tensordot(self.weights, sums.astype(np.float64), axes=1)
        return drawn

    def mean(self, sums: Floats, counts: Floats) -> Floats:
        """Sums for one of `counts` in each replicate; NaN in one that drew none."""
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = sums / counts
        stretch = self.stretch.reshape(-1, *[1] * (drawn.ndim - 1))
        moved: Floats = drawn[0] + stretch * (drawn - drawn[0])
        return moved


def draw(question: Question, conversations: int, requests: Counts, costs: Counts) -> Draws:
    """The replicates of a log with so many conversations; `requests` and `costs` by bucket.

    Where few dear conversations make most of the spread, the spread itself is poorly known, and an
    interval that takes it as known is too narrow. So each replicate's distance from the log is
    stretched as Student's t is from the normal law, with as many degrees of freedom as the kurtosis
    of the buckets leaves (Satterthwaite 1946).
    """
    enough, rounds = conversations >= FEWEST, question.rounds
    chance = _generator(question.seed, "weights")
    drawn = chance.poisson(1.0, (rounds, BUCKETS)).astype(np.float64)
    freedom = _freedom(requests.astype(np.float64), costs.astype(np.float64))
    stretch = np.sqrt(freedom / chance.chisquare(freedom, rounds)).clip(max=_FARTHEST)
    return Draws(
        seed=question.seed,
        weights=np.concatenate([np.ones((1, BUCKETS)), drawn if enough else np.ones_like(drawn)]),
        stretch=np.concatenate([np.ones(1), stretch]),
        resampled=enough,
    )


def _freedom(requests: Floats, costs: Floats) -> float:
    """Degrees of freedom of the spread of a mean cost, from what each bucket adds to it."""
    adds = costs - costs.sum() / max(1.0, requests.sum()) * requests
    spread = float((adds**2).sum())
    kurtosis = float((adds**4).sum()) / spread**2 if spread else 0.0
    return max(_LEAST, 2.0 / kurtosis) if kurtosis else _MOST


class Noise(Struct, frozen=True, kw_only=True):
    """What is added to the two sides of a comparison in each replicate, (1 + rounds,) pico-USD."""

    routed_shared: Floats
    routed_own: Floats
    other_shared: Floats
    other_own: Floats

    @property
    def routed(self) -> Floats:
        """Both kinds."""
        return self.routed_shared + self.routed_own

    @property
    def other(self) -> Floats:
        """Both kinds."""
        return self.other_shared + self.other_own


def noise(draws: Draws, doubts: Doubts, option: Option, other: Option, name: str) -> Noise:
    """The doubts of a comparison drawn; `other` says whose lengths its other side rests on."""
    common = _own(draws, doubts.common_own, f"{name} common")
    return Noise(
        routed_shared=shared(draws, doubts.routed_shared, option),
        routed_own=_own(draws, doubts.routed_own, f"{name} routed") + common,
        other_shared=shared(draws, doubts.other_shared, other),
        other_own=_own(draws, doubts.other_own, f"{name} other") + common,
    )


def shared(draws: Draws, sums: Floats, option: Option) -> Floats:
    """The doubts by tier that all requests share, (…, 3) → (1 + rounds, …)."""
    names = [option.models[tier] or TIERS[tier] for tier in range(len(TIERS))]
    each = np.stack([draws.normal(f"lengths of {name}") for name in names])
    drawn: Floats = np.tensordot(each, sums, axes=(0, -1))
    return drawn


def figure(draws: Draws, value: Decimal, replicates: Floats, places: int | None = None) -> Figure:
    """A value with the middle 95 % of its replicates, told outwards.

    With `places` decimals, or DIGITS digits in all.
    """
    known = replicates[1:][np.isfinite(replicates[1:])]
    if not draws.resampled or not known.size:
        return Figure(value=value, low=None, high=None)
    low, high = np.quantile(known, _ENDS).tolist()
    return Figure(value=value, low=end(low, places, down=True), high=end(high, places, down=False))


def part(draws: Draws, resampled: Floats, noises: tuple[Floats, Floats]) -> Part:
    """How wide each kind of doubt alone would make an interval; `noises`: shared, own."""
    common, own = noises
    return Part(
        resampling_usd=_half(resampled) if draws.resampled else None,
        shared_usd=_half(common),
        own_usd=_half(own),
        these_requests_usd=_half(common + own),
    )


def _half(replicates: Floats) -> Decimal:
    spread = float(np.std(replicates[1:])) if len(replicates) > 1 else 0.0
    return rounded(Z95 * spread / 1e12)


def rounded(value: float) -> Decimal:
    """To DIGITS digits, written plainly."""
    return Decimal(f"{Context(prec=DIGITS).create_decimal(repr(value)).normalize():f}")


def _own(draws: Draws, squares: Floats, name: str) -> Floats:
    return math.sqrt(float(squares.sum())) * draws.normal(name)


def end(value: float, places: int | None, *, down: bool) -> Decimal:
    """An end of an interval, told outwards: `places` decimals, or DIGITS digits in all."""
    # The twelfth digit is where sums of floats begin to tell how they were added.
    exact = _EXACT.create_decimal(repr(value))
    rounding = ROUND_FLOOR if down else ROUND_CEILING
    if places is None:
        end = Context(prec=DIGITS, rounding=rounding).create_decimal(exact)
    else:
        end = exact.quantize(Decimal(1).scaleb(-places), rounding=rounding)
    return Decimal(f"{end.normalize():f}")


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, *name.encode()]))
