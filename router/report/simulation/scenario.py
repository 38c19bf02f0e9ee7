"""Sums of two ways beside each other → costs, savings and qualities with intervals."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np
from msgspec import Struct

from router.domain import PICO
from router.report.simulation.answer import Beside, Figure, Part
from router.report.simulation.arrays import Counts, Floats, total
from router.report.simulation.draws import Draws, Noise, figure, part
from router.report.simulation.sums import MILLION, Versus
from router.report.summary import usd

PLACES: Final = 2
"""Of a percentage."""
FINE: Final = 4
"""Of a share of solved prompts."""

NOTHING: Final = Beside(
    compared_requests=0,
    cost_usd=None,
    saving_usd=None,
    saving_pct=None,
    scored_requests=0,
    quality=None,
    quality_gain=None,
    latency_ms=None,
)


class Sides(Struct, frozen=True, kw_only=True):
    """A comparison in every replicate, the log itself first; shape (1 + rounds,)."""

    requests: Floats
    routed: Floats
    other: Floats
    scored: Floats
    routed_quality: Floats
    other_quality: Floats
    timed: Floats
    other_time: Floats


def sides(draws: Draws, versus: Versus) -> Sides:
    """The sums of a comparison, drawn."""
    return Sides(**{name: draws.of(getattr(versus, name)) for name in Sides.__struct_fields__})


def beside(draws: Draws, drawn: Sides, doubt: Noise, exact: Versus | None = None) -> Beside:
    """The other way as the report has it; with `exact` sums no digit of money is lost."""
    compared, scored = round(drawn.requests[0]), round(drawn.scored[0])
    if not compared:
        return NOTHING
    routed = spent(scaled(draws, drawn.routed, drawn.requests) + doubt.routed)
    other = spent(scaled(draws, drawn.other, drawn.requests) + doubt.other)
    routed_pico = total(exact.routed) if exact else round(routed[0])
    other_pico = total(exact.other) if exact else round(other[0])
    gain = drawn.routed_quality - drawn.other_quality
    return Beside(
        compared_requests=compared,
        cost_usd=_money(draws, other_pico, other),
        saving_usd=_money(draws, other_pico - routed_pico, other - routed),
        saving_pct=saving_pct(draws, routed_pico, other_pico, (routed, other)),
        scored_requests=scored,
        quality=share(draws, drawn.other_quality, drawn.scored),
        quality_gain=share(draws, gain, drawn.scored),
        latency_ms=mean_ms(draws, drawn.other_time, drawn.timed),
    )


def saving_doubt(draws: Draws, drawn: Sides, doubt: Noise) -> Part:
    """What the interval of a saving is made of."""
    saved = scaled(draws, drawn.other - drawn.routed, drawn.requests)
    return part(
        draws,
        saved,
        (doubt.other_shared - doubt.routed_shared, doubt.other_own - doubt.routed_own),
    )


def scaled(draws: Draws, sums: Floats, requests: Floats) -> Floats:
    """Sums for as many requests as the log has; NaN in a replicate that drew none."""
    found: Floats = draws.mean(sums, requests) * requests[0]
    return found


def spent(replicates: Floats) -> Floats:
    """Costs, of which none is less than nothing, however unsure it is."""
    return np.maximum(replicates, 0.0)


def money(draws: Draws, sums: Counts, replicates: Floats) -> Figure:
    """US dollars: a sum over the log, exactly, with its interval."""
    return _money(draws, total(sums), replicates)


def saving_pct(
    draws: Draws, routed: int, other: int, replicates: tuple[Floats, Floats]
) -> Figure | None:
    """A saving in per cent of the other way's cost; none where that is nothing."""
    if not other:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = 100 * (1 - replicates[0] / replicates[1])
    return figure(draws, percent(other - routed, other), drawn, PLACES)


def percent(of: int, whole: int) -> Decimal:
    """A share in per cent, to the hundredth."""
    return Decimal(round(Fraction(10_000 * of, whole))) / 100


def share(draws: Draws, quality: Floats, scored: Floats) -> Figure | None:
    """A mean over scored requests, of sums in millionths; none without any."""
    if not scored[0]:
        return None
    mean = draws.mean(quality, scored) / MILLION
    return figure(draws, Decimal(f"{mean[0]:.{FINE}f}"), mean, FINE)


def mean_ms(draws: Draws, time: Floats, timed: Floats) -> Figure | None:
    """A mean time, milliseconds; none where nobody knows it."""
    if not timed[0]:
        return None
    mean = draws.mean(time, timed) / 1_000
    return figure(draws, Decimal(f"{mean[0]:.0f}"), mean, 0)


def _money(draws: Draws, pico: int, replicates: Floats) -> Figure:
    return figure(draws, usd(pico), replicates / PICO)
