"""Exports that are damaged, odd, or of another tool: read right, or refused in one line."""

import csv
import io
import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.errors import GearshiftError
from router.reconcile.invoice import Charge, merged
from tests.router.test_reconcile_formats import PAGE, USD, bucket, cost, read

HEAD = "date,model,input_tokens,output_tokens,cost_usd\n"
LINE = "2026-11-01,k2,1000,20,1.5\n"
CHARGE = Charge(day="2026-11-01", model="k2", input=1_000, output=20, amount=3 * USD // 2)


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_may_be_saved_in_any_unicode(tmp_path: Path, code: str) -> None:
    mark = "\ufeff" if code in {"utf-16-le", "utf-16-be"} else ""
    text = mark + (HEAD + LINE).replace("k2", "k2-大")
    assert read(tmp_path, text.encode(code)).charges[0].model == "k2-大"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_lines_may_end_and_cells_part_as_they_do_anywhere(
    tmp_path: Path, end: str, delimiter: str
) -> None:
    text = (HEAD + LINE + LINE.replace("01,", "02,")).replace(",", delimiter).replace("\n", end)
    assert [one.day for one in read(tmp_path, text).charges] == ["2026-11-01", "2026-11-02"]


@pytest.mark.parametrize("after", [LINE * 2, LINE * 10_000])
def test_a_quote_that_is_never_closed_loses_no_line_in_silence(tmp_path: Path, after: str) -> None:
    """All that follows would be one cell: a row without an amount, which is passed over."""
    text = HEAD + LINE + '2026-11-02,"k2,1000,20,1.5\n' + after
    with pytest.raises(GearshiftError, match=r"it is no CSV from line \d+ on") as refused:
        read(tmp_path, text)
    assert str(tmp_path / "export") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_was_cut_in_the_middle_tells_what_it_lacks(tmp_path: Path) -> None:
    whole = HEAD + LINE + LINE.replace("01,", "02,")
    for length in range(len(HEAD) + 10, len(whole)):
        found = read(tmp_path, whole[:length] + "\n") if length > len(HEAD + LINE) else None
        assert found is None or CHARGE in found.charges
    page = json.dumps(PAGE | {"data": [bucket(0, cost(0.1, "k2, input", 10.0))]})
    for length in range(1, len(page), 7):
        with pytest.raises(GearshiftError, match="it is no JSON"):
            read(tmp_path, page[:length])


def test_cells_that_a_line_has_too_many_or_too_few_of_move_no_other(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD + LINE.strip() + ",7,8\n\n2026-11-02,k2,10\n2026-11-03\n")
    assert found.charges == (CHARGE, Charge(day="2026-11-02", model="k2", input=10))
    assert found.bad_lines == ()


@pytest.mark.parametrize(
    ("headings", "taken", "left"),
    [
        ("Input cost ($),Output cost ($),Total cost ($)", 3, "Input cost ($), Output cost ($)"),
        ("Unit price,Amount (USD)", 2, "Unit price"),
        ("Cost per 1M tokens,Cost", 2, "Cost per 1M tokens"),
        ("输入费用(元),总费用(元)", 2, "输入费用(元)"),
        ("Cost,Total charge", 2, "Cost"),
    ],
)
def test_of_several_amounts_the_whole_one_is_taken_and_it_is_said(
    tmp_path: Path, headings: str, taken: int, left: str
) -> None:
    """The first one used to be: what the input cost was held against the whole ledger."""
    cells = ",".join(str(at) for at in range(1, headings.count(",") + 2))
    found = read(tmp_path, f"Date,Model,{headings}\n2026-11-01,k2,{cells}\n")
    assert found.charges[0].amount == taken * USD
    assert f"not of {left} (--columns amount=…)" in found.notes[-1]


def test_parts_of_an_amount_without_a_whole_are_not_guessed_at(tmp_path: Path) -> None:
    text = "Date,Model,Input cost,Output cost\n2026-11-01,k2,1,2\n"
    with pytest.raises(GearshiftError, match=r"no total \(--columns amount=…\): Input cost, Outpu"):
        read(tmp_path, text)
    named = read(tmp_path, text, columns={"amount": "Output cost"}, currency="USD")
    assert named.charges[0].amount == 2 * USD
    assert named.notes == ()


@pytest.mark.parametrize("value", ["Infinity", "-Infinity", "NaN", 1e300, "1e31"])
def test_json_has_no_amount_that_is_no_money(tmp_path: Path, value: object) -> None:
    page = PAGE | {"data": [bucket(0, cost(value, "k2, input"))]}
    with pytest.raises(GearshiftError, match="is no number that an invoice has"):
        read(tmp_path, json.dumps(page))


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"start_time": 5, "results": [{"input_tokens": 1}]}, "'5' is no day that is understood"),
        ({"start_time": 1_793_491_200_000, "results": [{"model": "a"}]}, "is no day that is"),
        ({"start_time": 1_793_491_200, "results": [{"input_tokens": -1}]}, "Expected `int` >= 0"),
        ({"start_time": "2026-11-01", "results": []}, r"Expected `int \| null`, got `str`"),
        ({"date": "yesterday", "usage": 1}, "'yesterday' is no day"),
        ({"date": "2026-11-01", "usage": 1, "requests": -3}, "Expected `int` >= 0"),
        ({"date": "2026-11-01", "usage": "much"}, "of a shape that is not understood"),
    ],
)
def test_json_that_cannot_be_so_is_refused(
    tmp_path: Path, item: dict[str, object], told: str
) -> None:
    with pytest.raises(GearshiftError, match=told):
        read(tmp_path, json.dumps({"data": [item]}))


