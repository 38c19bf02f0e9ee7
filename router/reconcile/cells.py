"""Cells of exports: days, numbers and amounts as providers and spreadsheets write them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

_SECONDS: Final = re.compile(r"\d{9,10}(\.0+)?")
_DAY: Final = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_SIGN: Final = re.compile(r"^(-?)\s*(?:US)?[$€£¥￥]\s*", re.IGNORECASE)
_CODE: Final = re.compile(r"\s*(USD|EUR|CNY|RMB|元)$", re.IGNORECASE)
_CREDIT: Final = re.compile(r"\((.+)\)")
_GROUPED: Final = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
"""No thousands begin with a nought: 0,500 is a half."""
_DOTTED: Final = re.compile(r"-?[1-9]\d{0,2}(\.\d{3})+,\d+")
_COMMA: Final = re.compile(r"-?\d+,\d+")
_PICO: Final = 10**12
_MOST: Final = 10**30
"""No amount and no number of tokens; a wrong column is."""
_YEARS: Final = range(1970, 3_000)
"""Of days; another one is a slip, or stands for "never"."""


def day_of_cell(text: str) -> str:
    """The day that a cell names, YYYY-MM-DD: as it is written, and seconds in UTC.

    Raises ValueError.
    """
    message = f"{text!r} is no day that is understood"
    try:
        day = _day(text.strip())
    except ValueError as error:
        raise ValueError(message) from error
    if day.year not in _YEARS:
        raise ValueError(message)
    return day.isoformat()


def _day(said: str) -> date:
    if _SECONDS.fullmatch(said):
        return datetime.fromtimestamp(float(said), UTC).date()
    if match := _DAY.fullmatch(said):
        return date(int(match[1]), int(match[2]), int(match[3]))
    return datetime.fromisoformat(said.removesuffix(" UTC")).date()


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
    """Money in millionths of millionths, half to even; null where the cell is empty.

    A credit has a minus or stands in parentheses. Raises ValueError.
    """
    said = text.strip()
    if credit := _CREDIT.fullmatch(said):
        said = f"-{credit[1].strip()}"
    number = _number(_CODE.sub("", _SIGN.sub(r"\1", said)))
    return None if number is None else int((number * _PICO).to_integral_value())


def _number(text: str) -> Decimal | None:
    said = text.strip()
    if not said:
        return None
    if _GROUPED.fullmatch(said):
        said = said.replace(",", "")
    elif _DOTTED.fullmatch(said):
        said = said.replace(".", "").replace(",", ".")
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
