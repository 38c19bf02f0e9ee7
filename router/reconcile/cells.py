"""Cells of exports: days, numbers and amounts as providers and spreadsheets write them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

_SECONDS: Final = re.compile(r"\d{9,10}(\.0+)?")
_DAY: Final = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_SIGNS: Final = re.compile(r"^(US)?[$€£¥￥]\s*|\s*(USD|EUR|CNY|RMB|元)$", re.IGNORECASE)
_GROUPED: Final = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_COMMA: Final = re.compile(r"-?\d+,\d+")
_PICO: Final = 10**12
_MOST: Final = 10**30
"""No amount and no number of tokens; a wrong column is."""


def day_of_cell(text: str) -> str:
    """The day that a cell names, YYYY-MM-DD: as it is written, and seconds in UTC.

    Raises ValueError.
    """
    said = text.strip()
    if _SECONDS.fullmatch(said):
        return datetime.fromtimestamp(float(said), UTC).date().isoformat()
    if match := _DAY.fullmatch(said):
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    try:
        return datetime.fromisoformat(said.removesuffix(" UTC")).date().isoformat()
    except ValueError as error:
        message = f"{text!r} is no day that is understood"
        raise ValueError(message) from error


def count_of_cell(text: str) -> int | None:
    """A number of tokens or requests; null where the cell is empty. Raises ValueError."""
    number = _number(text)
    if number is None:
        return None
    if number != number.to_integral_value() or number < 0:
        message = f"{text!r} is no number of tokens or requests"
        raise ValueError(message)
    return int(number)


def amount_of_cell(text: str) -> int | None:
    """Money in millionths of millionths; null where the cell is empty. Raises ValueError."""
    number = _number(_SIGNS.sub("", text.strip()))
    return None if number is None else pico(number)


def pico(amount: Decimal) -> int:
    """An amount in millionths of millionths, half to even."""
    return int((amount * _PICO).to_integral_value())


def _number(text: str) -> Decimal | None:
    said = text.strip()
    if not said:
        return None
    if _GROUPED.fullmatch(said):
        said = said.replace(",", "")
    elif _COMMA.fullmatch(said):
        said = said.replace(",", ".")
    try:
        number = Decimal(said)
    except InvalidOperation as error:
        message = f"{text!r} is no number"
        raise ValueError(message) from error
    if not number.is_finite() or abs(number) > _MOST:
        message = f"{text!r} is no number that an invoice has"
        raise ValueError(message)
    return number
