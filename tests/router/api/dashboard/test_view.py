"""What the page says of a snapshot: nothing rounder, surer or more real than the ledger."""

import msgspec
import pytest
import vl_convert

from classifier.types import Tier
from router.api.dashboard import charts
from router.api.dashboard.reader import Snapshot
from router.api.dashboard.sums import BY, add_up, span_of
from router.api.dashboard.view import regions
from router.api.dashboard.window import look_back
from router.domain import Cost, Doubt, Entry, ModelId, PicoUsd
from router.ledger.memory import MemoryLedger
from tests.ledgers import NOON_US, chosen, cost, entry


def seen(*kept: Entry, **more: object) -> Snapshot:
    ledger = MemoryLedger()
    for one in kept:
        ledger.record(one)
    sums = add_up(ledger.tallies(BY, span_of(NOON_US)), NOON_US, "hard")
    made = Snapshot(at_us=NOON_US, sums=sums, window=look_back(kept), recent=kept)
    return msgspec.structs.replace(made, **more)


def today(*kept: Entry) -> str:
    return regions(seen(*kept))["money"].partition("</article>")[0]


def test_amounts_are_shown_short_and_kept_whole() -> None:
    said = today(entry(1, cost=cost(1_234_567, hard=4_000_000)))
    assert '<data value="1.234567">$1.23</data>' in said
    assert '<data value="2.765433">$2.77</data>' in said
    assert "saved (69.1 %)" in said


def test_less_than_a_dollar_is_shown_to_the_millionth() -> None:
    assert '<data value="0.000001">$0.000001</data>' in today(entry(1))


def test_what_is_unknown_is_not_nothing() -> None:
    said = today(entry(1, cost=cost(None)))
    assert "Saving unknown" in said
    assert "$" not in said
    assert "<dt>Without a price</dt><dd>1</dd>" in said


def test_a_loss_is_called_one() -> None:
    said = today(entry(1, cost=cost(6, hard=4)))
    assert "−$0.000002" in said  # noqa: RUF001
    assert "it cost more than the baseline" in said


def test_what_was_not_done_has_its_interval() -> None:
    doubts: dict[Tier, Doubt] = {"hard": Doubt(own=10**6)}
    unsure = Cost(actual=PicoUsd(10**6), hard=PicoUsd(10**7), doubts=doubts)
    said = today(entry(1, cost=unsure))
    assert 'class="interval">[<data value="0.000008040036">$0.000008</data>' in said
    assert 'class="interval"' not in today(entry(1))


def test_in_shadow_mode_it_says_what_routing_would_have_saved() -> None:
    watched = Cost(actual=PicoUsd(10**7), hard=PicoUsd(10**7), routed=PicoUsd(4 * 10**6))
    said = today(entry(1, cost=watched))
    assert '<dt>Routing would have saved</dt><dd><data value="0.000006">' in said
    assert "Routing would have saved" not in today(entry(1))


def test_figures_that_go_over_fewer_requests_say_so() -> None:
    said = today(entry(1), entry(2, cost=cost(1)))
    assert "<dt>Compared with the baseline</dt><dd>1</dd>" in said


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ([entry(1, simulated=True)], "None of this is real money."),
        ([entry(1), entry(2, simulated=True)], "1 simulated requests of these days are left out"),
    ],
)
def test_simulated_money_is_told_from_real(kept: list[Entry], words: str) -> None:
    assert words in regions(seen(*kept))["notices"]
    assert regions(seen(entry(1)))["notices"] == ""


def test_trouble_is_told_beside_what_was_known() -> None:
    shown = regions(seen(entry(1), trouble="it rained <hard>"), ["Redis is gone"])
    assert "this may be old: it rained &lt;hard&gt;" in shown["notices"]
    assert "Redis is gone" in shown["notices"]
    assert "Requests" in shown["money"]


def test_before_anything_is_known_the_page_says_that_it_comes() -> None:
    assert "being added up" in regions(None)["money"]
    assert "No requests yet." in regions(None)["recent"]


def test_names_of_callers_are_text() -> None:
    evil = ModelId('<img src="x">')
    shown = regions(seen(entry(1, decision=chosen("easy", evil))))
    assert "<img" not in shown["recent"]
    assert "&lt;img src=&quot;x&quot;&gt;" in shown["recent"]


def test_texts_have_a_column_where_any_was_kept() -> None:
    assert "Prompt" not in regions(seen(entry(1)))["recent"]
    shown = regions(seen(entry(1, prompt="x" * 500), entry(2)))["recent"]
    assert "not kept" in shown
    assert "x" * 90 + "…" in shown
    assert "x" * 91 not in shown


@pytest.mark.parametrize("kept", [(), (entry(1), entry(2, decision=chosen("hard", "big")))])
def test_every_chart_is_a_sound_specification(kept: tuple[Entry, ...]) -> None:
    snapshot = seen(*kept)
    made = msgspec.json.decode(charts.to_json(snapshot.sums, snapshot.window))
    assert set(made) == {"cost", "mix", "stages"}
    for chart in made.values():
        drawn = vl_convert.vegalite_to_vega(
            {**chart["spec"], "width": 300, "datasets": chart["data"]}
        )
        assert drawn["marks"]


def test_charts_hold_the_figures_of_the_table() -> None:
    snapshot = seen(entry(1), entry(2, cost=cost(5, hard=9), decision=chosen("hard", "big")))
    data = msgspec.json.decode(charts.to_json(snapshot.sums, snapshot.window))
    assert data["cost"]["data"]["cost"] == [
        {"day": "23 Nov", "tier": "easy", "usd": 0.000001},
        {"day": "23 Nov", "tier": "hard", "usd": 0.000005},
    ]
    assert data["cost"]["data"]["baseline"] == [{"day": "23 Nov", "usd": 0.000013}]
    assert len(data["mix"]["spec"]["encoding"]["x"]["scale"]["domain"]) == 30
