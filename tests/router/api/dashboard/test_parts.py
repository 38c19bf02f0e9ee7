"""Numbers and tables as people read them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.api.dashboard.parts import (
    Column,
    clock,
    described,
    dollars,
    interval,
    meter,
    milliseconds,
    money,
    percent,
    section,
    share,
    table,
    tier_chip,
)
from tests.ledgers import NOON_US


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0.00"),
        ("0.0000001", "$0.000000"),
        ("0.25", "$0.250000"),
        ("0.999999", "$0.999999"),
        ("1", "$1.00"),
        ("1234567.891", "$1,234,567.89"),
        ("-0.5", "−$0.500000"),  # noqa: RUF001
        ("-12", "−$12.00"),  # noqa: RUF001
    ],
)
def test_dollars_are_as_exact_as_they_are_small(amount: str, shown: str) -> None:
    assert dollars(Decimal(amount)) == shown


@given(st.decimals(-(10**6), 10**6, places=12, allow_nan=False))
def test_every_digit_is_there_for_programs(amount: Decimal) -> None:
    written = money(amount)
    value = written.partition('value="')[2].partition('"')[0]
    assert Decimal(value) == amount
    assert "E" not in value


def test_unknown_money_is_a_word() -> None:
    assert money(None) == '<span class="unknown">unknown</span>'


def test_an_interval_has_both_ends_or_is_none() -> None:
    assert interval(None, Decimal(1)) is None
    assert interval(Decimal(1), None) is None
    both = interval(Decimal(1), Decimal(2))
    assert both is not None
    assert "[<data" in both
    assert both.endswith("</data>]</span>")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00 ms"), (0.456, "0.46 ms"), (12.34, "12.3 ms"), (1234.5, "1,234 ms")],
)
def test_milliseconds_have_three_digits_or_more(value: float, shown: str) -> None:
    assert milliseconds(value) == shown


def test_shares_of_nothing_are_no_share() -> None:
    assert share(1, 3) == "33.3 %"
    assert share(0, 5) == "0.0 %"
    assert share(0, 0) == "–"  # noqa: RUF001
    assert percent(None) == "unknown"
    assert percent(Decimal("12.345")) == "12.3 %"


def test_a_bar_is_as_long_as_its_part_and_has_a_name() -> None:
    assert 'value="0.2500"' in meter(1, 4, "a quarter")
    assert 'value="0"' in meter(0, 0, "nothing")
    assert 'aria-label="a quarter"' in meter(1, 4, "a quarter")


def test_the_clock_is_that_of_utc_and_says_its_day() -> None:
    shown = clock(NOON_US)
    assert ">12:00:00</time>" in shown
    assert 'datetime="2026-11-23T12:00:00Z"' in shown
    assert 'title="2026-11-23 12:00:00 UTC"' in shown


def test_a_tier_is_told_by_its_name_not_by_its_colour_alone() -> None:
    assert tier_chip("hard") == '<span class="tier hard">hard</span>'


def test_a_table_can_be_read_without_seeing_it() -> None:
    columns = (Column(name="Who"), Column(name="Count", number=True, minor=True))
    shown = table("People", columns, [["Ada", "1"], ["<Bob>", "2"]], hide_caption=True)
    assert '<caption class="unseen">People</caption>' in shown
    assert '<th scope="col">Who</th>' in shown
    assert '<th scope="col" class="number minor">Count</th>' in shown
    assert '<th scope="row">&lt;Bob&gt;</th><td class="number minor">2</td>' in shown
    # Wide tables scroll by themselves: by keyboard too.
    assert 'tabindex="0" role="region" aria-label="People"' in shown


def test_a_row_that_does_not_fit_its_head_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        table("People", (Column(name="Who"),), [["Ada", "1"]], hide_caption=False)


def test_sections_are_named_by_their_heading() -> None:
    shown = section("cost", "Cost", "text & more")
    assert shown == (
        '<section id="cost" aria-labelledby="cost-title">'
        '<h2 id="cost-title">Cost</h2>text &amp; more</section>'
    )


def test_terms_stand_with_what_they_are() -> None:
    assert described([("A", "b")]) == "<dl><div><dt>A</dt><dd>b</dd></div></dl>"
