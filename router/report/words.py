"""Figures as people read them: money, shares, intervals."""

from decimal import Decimal
from typing import Final

from router.report.simulation.answer import Figure

UNKNOWN: Final = "–"  # noqa: RUF001 (the sign for nothing)
SPACE: Final = "\N{NO-BREAK SPACE}"


def money(amount: Decimal | None, *, unit: str = "$") -> str:
    """US dollars: to the cent, and less than one dollar to the millionth."""
    if amount is None:
        return UNKNOWN
    places = 2 if abs(amount) >= 1 else 6
    return f"{unit}{amount:,.{places}f}" if amount >= 0 else f"-{unit}{-amount:,.{places}f}"


def percent(share: Decimal | None) -> str:
    """A number of hundredths, to the tenth."""
    return UNKNOWN if share is None else f"{share:.1f}{SPACE}%"


def spread_money(figure: Figure | None) -> str:
    """Money with its interval, as finely as the larger of the two is told."""
    if figure is None:
        return UNKNOWN
    if figure.low is None or figure.high is None:
        return money(figure.value)
    places = 2 if max(abs(figure.value), abs(figure.low), abs(figure.high)) >= 1 else 6
    return f"{money(figure.value)} ({figure.low:,.{places}f} to {figure.high:,.{places}f})"


def spread_percent(figure: Figure | None) -> str:
    """A number of hundredths with its interval."""
    if figure is None:
        return UNKNOWN
    if figure.low is None or figure.high is None:
        return percent(figure.value)
    return f"{percent(figure.value)} ({figure.low:.1f} to {figure.high:.1f})"


def spread_share(figure: Figure | None) -> str:
    """A share of one, in per cent, with its interval."""
    return spread_percent(hundredfold(figure))


def spread_points(figure: Figure | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    scaled = hundredfold(figure)
    if scaled is None:
        return UNKNOWN
    if scaled.low is None or scaled.high is None:
        return f"{scaled.value:+.1f}"
    return f"{scaled.value:+.1f} ({scaled.low:+.1f} to {scaled.high:+.1f})"


def hundredfold(figure: Figure | None) -> Figure | None:
    """A share of one in per cent."""
    if figure is None:
        return None
    low, high = figure.low, figure.high
    return Figure(
        value=100 * figure.value,
        low=None if low is None else 100 * low,
        high=None if high is None else 100 * high,
    )


def seconds(figure: Figure | None) -> str:
    """A time in seconds."""
    return UNKNOWN if figure is None else f"{figure.value / 1_000:.1f}{SPACE}s"
