"""Ledger reports of any entries: the forms agree, intervals hold their figures, sums are sums."""

import csv
import io
import json
import math
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from classifier.types import TIERS, Tier
from router.domain import PICO, Caller, Candidate, Cost, Doubt, Entry, ModelId, PicoUsd
from router.ledger.facets import DIMENSIONS, Dimension
from router.ledger.tally import Pair
from router.report.explain import choices_of, explain
from router.report.markdown import to_markdown
from router.report.page import saved, saved_share, sheet, spent
from router.report.plain import to_csv, to_json
from router.report.since import since_us
from router.report.summary import Control, Figures, Report, summarise
from router.report.table import to_table
from router.spreadsheet import inert
from tests.ledgers import DAY_US, NOON_US, cost, entries, entry
from tests.router.report.test_report_intervals import reported, shown
from tests.router.report.test_simulation_extremes import ragged


def controls(figures: Figures) -> list[Control]:
    return [*(figures.controls.always(tier) for tier in TIERS), figures.routed]


def every(report: Report) -> list[Figures]:
    return [report.total, *(group.figures for group in report.groups)]


@given(st.lists(entries(), max_size=6), st.sampled_from(TIERS), st.booleans())
@settings(max_examples=30)
def test_every_interval_holds_its_figure(kept: list[Entry], tier: Tier, simulated: bool) -> None:
    report = summarise(kept, ("model", "user"), tier, simulated=simulated)
    for figures in every(report):
        for control in controls(figures):
            for one in (spent(control), saved(control), saved_share(control)):
                if one is not None and one.low is not None and one.high is not None:
                    assert one.low <= one.value <= one.high


@given(st.lists(entries(), max_size=6), st.sampled_from(DIMENSIONS), st.randoms())
@settings(max_examples=30)
def test_the_order_of_entries_is_of_no_matter(
    kept: list[Entry], by: Dimension, chance: random.Random
) -> None:
    mixed = chance.sample(kept, len(kept))
    one, other = summarise(kept, (by,)), summarise(mixed, (by,))
    assert [group.key for group in one.groups] == [group.key for group in other.groups]
    assert [group.figures.cost_usd for group in one.groups] == [
        group.figures.cost_usd for group in other.groups
    ]
    assert one.total.saving_usd == other.total.saving_usd
    if by != "tag":
        assert sum(group.figures.requests for group in one.groups) == one.total.requests
        assert sum(group.figures.cost_usd or 0 for group in one.groups) == (one.total.cost_usd or 0)


@given(st.lists(entries(), max_size=5))
@settings(max_examples=25)
def test_the_csv_the_json_and_the_page_are_of_one_report(kept: list[Entry]) -> None:
    report = summarise(kept, ("user", "model"))
    document = json.loads(to_json(report), parse_float=Decimal, parse_int=Decimal)
    rows = list(csv.DictReader(io.StringIO(to_csv(report), newline="")))
    assert len(rows) == len(document["groups"]) == len(report.groups)
    for row, group in zip(rows, document["groups"], strict=True):
        assert row["user"] == inert(group["user"])
        for name in ("requests", "cost_usd", "saving_usd", "saving_usd_low", "saving_pct"):
            assert (Decimal(row[name]) if row[name] else None) == group[name]
    page = to_markdown(sheet(report), {})
    assert ragged(page) == []
    assert f"{report.total.requests:,} requests from the beginning" in page
    assert shown(report)
    assert to_table(report)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_name_is_a_formula_however_it_begins(sign: str) -> None:
    callers = (Caller(user=f"{sign}cmd|' /C calc'!A0"), Caller(user=f"a{sign}"))
    report = summarise([entry(at, caller=one) for at, one in enumerate(callers)], ("user",))
    named = {row["user"] for row in csv.DictReader(io.StringIO(to_csv(report), newline=""))}
    assert named == {f"'{sign}cmd|' /C calc'!A0", f"a{sign}"}


