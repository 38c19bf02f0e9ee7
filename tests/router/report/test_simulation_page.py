"""The files of a simulation: whole, plain, self-contained, and the same numbers in all of them."""

import csv
import io
import json
import re
from decimal import Decimal
from functools import cache
from html import unescape
from pathlib import Path

import pytest
from msgspec.structs import replace

from router.errors import GearshiftError
from router.report.simulation.answer import Simulation
from router.report.simulation.conclude import conclude
from router.report.simulation.files import write
from router.report.simulation.pictures import pictures
from router.report.simulation.question import Option, Question
from router.report.simulation.reading import BadRow, Reading
from router.report.simulation.sections import sheet
from tests.columns import drawn
from tests.router.report.test_simulation_sums import folded

NAMES = ("small", "middle", "large")
OPTIONS = tuple(
    Option(name=name, models=NAMES, cached_ratios=(0.25, 0.25, 0.25))
    for name in ("default", "strict")
)
READING = Reading(
    sources=("logs/<b>one</b>.jsonl",),
    form="exchange",
    rows=800,
    bad_rows=2,
    bad=(BadRow(file="logs/one.jsonl", line=7, reason="no `request` | <i>"),),
    command="gearshift simulate logs/one.jsonl",
    classifier="20261125-0a1b2c3d",
    notes=("Labels are drawn from a stated mix.",),
)


@cache
def simulation() -> Simulation:
    columns = drawn(800, shared=0.1, own=0.3, bars=((0.75, 0.6), (0.9, 0.8)))
    columns.policies[0].cost[:3, 0] = -1
    users = tuple(f"user{at % 30}" for at in range(796))
    odd = ("<script>alert(1)</script>", "=1+1", "a|b", "[x](http://y)")
    return conclude(
        folded(
            replace(columns, user=(*odd, *users)), question=Question(options=OPTIONS, rounds=200)
        )
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("simulation") / "out"
    write(simulation(), READING, made)
    return made


def summary(folder: Path) -> dict[str, Decimal]:
    found: dict[str, Decimal] = json.loads(
        (folder / "summary.json").read_text(), parse_float=Decimal, parse_int=Decimal
    )
    return found


def words(folder: Path, name: str) -> str:
    """The text of a page, without its marks."""
    page = re.sub(r"<style.*?</style>|<[^>]+>", " ", (folder / name).read_text(), flags=re.DOTALL)
    return unescape(page).replace("\xa0", " ")


def lines(folder: Path, part: str) -> list[dict[str, str]]:
    read = csv.DictReader(io.StringIO((folder / "report.csv").read_text()))
    return [row for row in read if row["policy"] == "default" and row["part"] == part]


def dollars(amount: Decimal) -> str:
    places = 2 if abs(amount) >= 1 else 4 if abs(amount) >= Decimal("0.01") else 6
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{places}f}"


