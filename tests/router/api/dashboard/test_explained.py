"""The page of one decision says what its explanation says."""

import pytest
from hypothesis import given
from msgspec.structs import replace

from router.api.dashboard.explained import account, choices_table, verdict_block
from router.domain import (
    Attempt,
    Candidate,
    Cost,
    Decision,
    Doubt,
    Entry,
    Kept,
    ModelId,
    Outcome,
    PicoUsd,
    Timings,
    Usage,
)
from router.report.explain import choices_of, explain
from router.report.reasons import FAULTS, OBSTACLES
from tests.ledgers import cost, entries, entry
from tests.router.api.dashboard.test_html import Seen
from tests.verdicts import verdict

SMALL, BIG = ModelId("small"), ModelId("big")
DECISION = Decision(
    tier="easy",
    model=SMALL,
    reason="label",
    verdict=verdict(),
    candidates=(
        Candidate(tier="easy", model=SMALL),
        Candidate(tier="medium", model=ModelId("middle"), obstacle="modality"),
        Candidate(tier="hard", model=BIG),
    ),
)


def page(**more: object) -> str:
    kept = replace(entry(1, decision=DECISION), **more)
    return account(explain(kept))


def test_all_of_it_is_on_the_page() -> None:
    shown = page(timings=Timings(parse_ms=0.25, first_byte_ms=123.0))
    for words in (
        "Sent to small (easy): ",
        "2026-11-23 12:00:00 UTC",
        "easy</strong> with 70.0 %",
        "The prompt was not kept.",
        OBSTACLES["modality"],
        "<dt>first byte</dt><dd>123 ms</dd>",
        "<li>about 100 input tokens</li>",
    ):
        assert words in shown


def test_what_each_tier_costs_is_told_and_what_nobody_knows_too() -> None:
    costs = replace(cost(1, easy=1, hard=4), doubts={"hard": Doubt(own=500_000)})
    shown = choices_table(choices_of(DECISION, costs))
    easy, medium, hard = shown.partition("<tbody>")[2].split("</tr>")[:3]
    assert "✓" in easy
    assert "$0.000001" in easy
    assert "interval" not in easy
    assert "unknown" in medium
    assert "✓" not in hard
    assert 'class="interval">[' in hard


def test_attempts_are_told_with_what_went_wrong() -> None:
    used = Usage(input=1_000, cached=400, output=50, source="billed")
    attempts = (
        Attempt(model=SMALL, tier="easy", fault="connect", duration_ms=5.0, cost=None),
        Attempt(model=BIG, tier="hard", status=200, usage=used, cost=PicoUsd(10**12)),
    )
    shown = page(outcome=Outcome(status=200, attempts=attempts))
    assert FAULTS["connect"] in shown
    assert "<td>answered</td>" in shown
    assert ">none</td>" in shown
    assert ">1,000</td>" in shown
    assert "$1.00" in shown
    assert "It took 2 attempts." in shown


def test_a_request_that_went_nowhere_has_no_attempts() -> None:
    assert "No upstream was tried." in page(outcome=Outcome(status=400))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"simulated": True}, "None of this is real money."),
        ({"usage": Usage(input=1, source="estimated")}, "Cost (estimated)"),
        ({"cost": Cost()}, '<dt>Cost</dt><dd><span class="unknown">unknown</span></dd>'),
    ],
)
def test_what_is_not_real_billed_money_is_said(more: dict[str, object], words: str) -> None:
    assert words in page(**more)
    assert words not in page()


def test_without_a_verdict_it_says_that_nothing_was_scored() -> None:
    assert "the request was not scored" in verdict_block(None)


def test_a_long_prompt_was_read_in_part() -> None:
    assert "read in part" not in verdict_block(verdict())
    assert "read in part" in verdict_block(replace(verdict(), truncated=True))


def test_every_probability_has_its_bar_and_its_number() -> None:
    seen = Seen(verdict_block(verdict()))
    assert seen.elements.count("meter") == 7
    for number in ("70.0 %", "15.0 %", "10.0 %", "5.0 %", "80.0 %", "90.0 %", "95.0 %"):
        assert number in seen.text


HOSTILE = "</pre><script>alert(1)</script>"


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": HOSTILE, "kept": Kept(length=9)},
        {"decision": replace(DECISION, model=ModelId(HOSTILE))},
        {"outcome": Outcome(status=200, attempts=(Attempt(model=ModelId(HOSTILE), tier="easy"),))},
    ],
)
def test_names_and_prompts_are_text(more: dict[str, object]) -> None:
    shown = page(**more)
    assert "script" not in Seen(shown).elements
    assert HOSTILE in Seen(shown).text


def well_formed(markup: str) -> bool:
    """Whether every element that begins also ends, in order."""
    open_: list[str] = []
    void = {"br", "input", "link", "meta", "rect"}

    class Checker(Seen):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in void:
                open_.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_.pop() == tag

    Checker(markup)
    return not open_


@given(entries())
def test_any_entry_has_a_page(kept: Entry) -> None:
    assert well_formed(account(explain(kept)))