@pytest.mark.parametrize(
    ("pair", "low", "high"),
    [
        (Pair(requests=1, actual=0, control=PICO, shared=PICO // 100), "100", "100"),
        (
            Pair(requests=1, actual=PICO, control=PICO, own=float(PICO // 10) ** 2),
            "-24.38",
            "16.39",
        ),
        (Pair(requests=1, actual=2 * PICO, control=PICO, shared=PICO), None, "32.43"),
    ],
)
def test_a_share_is_as_unsure_as_what_it_is_a_share_of(
    pair: Pair, low: str | None, high: str | None
) -> None:
    """Where the other way may have cost nothing, there is no lower end of a share of it."""
    bounds = reported(hard=pair).total.bounds
    assert bounds.saving_pct_low == (None if low is None else Decimal(low))
    assert bounds.saving_pct_high == (None if high is None else Decimal(high))


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15))
def test_both_kinds_of_doubt_widen_an_interval(control: int, shared: int, own: int) -> None:
    ends = [
        reported(
            hard=Pair(requests=1, actual=1, control=control, shared=one, own=float(two) ** 2)
        ).total.controls.always_hard.bounds.cost_usd_high
        or Decimal(control).scaleb(-12)
        for one, two in ((0, 0), (shared, 0), (0, own), (shared, own))
    ]
    assert ends[0] <= min(ends[1], ends[2])
    assert max(ends[1], ends[2]) <= ends[3]
    half = float(ends[3] - ends[0]) * PICO
    assert half == pytest.approx(1.959964 * math.hypot(shared, own), rel=1e-6, abs=2.0)


def test_an_estimate_of_one_decision_has_the_interval_of_its_doubts() -> None:
    doubtful = replace(
        cost(1_000, easy=1_000, hard=4_000), doubts={"hard": Doubt(shared=3 * 10**8, own=4 * 10**8)}
    )
    told = explain(entry(1, cost=doubtful))
    (hard,) = [
        one for one in choices_of(_considering(entry(1)).decision, doubtful) if one.tier == "hard"
    ]
    assert hard.cost_usd == Decimal("0.004")
    assert hard.cost_usd_low == Decimal("0.003020018")
    assert hard.cost_usd_high == Decimal("0.004979982")
    assert told.cost_usd == Decimal("0.001")


def _considering(one: Entry) -> Entry:
    candidates = (
        Candidate(tier="easy", model=ModelId("small")),
        Candidate(tier="hard", model=ModelId("large")),
    )
    return replace(one, decision=replace(one.decision, candidates=candidates))


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=8))
def test_sums_beyond_64_bits_are_told_to_the_last_digit(amounts: list[int]) -> None:
    paid = [
        entry(at, cost=Cost(actual=PicoUsd(one), hard=PicoUsd(2**62)))
        for at, one in enumerate(amounts)
    ]
    document = json.loads(to_json(summarise(paid)), parse_float=Decimal, parse_int=Decimal)
    assert document["cost_usd"].scaleb(12) == sum(amounts)
    assert document["baseline_cost_usd"].scaleb(12) == 2**62 * len(amounts)
    assert document["saving_usd"].scaleb(12) == 2**62 * len(amounts) - sum(amounts)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("0d", NOON_US),
        ("1D", NOON_US - DAY_US),
        (" 2w ", NOON_US - 14 * DAY_US),
        ("999999999w", 0),
        ("1969-12-31", 0),
        ("0001-01-01", 0),
        ("2026-11-23T14:00+02:00", NOON_US),
        ("2026-11-23T12:00:00Z", NOON_US),
    ],
)
def test_the_past_ends_at_the_epoch_and_a_zone_is_heeded(said: str, at: int) -> None:
    assert since_us(said, NOON_US) == at


@pytest.mark.parametrize("said", ["", "d", "-1d", "1.5d", "1y", "2026-13-01", "now", "1234567890d"])
def test_what_is_no_time_is_said_with_what_is(said: str) -> None:
    with pytest.raises(ValueError, match="is no time that is understood; accepted: 90m, 24h, 7d"):
        since_us(said, NOON_US)
