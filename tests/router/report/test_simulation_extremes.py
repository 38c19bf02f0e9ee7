"""Logs of one request, of none, of absurd sizes and times: figures that hold, or null."""

import csv
import io
import json
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from msgspec.structs import replace

from classifier.types import TIERS
from router.columns import LATEST_US, Columns
from router.report.markdown import to_markdown
from router.report.simulation.answer import Beside, Figure, Outcome, Simulation
from router.report.simulation.conclude import conclude
from router.report.simulation.fold import add, begin, join
from router.report.simulation.groups import AXES
from router.report.simulation.pictures import pictures, ways
from router.report.simulation.plain import to_csv, to_json
from router.report.simulation.question import Option, Question
from router.report.simulation.reading import BadRow, Reading
from router.report.simulation.sections import sheet
from tests.columns import MODELS, drawn, rows_of, unserved
from tests.ledgers import DAY_US
from tests.router.report.test_simulation_sums import ASKED, folded, outcome, simulated

READING = Reading(rows=1)
SEEDS = range(8)


def figures(found: Outcome) -> list[Figure]:
    """Every figure of a policy that may have an interval."""
    totals = found.totals
    sides: list[Beside] = [way for _, way in ways(found)] + [found.logged]
    several = (
        *(totals.cost_usd, totals.baseline_cost_usd, totals.saving_usd, totals.saving_pct),
        *(totals.quality, totals.latency_ms),
        *(getattr(side, name) for side in sides for name in ("cost_usd", "saving_usd", "quality")),
        *(spot.cost_usd for spot in found.frontier),
        *(getattr(one, name) for one in found.groups for name in ("saving_usd", "saving_pct")),
    )
    return [one for one in several if one is not None]


def every_form(simulation: Simulation) -> tuple[str, str, str]:
    page = sheet(simulation, READING)
    assert list(pictures(simulation))
    return to_json(simulation, READING), to_csv(simulation), to_markdown(page, {})


def ragged(page: str) -> list[str]:
    """The lines of tables that have not as many cells as the line above them."""
    lines = page.split("\n")
    return [
        line
        for above, line in pairwise(lines)
        if above.startswith("|") and line.strip() and line.count("|") != above.count("|")
    ]


@pytest.mark.parametrize("shared", [0.0, 0.2])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_interval_holds_its_figure_and_is_told_outwards(seed: int, shared: float) -> None:
    found = outcome(drawn(500, seed=seed, shared=shared, own=shared))
    ends = [(one.low, one.value, one.high) for one in figures(found)]
    known = [
        (low, value, high) for low, value, high in ends if low is not None and high is not None
    ]
    assert len(known) > 60
    assert all(low <= value <= high for low, value, high in known)


def test_where_all_requests_are_alike_a_group_lies_within_its_ends() -> None:
    """The ends were rounded to the nearest: 10.40896 lay outside of 10.409 to 10.409."""
    columns = drawn(3_000, turns=1)
    (routed,) = columns.policies
    tiers = np.tile(np.array([[1_234_567, 0, 1], [2, 3, 4], [9_999_999, 1, 77]]), (3_000, 1, 1))
    easy = np.zeros(3_000, np.uint8)
    alike = replace(routed, tier=easy, model=easy.astype(np.int32), cost=tiers[:, 0], tiers=tiers)
    groups = outcome(replace(columns, policies=(alike,))).groups
    known = [one.saving_usd for one in groups if one.saving_usd and one.saving_usd.low is not None]
    assert len(known) > 10
    for one in known:
        assert one.low is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high
        assert float(one.high - one.low) < 1e-4 * float(one.value)


def test_one_request_is_a_log() -> None:
    one = rows_of(drawn(5), slice(2, 3))
    simulation = simulated(one)
    totals = simulation.policies[0].totals
    assert (simulation.requests, simulation.conversations, totals.requests) == (1, 1, 1)
    assert totals.cost_usd == Figure(
        value=Decimal(int(one.policies[0].cost.sum())).scaleb(-12).normalize(), low=None, high=None
    )
    assert simulation.first_us == simulation.last_us == int(one.at_us[0])
    every_form(simulation)


