"""What if prices, lengths or caches were otherwise: linear in what the cost is made of."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final, TypeAlias

from classifier.types import TIERS, Tier
from router.report.simulation.answer import Change
from router.report.simulation.arrays import Counts, total
from router.report.simulation.question import Option
from router.report.simulation.scenario import percent
from router.report.summary import usd

Amounts: TypeAlias = tuple[Fraction, Fraction, Fraction]
"""Pico-USD by router.columns.PARTS: fresh input, cached input, output."""
Lines: TypeAlias = Sequence[tuple[Tier, Amounts]]
"""What each tier's answers cost under the policy, then what the baseline would."""

_PRICES: Final = {"−20 %": Fraction(4, 5), "+20 %": Fraction(6, 5)}  # noqa: RUF001 (a minus)
_LENGTHS: Final = {"half as long": Fraction(1, 2), "twice as long": Fraction(2)}


def sensitivity(parts: Counts, option: Option, baseline: Tier) -> tuple[Change, ...]:
    """One thing changed at a time, over what is compared with the baseline; the first is nothing.

    `parts` are (BUCKETS, 4, 3): the policy's by tier that serves, then the baseline's.
    """
    if not parts.any():
        return ()
    tiers = (*TIERS, baseline)
    lines = [(tier, _amounts(parts[:, at])) for at, tier in enumerate(tiers)]
    return tuple(_change(name, changed) for name, changed in _changes(lines, option))


def _amounts(parts: Counts) -> Amounts:
    fresh, cached, output = (Fraction(total(parts[:, at])) for at in range(3))
    return fresh, cached, output


def _changes(lines: Lines, option: Option) -> Iterator[tuple[str, Lines | None]]:
    yield "as simulated", lines
    for said, factor in _PRICES.items():
        for name, tiers in _each():
            yield f"prices of {name} {said}", _times(lines, tiers, (factor, factor, factor))
    for said, factor in _LENGTHS.items():
        for name, tiers in _each():
            one = Fraction(1)
            yield f"answers of {name} {said}", _times(lines, tiers, (one, one, factor))
    ratios = dict(zip(TIERS, option.cached_ratios, strict=True))
    yield "nothing cached", _swap(lines, ratios, cached=False)
    yield "all input cached", _swap(lines, ratios, cached=True)


def _each() -> Iterator[tuple[str, tuple[Tier, ...]]]:
    yield "all tiers", TIERS
    for tier in TIERS:
        yield tier, (tier,)


def _times(lines: Lines, tiers: Sequence[Tier], factors: Amounts) -> Lines:
    return [
        (tier, _products(amounts, factors) if tier in tiers else amounts) for tier, amounts in lines
    ]


def _products(amounts: Amounts, factors: Amounts) -> Amounts:
    fresh, cached, output = (a * b for a, b in zip(amounts, factors, strict=True))
    return fresh, cached, output


def _swap(lines: Lines, ratios: dict[Tier, float | None], *, cached: bool) -> Lines | None:
    """All input at the one price or at the other; none where a price of the two is unknown."""
    swapped = []
    for tier, (fresh, warm, output) in lines:
        ratio = ratios[tier]
        if ratio is None and (fresh or warm):
            return None
        exact = Fraction(ratio or 0)
        if cached:
            swapped.append((tier, (Fraction(0), warm + fresh * exact, output)))
        elif exact:
            swapped.append((tier, (fresh + warm / exact, Fraction(0), output)))
        elif fresh or warm:
            return None
    return swapped


def _change(name: str, lines: Lines | None) -> Change:
    if lines is None:
        return Change(
            name=name, cost_usd=None, baseline_cost_usd=None, saving_usd=None, saving_pct=None
        )
    cost = round(sum((sum(amounts) for _, amounts in lines[:-1]), Fraction(0)))
    beside = round(sum(lines[-1][1]))
    return Change(
        name=name,
        cost_usd=usd(cost),
        baseline_cost_usd=usd(beside),
        saving_usd=usd(beside - cost),
        saving_pct=percent(beside - cost, beside) if beside else None,
    )
