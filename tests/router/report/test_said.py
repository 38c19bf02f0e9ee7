"""Figures as people read them."""

from decimal import Decimal

import pytest

from router.report import said
from router.report.simulation.answer import Figure


def figure(value: str, low: str | None = None, high: str | None = None) -> Figure:
    ends = [None if end is None else Decimal(end) for end in (low, high)]
    return Figure(value=Decimal(value), low=ends[0], high=ends[1])


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("1234567.891", "$1,234,567.89"),
        ("1", "$1.00"),
        ("0.80977", "$0.8098"),
        ("0.0034", "$0.003400"),
        ("-12.5", "-$12.50"),
        ("0", "$0.000000"),
    ],
)
def test_money_is_told_as_finely_as_its_size_asks_for(amount: str, told: str) -> None:
    assert said.money(Decimal(amount)) == told


def test_an_interval_is_told_as_finely_as_its_figure() -> None:
    assert said.spread_money(figure("0.81", "0.6601", "1.02")) == "$0.8100 (0.6601 to 1.0200)"
    assert said.spread_money(figure("3", "-0.001", "6")) == "$3.00 (0.00 to 6.00)"
    assert said.spread_percent(figure("36.81", "33.66", "39.7")) == "36.8\xa0% (33.7 to 39.7)"
    assert said.spread_share(figure("0.7111", "0.7", "0.72")) == "71.1\xa0% (70.0 to 72.0)"
    assert said.spread_points(figure("-0.05", "-0.06", "0.01")) == "-5.0 (-6.0 to +1.0)"


def test_without_an_interval_there_is_the_figure_alone() -> None:
    assert said.spread_money(figure("2")) == "$2.00"
    assert said.spread_percent(figure("-0.01")) == "0.0\xa0%"
    assert said.spread_points(figure("0.1")) == "+10.0"


def test_what_nobody_knows_is_a_dash() -> None:
    telling = (
        said.money, said.percent, said.spread_money, said.spread_percent, said.spread_share,
        said.spread_points, said.seconds,
    )  # fmt: skip
    assert {tell(None) for tell in telling} == {said.UNKNOWN}
    assert said.seconds(figure("984")) == "1.0\xa0s"
