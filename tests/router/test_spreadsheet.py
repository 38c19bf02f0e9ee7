"""CSV that is read back as it was written, and in which nothing is a formula."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.cli.report import report
from router.domain import Caller
from router.ledger.facets import EVER
from router.ledger.place import place
from router.ledger.tally import tally_entries
from router.report.plain import to_csv
from router.report.summary import Question, compose
from router.spreadsheet import inert, line
from tests.commands import done
from tests.ledgers import cost, entry, open_spool

NASTY = ("a\rb", "a\r\nb", 'say "hi"', "a,b", "", " ", "\ufeff", "é🧭", "\x1b[31m", "-", "'=1")
_cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(NASTY)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(rows=st.lists(st.lists(_cells, min_size=1, max_size=4), max_size=4))
def test_whatever_stands_in_a_cell_is_read_back(rows: Sequence[Sequence[str]]) -> None:
    text = "".join(line(row) for row in rows)
    assert read(text) == [list(row) for row in rows]


@given(row=st.lists(st.text("ab ,é", max_size=4), min_size=1, max_size=4))
def test_a_plain_row_is_one_line(row: Sequence[str]) -> None:
    assert line(row).count("\n") == 1
    assert "\r" not in line(row)


@given(name=_cells)
def test_no_name_begins_as_a_formula_and_every_other_is_left_alone(name: str) -> None:
    shown = inert(name)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert shown.removeprefix("'") == name.removeprefix("'")
    assert len(shown) - len(name) in {0, 1}


def test_no_name_is_an_empty_cell() -> None:
    assert inert(None) == inert("") == ""


@pytest.mark.parametrize("user", NASTY)
def test_a_report_has_a_row_for_each_user_whatever_they_call_themselves(user: str) -> None:
    entries = [
        entry(1, caller=Caller(user=user), cost=cost(3, easy=3, medium=4, hard=5)),
        entry(2, caller=Caller(user="ada"), cost=cost(4, easy=4, medium=4, hard=4)),
    ]
    question = Question(by=("user",), baseline="hard", simulated=False, span=EVER)
    found = compose(tally_entries(entries), tally_entries(entries, ("user",)), question)
    head, *rows = read(to_csv(found))
    at = head.index("cost_usd")
    spent = {row[0]: row[at] for row in rows}
    assert spent == {"ada": "0.000004", inert(user): "0.000003"}
    assert {len(row) for row in rows} == {len(head)}


def test_a_user_cannot_add_a_row_to_the_file_that_a_report_is_written_to(tmp_path: Path) -> None:
    spool = open_spool(place(str(tmp_path)))
    forged = "ada\r2026-11-23,999999"
    spool.record(replace(entry(1), caller=Caller(user=forged)))
    spool.close()
    out = tmp_path / "users.csv"
    done(tmp_path, report, "--since", "2026-01-01", "--by", "user", "--format", "csv", "--out", out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["user", forged]
