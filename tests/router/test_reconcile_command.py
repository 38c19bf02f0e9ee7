"""`gearshift reconcile`, as it is typed."""

import json
import re
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result

from router.cli.reconcile import reconcile
from router.domain import Attempt, Entry, ModelId, Outcome, PicoUsd, Usage
from router.errors import GearshiftError
from router.ledger.place import place
from router.ledger.upgrade import upgrade
from tests.commands import done, typed
from tests.ledgers import DAY_US, NOON_US, drain, entry, open_spool
from tests.policies import CONFIG

HEAD = "date,model,requests,input_tokens,output_tokens,cost_usd\n"
PRICED = """
[model.flash.price]
input = 10
output = 100
source = "the test"
date = "2026-11-23"
"""


def asked(number: int, model: str = "flash", at_us: int = NOON_US) -> Entry:
    usage = Usage(input=1_000, output=100, source="billed")
    attempt = Attempt(model=ModelId(model), tier="easy", usage=usage, cost=PicoUsd(2 * 10**10))
    return entry(number, at_us=at_us, outcome=Outcome(status=200, attempts=(attempt,)))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A ledger of three requests in two days, and the configuration that they were made with."""
    there = place(str(tmp_path / "data"))
    upgrade(there)
    spool = open_spool(there)
    for one in (asked(1), asked(2, "flash-spare"), asked(3, at_us=NOON_US + DAY_US)):
        spool.record(one)
    spool.close()
    drain(there)
    config = CONFIG.replace("[model.flash-spare]", f"{PRICED}\n[model.flash-spare]", 1)
    (tmp_path / "gearshift.toml").write_text(config)
    return tmp_path / "data"


def words(home: Path, invoice: str, *more: str) -> list[str | Path]:
    file = home.parent / "invoice.csv"
    file.write_text(invoice)
    return ["--invoice", file, "--config", home.parent / "gearshift.toml", *more]


def ask(home: Path, invoice: str, *more: str) -> Result:
    return done(home, reconcile, *words(home, invoice, *more))


def said(home: Path, invoice: str, *more: str) -> str:
    """What it says, on one line however wide the terminal is."""
    return " ".join(ask(home, invoice, *more).stdout.split())


def refused(home: Path, invoice: str, *more: str) -> str:
    """The one line that is said."""
    told = typed(home, reconcile, *words(home, invoice, *more))
    if isinstance(told.exception, GearshiftError):
        return str(told.exception)
    assert told.exit_code == 2
    return " ".join(re.sub(r"[│╭╰╮╯─]", "", told.stderr).split())


def test_two_profiles_of_one_model_are_one_line_of_the_hosts_invoice(home: Path) -> None:
    invoice = HEAD + "2026-11-23,f,2,2000,200,0.04\n2026-11-24,f,1,1000,100,0.02\n"
    told = ask(home, invoice)
    assert "2026-11-23 to 2026-11-24: invoice $0.060000, ledger $0.060000" in told.stdout
    assert "2 of 2 rows (a day and a model) match" in told.stdout


def test_a_difference_is_shown_and_explained(home: Path) -> None:
    told = ask(home, HEAD + "2026-11-23,f,2,2000,200,0.14\n2026-11-24,f,1,1000,100,0.02\n")
    assert "1 of 2 rows" in told.stdout
    assert "differs" in told.stdout
    assert "2026-11-24" not in told.stdout.split("rows")[0].split("\n", 1)[1]
    assert "it charges 3.5 for each dollar of the book" in " ".join(told.stdout.split())
    whole = ask(home, HEAD + "2026-11-23,f,2,2000,200,0.04\n", "--all")
    assert "matched" in whole.stdout


def test_json_has_every_digit_and_nothing_else_on_standard_output(home: Path) -> None:
    invoice = HEAD + "2026-11-23,f,3,2000,200,0.140000000001\n"
    found = json.loads(ask(home, invoice, "--json").stdout, parse_float=Decimal)
    assert (found["matched"], found["format"], found["currency"]) == (False, "columns", "USD")
    assert found["difference_usd"] == Decimal("0.100000000001")
    (row,) = found["rows"]
    assert row["ledger"]["attempts"] == 2
    assert row["split"]["price_factor"] == Decimal("3.5")
    assert row["invoice"]["amount"] == Decimal("0.140000000001")
    assert any("1 requests more" in reason for reason in found["reasons"])


def test_days_may_be_chosen(home: Path) -> None:
    invoice = HEAD + "2026-11-23,f,2,2000,200,9\n2026-11-24,f,1,1000,100,0.02\n"
    assert "1 of 1 rows" in said(home, invoice, "--since", "2026-11-24")
    assert "0 of 1 rows" in said(home, invoice, "--until", "2026-11-24")
    assert "it goes from 2026-11-23 to 2026-11-24" in refused(
        home, invoice, "--since", "2026-11-25"
    )


def test_an_offset_moves_the_ledgers_days(home: Path) -> None:
    invoice = HEAD + "2026-11-24,f,2,2000,200,0.04\n2026-11-25,f,1,1000,100,0.02\n"
    assert "try --utc-offset 12" in said(home, invoice)
    assert "2 of 2 rows" in said(home, invoice, "--utc-offset", "12")


def test_a_model_of_another_name_may_be_paired(home: Path) -> None:
    invoice = HEAD + "2026-11-23,house-brand,2,2000,200,0.04\n"
    assert "only on the invoice: house-brand" in said(home, invoice)
    assert "1 of 1 rows" in said(home, invoice, "--map", "house-brand=flash")
    assert "'x' is no pair such as NAME=VALUE" in refused(home, invoice, "--map", "x")


def test_columns_may_be_named_and_wrong_names_are_refused(home: Path) -> None:
    invoice = "Tag;Ware;Preis\n2026-11-23;f;0.04\n"
    named = ("--columns", "day=Tag,model=Ware,amount=Preis", "--currency", "USD")
    assert "1 of 1 rows" in said(home, invoice, *named)
    assert "'tag' is none of day, model" in refused(home, invoice, "--columns", "tag=Tag")
    assert "there is no column 'Datum'" in refused(home, invoice, "--columns", "day=Datum")


def test_models_of_other_hosts_are_left_out_and_said(home: Path) -> None:
    config = home.parent / "gearshift.toml"
    second = '[upstream.second]\nbase_url = "https://second.example.com/v1"\n'
    text = config.read_text().replace("[model.flash]", f"{second}\n[model.flash]", 1)
    config.write_text(
        text.replace('upstream = "host"\nname = "i"', 'upstream = "second"\nname = "i"')
    )
    spool = open_spool(place(str(home)))
    spool.record(asked(9, "instruct"))
    spool.close()
    invoice = HEAD + "2026-11-23,f,2,2000,200,0.04\n"
    told = said(home, invoice)
    assert "left out, because other hosts serve them: instruct" in told
    assert "1 of 1 rows" in told
    assert "only in the ledger: i" in said(home, invoice, "--upstream", "second")
    assert "there is no upstream 'third'; there are host, second" in refused(
        home, invoice, "--upstream", "third"
    )


def test_entries_that_cannot_be_read_are_said(home: Path) -> None:
    with sqlite3.connect(home / "ledger.sqlite3") as file:
        file.execute("UPDATE entry SET document = '{}' WHERE id = ?", (asked(2).id,))
    file.close()
    told = ask(home, HEAD + "2026-11-23,f,2,2000,200,0.04\n")
    assert "1 entries of the ledger could not be read" in told.stdout
    assert "0 of 1 rows" in told.stdout


def test_what_a_file_says_moves_no_terminal(home: Path) -> None:
    told = ask(home, HEAD + "2026-11-23,\x1b[31m[bold]f,2,2000,200,0.04\n")
    assert "\x1b" not in told.stdout
    assert "[bold]f" in told.stdout


def test_without_a_ledger_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "invoice.csv"
    file.write_text(HEAD + "2026-11-23,f,2,2000,200,0.04\n")
    told = typed(tmp_path / "nothing", reconcile, "--invoice", file)
    assert "there is no ledger yet" in str(told.exception)


def test_the_default_preset_names_the_models_where_no_file_is_given(home: Path) -> None:
    file = home.parent / "invoice.csv"
    file.write_text(HEAD + "2026-11-23,flash,1,1000,100,0.02\n")
    told = done(home, reconcile, "--invoice", file)
    assert "invoice $0.020000" in told.stdout