def test_none_at_all_is_told_in_every_form_without_a_figure() -> None:
    empty = rows_of(drawn(5), slice(0, 0))
    document, table, page = every_form(simulated(empty))
    found = json.loads(document)
    assert (found["requests"], found["cost_usd"], found["saving_pct"]) == (0, None, None)
    assert found["since"] is found["until"] is None
    assert [row["cost_usd"] for row in csv.DictReader(io.StringIO(table))][:8] == [""] * 8
    assert "no request has a price both ways" in page
    assert "nan" not in (document + table + page).lower()


def test_a_log_that_nothing_can_serve_says_why_and_claims_nothing() -> None:
    columns = drawn(4)
    for row in range(4):
        columns = unserved(columns, row)
    document, _, page = every_form(simulated(columns))
    found = json.loads(document)
    assert found["unpriced"] == {"no tier can serve the request": 4}
    assert (found["requests"], found["unpriced_requests"], found["cost_usd"]) == (4, 4, None)
    assert found["mix"] == found["reasons"] == {}
    assert found["frontier"] == found["sensitivity"] == []
    assert "no tier can serve the request" in page


@pytest.mark.parametrize("late", [LATEST_US + 1, 10**18, 2**63 - 1, -1])
def test_a_time_that_no_calendar_has_is_none(late: int) -> None:
    """A trace may count in another unit; one such line made the whole simulation fail."""
    columns = drawn(50)
    at_us = columns.at_us.copy()
    at_us[3] = late
    simulation = simulated(replace(columns, at_us=at_us))
    every_form(simulation)
    known = np.delete(columns.at_us, 3)
    assert (simulation.first_us, simulation.last_us) == (int(known.min()), int(known.max()))
    days = [one for one in simulation.policies[0].groups if one.axis == "day"]
    assert (days[-1].name, days[-1].requests) == (None, 1)
    assert sum(one.requests for one in days) == 50


def test_the_first_and_the_last_day_of_the_calendar_are_days() -> None:
    columns = rows_of(drawn(3), slice(0, 3))
    simulation = simulated(replace(columns, at_us=np.array([0, LATEST_US, DAY_US - 1])))
    days = [(one.name, one.requests) for one in simulation.policies[0].groups if one.axis == "day"]
    assert days == [("1970-01-01", 2), ("9999-12-31", 1)]
    assert json.loads(to_json(simulation, READING))["until"] == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_way_to_look_at_a_log_adds_up_to_the_same(seed: int) -> None:
    columns = drawn(300, seed=seed, bars=((0.75, 0.6), (0.9, 0.8)))
    columns.policies[1].cost[: seed * 5, 2] = -1
    columns = unserved(columns, 17)
    question = Question(options=(Option(name="a"), Option(name="b")), rounds=20)
    for found in simulated(columns, question=question).policies:
        totals = found.totals
        assert totals.cost_usd is not None
        assert sum(found.mix.values()) == totals.requests - 1 == 299
        assert sum(found.unpriced.values()) == totals.unpriced_requests
        for axis in AXES:
            groups = [one for one in found.groups if one.axis == axis]
            assert sum(one.requests for one in groups) == totals.requests
            assert sum(one.unpriced_requests for one in groups) == totals.unpriced_requests
            assert sum(one.cost_usd or 0 for one in groups) == totals.cost_usd.value
            assert sum(one.scored_requests for one in groups) == totals.scored_requests
            saved = sum(one.saving_usd.value for one in groups if one.saving_usd)
            assert totals.saving_usd is not None
            assert saved == totals.saving_usd.value
        for spot in found.frontier:
            assert sum(spot.shares.values()) == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_parts_of_a_log_may_be_joined_in_any_order(seed: int) -> None:
    columns = drawn(240, seed=seed, shared=0.1, own=0.2)
    whole = conclude(folded(columns))
    parts = [add(begin(ASKED), rows_of(columns, slice(at, at + 60))) for at in range(0, 240, 60)]
    one, two, three, four = parts
    for state in (
        join(join(one, two), join(three, four)),
        join(one, join(two, join(three, four))),
        join(join(four, two), join(one, three)),
    ):
        joined = conclude(state)
        assert joined.policies[0].totals == whole.policies[0].totals
        assert joined.policies[0].controls == whole.policies[0].controls
        assert joined.policies[0].groups == whole.policies[0].groups
        assert to_json(joined, READING) == to_json(whole, READING)


