"""Figures as people read them: money, shares, intervals."""

from decimal import Decimal
from typing import Final

from router.report.simulation.answer import Figure

UNKNOWN: Final = "–"  # noqa: RUF001 (the sign for nothing)
_CENT: Final = Decimal("0.01")
SPACE: Final = "\N{NO-BREAK SPACE}"


def money(amount: Decimal | None) -> str:
    """US dollars, as finely as their size asks for."""
    if amount is None:
        return UNKNOWN
    places = _places(amount)
    return f"${amount:z,.{places}f}" if amount >= 0 else f"-${-amount:z,.{places}f}"


def _places(amount: Decimal) -> int:
    """Decimals that are shown: of a dollar or more two, of a cent or more four, else six."""
    if abs(amount) >= 1:
        return 2
    return 4 if abs(amount) >= _CENT else 6


def percent(share: Decimal | None) -> str:
    """A number of hundredths, to the tenth."""
    return UNKNOWN if share is None else f"{share:z.1f}{SPACE}%"


def spread_money(figure: Figure | None) -> str:
    """Money with its interval, as finely as itself."""
    if figure is None:
        return UNKNOWN
    if figure.low is None or figure.high is None:
        return money(figure.value)
    places = _places(figure.value)
    return f"{money(figure.value)} ({figure.low:z,.{places}f} to {figure.high:z,.{places}f})"


def spread_percent(figure: Figure | None) -> str:
    """A number of hundredths with its interval."""
    if figure is None:
        return UNKNOWN
    if figure.low is None or figure.high is None:
        return percent(figure.value)
    return f"{percent(figure.value)} ({figure.low:z.1f} to {figure.high:z.1f})"


def spread_share(figure: Figure | None) -> str:
    """A share of one, in per cent, with its interval."""
    return spread_percent(hundredfold(figure))


def spread_points(figure: Figure | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    scaled = hundredfold(figure)
    if scaled is None:
        return UNKNOWN
    if scaled.low is None or scaled.high is None:
        return f"{scaled.value:+z.1f}"
    return f"{scaled.value:+z.1f} ({scaled.low:+z.1f} to {scaled.high:+z.1f})"


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
    return UNKNOWN if figure is None else f"{figure.value / 1_000:z.1f}{SPACE}s"
