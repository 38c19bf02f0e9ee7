"""The report as people and programs get it."""

import csv
import io
import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from router.domain import Caller, Cost, Entry, PicoUsd
from router.ledger.facets import Span
from router.ledger.memory import MemoryLedger
from router.report.plain import to_csv, to_json
from router.report.summary import Question, Report, read_report, summarise
from router.report.table import to_table
from tests.ledgers import NOON_US, cost, entries, entry

FIGURES = {
    "requests", "unpriced_requests", "estimated_requests", "compared_requests", "simulated",
    "input_tokens", "cached_tokens", "output_tokens", "cost_usd", "baseline_cost_usd",
    "baseline_cost_usd_low", "baseline_cost_usd_high", "saving_usd", "saving_usd_low",
    "saving_usd_high", "saving_pct", "saving_pct_low", "saving_pct_high", "controls", "routed",
}  # fmt: skip


def shown(report: Report) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(to_table(report))
    return out.getvalue()


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(report))))


def test_json_has_the_figures_at_its_top_and_in_its_groups() -> None:
    document = json.loads(to_json(summarise([entry(1)], ["model", "tier"])))
    about = {"since", "until", "baseline", "by", "excluded_requests", "groups"}
    assert set(document) == FIGURES | about
    assert document["by"] == ["model", "tier"]
    (group,) = document["groups"]
    assert set(group) == FIGURES | {"model", "tier"}
    assert (group["model"], group["tier"]) == ("small", "easy")
    assert set(document["controls"]) == {"always_hard", "always_medium", "always_easy"}
    assert document["controls"]["always_hard"] == {
        "compared_requests": 1,
        "cost_usd": 0.000004,
        "cost_usd_low": None,
        "cost_usd_high": None,
        "saving_usd": 0.000003,
        "saving_usd_low": None,
        "saving_usd_high": None,
        "saving_pct": 75.0,
        "saving_pct_low": None,
        "saving_pct_high": None,
    }


def test_json_says_its_span_and_null_for_what_is_open_or_unknown() -> None:
    ledger = MemoryLedger()
    ledger.record(entry(1, cost=cost(None)))
    document = json.loads(to_json(read_report(ledger, Question(span=Span(since_us=NOON_US)))))
    assert document["since"] == "2026-11-23T12:00:00Z"
    assert document["until"] is None
    assert document["cost_usd"] is None
    assert document["saving_pct"] is None


@given(kept=st.lists(entries(), max_size=6))
def test_json_money_is_exact_to_the_last_digit(kept: list[Entry]) -> None:
    report = summarise(kept, ["tier"])
    text = to_json(report)
    document = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    assert document["cost_usd"] == report.total.cost_usd
    assert document["controls"]["always_easy"]["saving_usd"] == (
        report.total.controls.always_easy.saving_usd
    )
    assert [group["cost_usd"] for group in document["groups"]] == [
        group.figures.cost_usd for group in report.groups
    ]


def test_json_writes_tiny_and_huge_amounts_without_exponents() -> None:
    tiny = summarise([entry(1, cost=Cost(actual=PicoUsd(1)))])
    huge = summarise([entry(1, cost=Cost(actual=PicoUsd(10**30)))])
    assert '"cost_usd": 0.000000000001,' in to_json(tiny)
    assert f'"cost_usd": {10**18},' in to_json(huge)


def test_csv_is_a_line_a_group() -> None:
    report = summarise([entry(1), entry(2, caller=Caller(user="bob"))], ["user", "day"])
    found = rows(report)
    assert [(row["user"], row["day"]) for row in found] == [
        ("ada", "2026-11-23"),
        ("bob", "2026-11-23"),
    ]
    assert found[0]["cost_usd"] == "0.000001"
    assert found[0]["always_hard_cost_usd"] == "0.000004"
    assert found[0]["always_easy_saving_pct"] == "0"
    assert found[0]["simulated"] == "false"


def test_csv_without_groups_is_the_total_and_unknown_is_empty() -> None:
    (row,) = rows(summarise([entry(1, cost=cost(None)), entry(2, cost=cost(None))]))
    assert (row["requests"], row["unpriced_requests"], row["cost_usd"]) == ("2", "2", "")
    assert "user" not in row


def test_csv_of_no_requests_has_its_header() -> None:
    assert to_csv(summarise([], ["model"])).splitlines()[0].startswith("model,requests,")
    assert rows(summarise([], ["model"])) == []


def test_csv_hands_no_formula_to_a_spreadsheet() -> None:
    names = ["=1+1", "+1", "-1", "@x", "plain", 'com,ma "quoted"\nline']
    report = summarise(
        [entry(n, caller=Caller(user=name)) for n, name in enumerate(names)], ["user"]
    )
    assert {row["user"] for row in rows(report)} == {
        "'=1+1", "'+1", "'-1", "'@x", "plain", 'com,ma "quoted"\nline',
    }  # fmt: skip


def test_the_table_shows_the_cost_beside_every_tier_alone() -> None:
    text = shown(summarise([entry(1)], ["model"]))
    assert "1 requests, 0 without a price" in text
    assert "always hard (baseline)" in text
    assert "always medium" in text
    assert "75.0" in text
    assert "small" in text
    assert "SIMULATED" not in text


def test_the_table_calls_simulated_money_simulated() -> None:
    assert "SIMULATED" in shown(summarise([entry(1, simulated=True)]))


def test_the_table_says_what_it_leaves_out() -> None:
    kept = [entry(1), entry(2, simulated=True)]
    assert "1 simulated requests are left out" in shown(summarise(kept))
    assert "1 requests with real money are left out" in shown(summarise(kept, simulated=True))


def test_the_table_shows_unknown_money_as_unknown() -> None:
    text = shown(summarise([entry(1, cost=cost(None))], ["model"]))
    assert "$" not in text


def test_the_table_writes_large_small_and_negative_amounts() -> None:
    dear = summarise([entry(1, cost=cost(2_000_000_000, hard=500_000))])
    text = shown(dear)
    assert "$2,000.00" in text
    assert "$0.500000" in text
    assert "-$1,999.50" in text


def test_the_table_obeys_no_names() -> None:
    text = shown(summarise([entry(1, caller=Caller(user="[red]x\x1b[31m\x07"))], ["user"]))
    assert "[red]x" in text
    assert "\x1b" not in text
    assert "\x07" not in text
