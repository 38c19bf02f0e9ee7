"""What a ledger report says of what was not done: how unsure it is, and what routing would save."""

import csv
import io
import json
import math
from decimal import Decimal

import pytest
from msgspec.structs import replace
from rich.console import Console

from router.domain import PICO
from router.ledger.tally import Pair, Tallied, Tally
from router.report.plain import to_csv, to_json
from router.report.summary import Bounds, Question, Report, compose
from router.report.table import to_table

HARD = Pair(requests=9, actual=6 * PICO, control=10 * PICO, shared=PICO, own=float(PICO) ** 2)
SHADOW = Pair(requests=5, actual=8 * PICO, control=3 * PICO, shared=PICO // 2)


def reported(*, hard: Pair = Pair(), routed: Pair = Pair()) -> Report:  # noqa: B008 (frozen)
    tally = Tally(requests=10, priced=9, actual=6 * PICO, hard=hard, routed=routed)
    return compose((Tallied(tally=tally),), (), Question())


def shown(report: Report) -> str:
    out = io.StringIO()
    Console(file=out, width=110).print(to_table(report))
    return out.getvalue()


def near(amount: Decimal | None, expected: float) -> bool:
    return amount is not None and math.isclose(float(amount), expected, rel_tol=1e-6)


def test_shared_doubts_add_up_and_own_ones_are_added_as_squares() -> None:
    ends = reported(hard=HARD).total.controls.always_hard.bounds
    half = 1.959964 * math.sqrt(1 + 1)
    assert near(ends.cost_usd_low, 10 - half)
    assert near(ends.cost_usd_high, 10 + half)
    assert near(ends.saving_usd_low, 4 - half)
    assert near(ends.saving_usd_high, 4 + half)
    assert ends.saving_pct_low is not None
    assert float(ends.saving_pct_low) == pytest.approx(100 * (1 - 6 / (10 - half)), abs=0.006)
    assert float(ends.saving_pct_high or 0) == pytest.approx(100 * (1 - 6 / (10 + half)), abs=0.006)


def test_the_baselines_interval_stands_at_the_top() -> None:
    document = json.loads(to_json(reported(hard=HARD)))
    control = document["controls"]["always_hard"]
    assert document["saving_usd_low"] == control["saving_usd_low"] < document["saving_usd"]
    assert document["baseline_cost_usd_high"] == control["cost_usd_high"]
    assert document["saving_pct_high"] == control["saving_pct_high"]
    assert "cost_usd_low" not in document


def test_what_is_not_in_doubt_has_no_interval() -> None:
    exact = replace(HARD, shared=0, own=0.0)
    assert reported(hard=exact).total.bounds == Bounds()
    assert reported().total.controls.always_easy.bounds == Bounds()


def test_a_cost_is_never_less_than_nothing() -> None:
    vast = reported(hard=replace(HARD, shared=50 * PICO)).total.bounds
    assert vast.cost_usd_low == 0
    assert vast.saving_usd_low == -6
    assert vast.saving_pct_low is None
    assert vast.saving_pct_high is not None


def test_csv_has_the_ends_beside_their_figures() -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv(reported(hard=HARD))))
    names = list(row)
    at = names.index("saving_usd")
    assert names[at : at + 3] == ["saving_usd", "saving_usd_low", "saving_usd_high"]
    assert row["saving_usd_low"] == row["always_hard_saving_usd_low"] != ""
    assert row["routed_cost_usd"] == ""


def test_the_table_shows_how_unsure_a_saving_is() -> None:
    text = shown(reported(hard=HARD))
    assert "95 %" in text
    assert "$1.23 to $6.77" in text


def test_shadow_mode_says_what_routing_would_have_cost_and_saved() -> None:
    report = reported(routed=SHADOW)
    routed = report.total.routed
    assert routed.compared_requests == 5
    assert routed.cost_usd == Decimal(3)
    assert routed.saving_usd == Decimal(5)
    assert routed.saving_pct == Decimal("62.5")
    assert near(routed.bounds.saving_usd_low, 5 - 0.979982)
    assert near(routed.bounds.saving_usd_high, 5 + 0.979982)
    assert routed.bounds.saving_pct_high == Decimal("74.75")
    text = " ".join(shown(report).split())
    assert "5 requests went where their callers said. Routing would have cost $3.00" in text
    assert "a saving of $5.00 ($4.02 to $5.98), 62.5 %" in text
    assert json.loads(to_json(report))["routed"]["saving_usd"] == 5


def test_without_shadow_mode_nothing_is_said_of_it() -> None:
    report = reported(hard=HARD)
    assert "shadow" not in shown(report)
    assert json.loads(to_json(report))["routed"]["cost_usd"] is None