@pytest.mark.parametrize("factor", [1, 10**3, 10**6])
def test_money_of_any_size_scales_with_nothing_lost(factor: int) -> None:
    """A request of ten thousand dollars, or of a billionth of one."""
    columns = drawn(60)
    (routed,) = columns.policies
    dear = replace(routed, cost=routed.cost * factor, tiers=routed.tiers * factor)
    small, large = outcome(columns), outcome(replace(columns, policies=(dear,)))
    for tier in TIERS:
        one = getattr(small.controls, f"always_{tier}").cost_usd
        other = getattr(large.controls, f"always_{tier}").cost_usd
        assert other.value == one.value * factor
    assert small.totals.saving_pct is not None
    assert large.totals.saving_pct == small.totals.saving_pct
    assert [one.shares for one in large.frontier] == [one.shares for one in small.frontier]


def test_what_costs_nothing_saves_no_share() -> None:
    columns = drawn(60)
    (routed,) = columns.policies
    free = replace(routed, cost=routed.cost * 0, tiers=routed.tiers * 0)
    simulation = simulated(replace(columns, policies=(free,)))
    totals = simulation.policies[0].totals
    assert totals.cost_usd is not None
    assert totals.cost_usd.value == 0
    assert totals.saving_pct is None
    every_form(simulation)


@pytest.mark.parametrize("users", [("",) * 6, ("a\nb", "=x", "|", "\u2028", "nul\0", "🧭" * 500)])
def test_users_of_any_name_are_in_every_form_and_break_none(users: tuple[str, ...]) -> None:
    columns = replace(rows_of(drawn(6), slice(0, 6)), user=users)
    document, table, page = every_form(simulated(columns))
    named = {one["user"] for one in json.loads(document)["groups"] if "user" in one}
    assert named == {user or None for user in users}
    rows = [row for row in csv.DictReader(io.StringIO(table)) if row["part"] == "user"]
    assert {row["name"].removeprefix("'") for row in rows} == set(users)
    assert ragged(page) == []


def test_a_policy_may_be_called_anything() -> None:
    name = "two\nlines | *bold* <b> &amp; ~~x~~"
    question = Question(options=(Option(name=name, models=MODELS),), rounds=20)
    page = to_markdown(sheet(simulated(drawn(50), question=question), READING), {})
    captions = [line for line in page.splitlines() if line.startswith("**")]
    assert captions
    assert ragged(page) == []
    assert all(line.endswith("**") for line in captions)
    assert not any(sign in page for sign in ("<b>", "*bold*", "~~x", "&amp;", "two\nlines"))


def test_more_bad_lines_than_a_page_shows_are_counted() -> None:
    bad = tuple(BadRow(file="a.jsonl", line=at, reason="no `request`") for at in range(1, 31))
    reading = Reading(rows=70, bad_rows=1_030, bad=bad)
    page = to_markdown(sheet(simulated(drawn(70)), reading), {})
    assert "1,030 of 1,100 lines could not be read, the first 20" in page
    assert page.count("a.jsonl, line") == 20
    found = json.loads(to_json(simulated(drawn(70)), reading))
    assert (found["bad_rows"], len(found["log"]["bad"])) == (1_030, 30)


def test_columns_say_which_times_are_known() -> None:
    columns: Columns = rows_of(drawn(4), slice(0, 4))
    at_us = np.array([0, -1, LATEST_US, LATEST_US + 1])
    assert replace(columns, at_us=at_us).timed.tolist() == [True, False, True, False]
