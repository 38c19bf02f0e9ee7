"""What stands in a cell of an export, as providers, banks and spreadsheets write it."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.reconcile.cells import amount_of_cell, count_of_cell, day_of_cell

USD = 10**12

DAYS = {
    "2026-11-01": "2026-11-01",
    " 2026-11-01 ": "2026-11-01",
    "2026-1-1": "2026-01-01",
    "2026/11/1": "2026-11-01",
    "2026.11.01": "2026-11-01",
    "20261101": "2026-11-01",
    "2026年11月1日": "2026-11-01",
    "2024-02-29": "2024-02-29",
    "1793491200": "2026-11-01",
    "1793491200.0": "2026-11-01",
    "1793577599": "2026-11-01",
    "1793577600": "2026-11-02",
    "2026-11-01T23:59:59.999Z": "2026-11-01",
    "2026-11-01T23:59:59-08:00": "2026-11-01",
    "2026-11-01 00:00:00 UTC": "2026-11-01",
}


@pytest.mark.parametrize(("cell", "day"), DAYS.items())
def test_a_day_is_the_one_that_is_written(cell: str, day: str) -> None:
    assert day_of_cell(cell) == day


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "Total",
        "2026-13-01",
        "2026-02-30",
        "2025-02-29",
        "0000-01-01",
        "0001-01-01",
        "1969-12-31",
        "9999-12-31",
        "3000-01-01",
        "1793491200000",
        "-1793491200",
        "11/01/2026",
        "nan",
    ],
)
def test_what_is_no_day_is_said_in_the_words_of_the_cell(cell: str) -> None:
    """Also a day that is in no calendar, and one that stands for "never"."""
    with pytest.raises(ValueError, match="is no day that is understood") as refused:
        day_of_cell(cell)
    assert repr(cell) in str(refused.value)


@given(st.dates(min_value=date(1970, 1, 1), max_value=date(2_999, 12, 31)))
def test_every_day_comes_back_from_every_way_to_write_it(day: date) -> None:
    written = day.isoformat()
    ways = (
        written,
        written.replace("-", "/"),
        written.replace("-", ""),
        f"{day.year}-{day.month}-{day.day}",
        f"{written}T12:30:00Z",
    )
    assert {day_of_cell(way) for way in ways} == {written}


AMOUNTS = {
    "1.5": "1.5",
    "$1.50": "1.5",
    "US$1.50": "1.5",
    "$ 1.50": "1.5",
    "1.50 USD": "1.5",
    "1.50usd": "1.5",
    "¥10": "10",
    "10元": "10",
    "1,234.56": "1234.56",
    "1,234,567": "1234567",
    "1.234,56": "1234.56",
    "12.345.678,9": "12345678.9",
    "1,5": "1.5",
    "0,500": "0.5",
    "0,001": "0.001",
    "-1.5": "-1.5",
    "-$1.50": "-1.5",
    "$-1.50": "-1.5",
    "(1.50)": "-1.5",
    "($1,234.50)": "-1234.5",
    "1e-6": "0.000001",
    "1.5E+2": "150",
    "0": "0",
    "0.000000000001": "0.000000000001",
    "99999999999.999999999999": "99999999999.999999999999",
}


@pytest.mark.parametrize(("cell", "amount"), AMOUNTS.items())
def test_an_amount_is_read_to_the_last_digit(cell: str, amount: str) -> None:
    """A credit is less than nothing, and a comma before three digits is no thousand after a 0."""
    assert amount_of_cell(cell) == int(Decimal(amount) * USD)


def test_an_empty_cell_says_nothing_and_not_that_it_was_free() -> None:
    assert amount_of_cell("") is amount_of_cell("  ") is amount_of_cell("$") is None
    assert count_of_cell("") is count_of_cell(" ") is None
    assert amount_of_cell("0.00") == count_of_cell("0") == 0


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("n/a", "'n/a' is no number"),
        ("1.2.3", "'1.2.3' is no number"),
        ("1,23,4", "'1,23,4' is no number"),
        ("--1", "'--1' is no number"),
        ("()", "'()' is no number"),
        ("Infinity", "'Infinity' is no number that an invoice has"),
        ("NaN", "'NaN' is no number that an invoice has"),
        ("1e31", "'1e31' is no number that an invoice has"),
        ("-1e300", "'-1e300' is no number that an invoice has"),
    ],
)
def test_what_is_no_amount_is_named(cell: str, told: str) -> None:
    with pytest.raises(ValueError, match="is no number") as refused:
        amount_of_cell(cell)
    assert str(refused.value) == told


@pytest.mark.parametrize("cell", ["-1", "1.5", "0.1", "-0.5"])
def test_there_is_no_part_of_a_token_and_none_less_than_none(cell: str) -> None:
    with pytest.raises(ValueError, match=f"'{cell}' is no number of tokens or requests"):
        count_of_cell(cell)


@pytest.mark.parametrize(
    ("cell", "count"),
    [("59200.0", 59_200), ("1,000", 1_000), ("1e3", 1_000), ("9223372036854775808", 2**63)],
)
def test_a_count_may_be_written_as_a_spreadsheet_does(cell: str, count: int) -> None:
    assert count_of_cell(cell) == count


@given(st.integers(-(10**24), 10**24), st.sampled_from(["{}", "${}", "{} USD", " {} ", "€{}"]))
def test_every_amount_comes_back_from_its_digits(pico: int, form: str) -> None:
    digits = f"{Decimal(pico).scaleb(-12):f}"
    assert amount_of_cell(form.format(digits)) == pico


@given(st.integers(0, 10**15), st.integers(0, 99))
def test_thousands_may_be_grouped_either_way(whole: int, cents: int) -> None:
    english = f"{whole:,}.{cents:02d}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert amount_of_cell(english) == amount_of_cell(german) == (100 * whole + cents) * USD // 100