def test_every_file_is_written(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "frontier.png", "report.csv", "report.html", "report.md", "summary.json",
    ]  # fmt: skip
    assert (folder / "frontier.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("page", ["report.html", "report.md"])
def test_the_pages_say_what_the_json_says(folder: Path, page: str) -> None:
    told, said = words(folder, page), summary(folder)
    for money in ("cost_usd", "baseline_cost_usd", "saving_usd"):
        low, high = said[f"{money}_low"], said[f"{money}_high"]
        assert f"{dollars(said[money])} ({low:,.2f} to {high:,.2f})" in told
    for share, scale in (("saving_pct", 1), ("quality", 100)):
        ends = [scale * said[f"{share}{end}"] for end in ("", "_low", "_high")]
        assert f"{ends[0]:.1f} % ({ends[1]:.1f} to {ends[2]:.1f})" in told
    controls: dict[str, dict[str, Decimal]] = said["controls"]  # type: ignore[assignment]
    for control in controls.values():
        assert f"{dollars(control['cost_usd'])} (" in told
        assert f"{dollars(control['saving_usd'])} (" in told
        assert f"{100 * control['quality']:.1f} % (" in told
    days: list[dict[str, Decimal]] = said["groups"]  # type: ignore[assignment]
    for day in (group for group in days if "day" in group):
        assert f"{dollars(day['cost_usd'])}" in told
    changes: list[dict[str, Decimal]] = said["sensitivity"]  # type: ignore[assignment]
    for change in changes:
        assert dollars(change["saving_usd"]) in told


def test_the_csv_says_what_the_json_says(folder: Path) -> None:
    said = summary(folder)
    (total,) = lines(folder, "total")
    for name in ("requests", "unpriced_requests", "cost_usd", "saving_usd_low", "quality_high"):
        assert Decimal(total[name]) == said[name]
    controls: dict[str, dict[str, Decimal]] = said["controls"]  # type: ignore[assignment]
    for row in lines(folder, "control")[:-1]:
        assert Decimal(row["saving_pct"]) == controls[row["name"]]["saving_pct"]
    groups: list[dict[str, Decimal]] = said["groups"]  # type: ignore[assignment]
    for axis in ("day", "label", "model", "user", "key"):
        mine = [group["cost_usd"] for group in groups if axis in group]
        told = [row["cost_usd"] for row in lines(folder, axis)]
        assert told == ["" if amount is None else str(amount) for amount in mine]
    assert len(lines(folder, "frontier")) == len(said["frontier"]) == 41  # type: ignore[arg-type]


def test_the_summary_has_the_names_that_programs_rely_on(folder: Path) -> None:
    said = summary(folder)
    wanted = {
        "rows", "bad_rows", "requests", "unpriced_requests", "simulated", "cost_usd",
        "baseline_cost_usd", "saving_usd", "saving_pct", "saving_pct_low", "saving_pct_high",
        "quality", "quality_low", "controls", "groups", "policies",
    }  # fmt: skip
    assert wanted <= set(said)
    controls: dict[str, dict[str, Decimal]] = said["controls"]  # type: ignore[assignment]
    assert set(controls) == {
        "always_hard", "always_medium", "always_easy", "random_mix", "length_rule", "oracle",
    }  # fmt: skip
    policies: list[dict[str, str]] = said["policies"]  # type: ignore[assignment]
    assert [one["policy"] for one in policies] == ["default", "strict"]
    assert [int(said[name]) for name in ("rows", "bad_rows", "requests")] == [800, 2, 800]
    assert said["unpriced"] == {"the input has no price": 3}


def test_the_page_needs_nothing_from_anywhere(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert not re.search(r"<(script|link|iframe|object)\b", page)
    found = re.findall(r'(?:src|srcset)="([^"]+)"', page)
    assert len(found) == 2 * len(list(pictures(simulation())))
    assert all(address.startswith("data:image/svg+xml;base64,") for address in found)


def test_tables_and_pictures_can_be_heard(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    tables = page.split("<table>")[1:]
    assert len(tables) > 10
    assert all("<caption>" in one and 'scope="col"' in one for one in tables)
    assert all(len(alt) > 20 for alt in re.findall(r'alt="([^"]*)"', page))
    assert len(re.findall(r"<h1\b", page)) == 1


def test_names_that_callers_choose_are_text(folder: Path) -> None:
    page, markdown = ((folder / name).read_text() for name in ("report.html", "report.md"))
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<script>" not in markdown
    assert "[x](http" not in markdown
    assert "logs/one.jsonl, line 7" in unescape(markdown)
    assert "'=1+1" in (folder / "report.csv").read_text()


def test_a_page_of_a_thousand_users_shows_the_dearest() -> None:
    (users,) = (
        table
        for section in sheet(simulation(), READING).sections
        for table in section.tables
        if table.head[0] == "user"
    )
    assert len(users.rows) == 20
    assert users.caption == "By user, the first 20 of 34"


def test_tables_are_as_wide_as_their_heads() -> None:
    for section in sheet(simulation(), READING).sections:
        for table in section.tables:
            assert {len(row) for row in table.rows} <= {len(table.head)}


def test_it_says_what_was_left_out_and_how_to_do_it_again(folder: Path) -> None:
    told = words(folder, "report.html")
    assert "2 of 802 lines could not be read" in told
    assert "Labels are drawn from a stated mix." in told
    assert "gearshift simulate logs/one.jsonl" in told
    assert "the input has no price" in told


def test_simulated_money_is_called_so(tmp_path: Path) -> None:
    write(simulation(), replace(READING, simulated=True), tmp_path)
    assert "SIMULATED" in words(tmp_path, "report.html")
    assert "SIMULATED" in words(tmp_path, "report.md")
    assert bool(summary(tmp_path)["simulated"])


def test_a_log_without_verdicts_has_a_picture_of_costs_alone(tmp_path: Path) -> None:
    columns = drawn(200)
    columns.success[:] = float("nan")
    columns.policies[0].latency_ms[:] = float("nan")
    columns.at_us[:] = -1
    found = conclude(folded(columns))
    chart, *others = pictures(found)
    assert (chart.name, "no quality" in chart.title) == ("frontier", True)
    assert [one.name for one in others] == ["mix"]
    write(found, READING, tmp_path)
    assert (tmp_path / "frontier.png").stat().st_size > 1_000
    assert summary(tmp_path)["quality"] is None
    told = words(tmp_path, "report.html")
    assert "no frontier of quality against cost" in told
    assert "expected to be" not in told


def test_a_log_that_nothing_prices_has_a_page_too(tmp_path: Path) -> None:
    columns = drawn(30)
    columns.policies[0].cost[:] = -1
    columns.policies[0].tiers[:] = -1
    write(conclude(folded(columns)), READING, tmp_path)
    assert "would save is unknown" in words(tmp_path, "report.html")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GearshiftError, match="file cannot be written"):
        write(simulation(), READING, tmp_path / "file")
