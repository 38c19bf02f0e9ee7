"""`gearshift report` as a page and in Markdown: the numbers of its JSON, and nothing that runs."""

import json
import re
from html import unescape
from pathlib import Path

import pytest

from router.domain import PICO, Caller
from router.ledger.facets import Dimension
from router.ledger.place import place
from router.ledger.tally import Pair, Tally
from router.report.markdown import to_markdown
from router.report.page import pictures, sheet
from router.report.summary import Report, summarise
from tests.ledgers import DAY_US, NOON_US, cost, entry
from tests.router.report.test_report_intervals import HARD, SHADOW, reported
from tests.router.test_report_command import ask, fresh, keep


def ledger(*by: Dimension) -> Report:
    return summarise(
        [
            entry(1, cost=cost(1_000_000, easy=1_000_000, medium=2_000_000, hard=4_000_000)),
            entry(
                2,
                at_us=NOON_US + DAY_US,
                cost=cost(3_000_000, easy=1_000_000, medium=3_000_000, hard=5_000_000),
                caller=Caller(user="<i>|[x](y)", tags=("web",)),
            ),
            entry(3, cost=cost(None)),
        ],
        by,
    )


def words(page: str) -> str:
    text = re.sub(r"<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return unescape(text).replace("\xa0", " ")


def test_the_markdown_has_the_figures_and_the_groups() -> None:
    told = words(to_markdown(sheet(ledger("user")), {}))
    assert "| saving | 55.6 % | of always hard |" in told
    assert "| paid | 2 | $4.00 |" in told
    assert "| always hard (baseline) | 2 | $9.00 | $5.00 | 55.6 % |" in told
    assert "| ada | 2 | $1.00 | $4.00 | $3.00 | 75.0 % |" in told
    assert "1 have no price" in told


def test_a_name_has_no_meaning_to_markdown() -> None:
    told = to_markdown(sheet(ledger("user")), {})
    assert "<i>" not in told
    assert "[x](y)" not in told


def test_intervals_and_shadow_mode_are_on_the_page() -> None:
    told = words(to_markdown(sheet(reported(hard=HARD, routed=SHADOW)), {}))
    assert "$4.00 (1.23 to 6.77)" in told
    assert "it would have cost $3.00 (2.02 to 3.98): a saving of $5.00 (4.02 to 5.98)" in told


def test_pictures_are_those_that_there_are_figures_for() -> None:
    assert [chart.name for chart in pictures(ledger())] == ["costs"]
    assert [chart.name for chart in pictures(ledger("day"))] == ["costs", "days"]
    assert list(pictures(summarise([]))) == []


def test_an_empty_report_is_a_page_too() -> None:
    assert "0 requests" in to_markdown(sheet(summarise([], ["day"])), {})


def test_many_groups_are_cut_and_it_is_said() -> None:
    many = summarise([entry(at, caller=Caller(user=f"u{at}")) for at in range(230)], ["user"])
    told = to_markdown(sheet(many), {})
    assert "the first 200 of 230" in told


def test_the_command_writes_a_page_that_says_what_its_json_says(tmp_path: Path) -> None:
    keep(place(str(tmp_path)), fresh(1), fresh(2, DAY_US, caller=Caller(user="<b>bob")))
    out = tmp_path / "report.html"
    asked = ask(tmp_path, "--format", "html", "--by", "day", "--out", str(out))
    assert (asked.exit_code, asked.stdout) == (0, "")
    page = out.read_text()
    said = json.loads(ask(tmp_path, "--format", "json", "--by", "day").stdout)
    assert f"${said['cost_usd']:.6f}" in words(page)
    assert f"{said['saving_pct']:.1f} %" in words(page)
    assert all(group["day"] in page for group in said["groups"])
    assert not re.search(r"<(script|link|iframe)\b", page)
    assert page.count("<figure>") == 2


def test_markdown_is_printed(tmp_path: Path) -> None:
    keep(place(str(tmp_path)), fresh(1))
    asked = ask(tmp_path, "--format", "md", "--by", "tier")
    assert asked.stdout.startswith("# Cost report\n")
    assert "| easy | 1 |" in asked.stdout


def test_without_a_ledger_there_is_a_page_that_says_nothing_happened(tmp_path: Path) -> None:
    asked = ask(tmp_path / "data", "--format", "md")
    assert "No ledger yet" in asked.stderr
    assert asked.stdout.startswith("# Cost report")


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_money_is_called_so(simulated: bool) -> None:
    found = sheet(summarise([entry(1, simulated=simulated)]))
    assert ("SIMULATED" in found.warning) == simulated


def test_doubts_do_not_move_the_figures() -> None:
    pair = Pair(requests=1, actual=PICO, control=2 * PICO)
    unsure = Pair(requests=1, actual=PICO, control=2 * PICO, shared=PICO // 4)
    one, other = (reported(hard=each).total for each in (pair, unsure))
    assert (one.saving_usd, one.saving_pct) == (other.saving_usd, other.saving_pct)
    assert Tally().routed == Pair()