def test_items_that_are_passed_over_are_counted(tmp_path: Path) -> None:
    """They were dropped without a word: whoever mixes files has less of an invoice than he has."""
    day = {"date": "2026-11-01", "model": "k2", "usage": 0.5}
    found = read(tmp_path, json.dumps({"data": [day, {"id": "gen-1"}, {"date": "2026-11-01"}]}))
    assert [one.amount for one in found.charges] == [USD // 2]
    assert found.notes == ("2 items of it say neither when nor what, and are left out",)
    assert read(tmp_path, json.dumps({"data": [day]})).notes == ()


@pytest.mark.parametrize("currencies", [("usd", "eur"), ("USD", "cny")])
def test_json_in_several_currencies_is_refused_unless_one_is_said(
    tmp_path: Path, currencies: tuple[str, str]
) -> None:
    results: list[dict[str, object]] = [
        {"amount": {"value": 1, "currency": code}, "line_item": "k2, input"} for code in currencies
    ]
    page = json.dumps(PAGE | {"data": [bucket(0, *results)]})
    with pytest.raises(GearshiftError, match=r"several currencies: .*give one file for each"):
        read(tmp_path, page)
    assert read(tmp_path, page, currency="eur").currency == "EUR"


def test_lists_of_pages_are_as_good_as_a_page_a_line(tmp_path: Path) -> None:
    pages = [PAGE | {"data": [bucket(day, cost(0.1, "k2, input", 10.0))]} for day in range(3)]
    listed = read(tmp_path, json.dumps(pages))
    lines = read(tmp_path, "\n".join(map(json.dumps, pages)) + "\n\n")
    assert listed == lines
    assert [one.input for one in listed.charges] == [10, 10, 10]


def test_a_second_line_of_another_shape_is_named(tmp_path: Path) -> None:
    page = json.dumps(PAGE | {"data": [bucket(0, cost(0.1, "k2, input"))]})
    with pytest.raises(GearshiftError, match="no JSON: Object missing required field `data`"):
        read(tmp_path, f'{page}\n{{"rows": []}}\n')


_models = st.text(min_size=1, max_size=12).map(str.strip).filter(bool)
_charges = st.builds(
    Charge,
    day=st.sampled_from(["2026-11-01", "2026-11-02", "2027-02-28"]),
    model=_models.filter(lambda name: not set(name) & set("\r\x00\ud800")),
    requests=st.integers(0, 10**9),
    input=st.integers(0, 10**12),
    cached=st.integers(0, 10**12),
    output=st.integers(0, 10**12),
    amount=st.integers(-(10**18), 10**20),
)


@given(st.lists(_charges, min_size=1, max_size=8), st.sampled_from(",;\t"), st.randoms())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_whatever_is_written_as_a_table_is_read_back_in_any_order(
    tmp_path: Path, charges: list[Charge], delimiter: str, chance: random.Random
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["date", "model", "requests", "input tokens", "cache", "output tokens", "usd"])
    for one in chance.sample(charges, len(charges)):
        amount = f"{Decimal(one.amount or 0).scaleb(-12):f}"
        writer.writerow(
            [one.day, one.model, one.requests, one.input, one.cached, one.output, amount]
        )
    found = read(tmp_path, out.getvalue(), columns={"amount": "usd"}, currency="USD")
    assert found.charges == merged(charges)
    assert found.bad_lines == ()
