"""Metrics and log lines: read from entries, right in their sums, silent about prompts."""

import logging
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.divergence import ALARM
from router.domain import Attempt, CacheState, Entry, Outcome, Usage
from router.ports import CacheStats
from router.telemetry.log import capture_logging, log_entry, log_failure, open_log
from router.telemetry.metrics import Metrics
from tests.ledgers import chosen, cost, entries, entry
from tests.traffic import asked, in_loop


def series(text: bytes, name: str) -> dict[str, float]:
    """Labels → value of a metric in the exposition text."""
    lines = [line for line in text.decode().split("\n") if line.startswith(name)]
    pairs = (line.rpartition(" ") for line in lines)
    return {labels.removeprefix(name): float(value) for labels, _, value in pairs}


def metrics() -> Metrics:
    return Metrics(shared=None, baseline="hard")


def total(text: bytes, name: str) -> float:
    return sum(series(text, name).values())


def test_cost_and_saving_add_up_and_never_mix_simulated_with_real_money() -> None:
    meters = metrics()
    meters.observe(entry(cost=cost(10, easy=10, hard=50)))
    meters.observe(entry(cost=cost(20, easy=20, hard=15)))
    meters.observe(entry(cost=cost(7, easy=7, hard=9), simulated=True))
    text = meters.scrape()
    costs = series(text, "gearshift_cost_usd_total")
    assert costs['{simulated="false",tier="easy"}'] == pytest.approx(30e-6)
    assert costs['{simulated="true",tier="easy"}'] == pytest.approx(7e-6)
    savings = series(text, "gearshift_saving_usd")
    assert savings['{simulated="false"}'] == pytest.approx(35e-6), "a loss is counted as one"


def test_an_unknown_cost_is_counted_apart_and_never_as_nothing() -> None:
    meters = metrics()
    meters.observe(entry(cost=cost(None)))
    text = meters.scrape()
    assert total(text, "gearshift_unpriced_requests_total") == 1
    assert not series(text, "gearshift_cost_usd_total")


def test_a_fallback_is_counted_with_both_ends_and_the_fault() -> None:
    failed = Attempt(model=chosen("hard", "a").model, tier="hard", fault="server")
    answered = Attempt(model=chosen("medium", "b").model, tier="medium", status=200)
    meters = metrics()
    meters.observe(entry(outcome=Outcome(status=200, attempts=(failed, answered))))
    text = meters.scrape()
    assert series(text, "gearshift_fallbacks_total") == {'{answered="b",first="a"}': 1}
    assert series(text, "gearshift_attempts_total")['{fault="server",model="a"}'] == 1


def test_a_request_that_every_model_failed_is_no_fallback() -> None:
    failed = Attempt(model=chosen("hard", "a").model, tier="hard", fault="server")
    too = Attempt(model=chosen("medium", "b").model, tier="medium", fault="overloaded")
    meters = metrics()
    meters.observe(entry(outcome=Outcome(status=503, attempts=(failed, too))))
    text = meters.scrape()
    assert not series(text, "gearshift_fallbacks_total")
    assert total(text, "gearshift_attempts_total") == 2


def test_tokens_are_counted_at_the_model_that_used_them() -> None:
    began = Usage(input=100, output=7, source="estimated")
    failed = Attempt(model=chosen("hard", "a").model, tier="hard", fault="malformed", usage=began)
    used = Usage(input=90, cached=40, output=20, source="billed")
    answered = Attempt(model=chosen("medium", "b").model, tier="medium", status=200, usage=used)
    meters = metrics()
    meters.observe(entry(outcome=Outcome(status=200, attempts=(failed, answered))))
    tokens = series(meters.scrape(), "gearshift_tokens_total")
    assert tokens == {
        '{kind="input",model="a",simulated="false"}': 100,
        '{kind="output",model="a",simulated="false"}': 7,
        '{kind="input",model="b",simulated="false"}': 90,
        '{kind="cached",model="b",simulated="false"}': 40,
        '{kind="output",model="b",simulated="false"}': 20,
    }


def test_refusals_are_counted_by_status_and_code() -> None:
    meters = metrics()
    for status, code in ((401, "invalid_api_key"), (400, ""), (400, "")):
        meters.refuse(status, code)
    refused = series(meters.scrape(), "gearshift_refused_total")
    assert refused == {
        '{code="invalid_api_key",status="401"}': 1,
        '{code="",status="400"}': 2,
    }


def test_the_recent_tiers_are_the_tier_shares() -> None:
    meters = metrics()
    for tier in ("easy", "easy", "hard"):
        meters.observe(entry(decision=chosen(tier, "m")))
    meters.report(CacheStats(hits_memory=3), {"timeouts": 1}, {"behind": 2})
    text = meters.scrape()
    shares = series(text, "gearshift_recent_requests")
    assert shares == {'{tier="easy"}': 2, '{tier="medium"}': 0, '{tier="hard"}': 1}
    assert series(text, "gearshift_cache_events")['{event="hit_memory"}'] == 3
    assert series(text, "gearshift_scorer_events")['{event="timeouts"}'] == 1
    assert series(text, "gearshift_ledger")['{what="behind"}'] == 2


def test_the_labels_of_now_are_compared_with_those_that_were_learned_from() -> None:
    meters = metrics()
    meters.expect({"easy": 9_000, "medium": 500, "hard": 400, "needs_info": 100})
    for n in range(99):
        meters.observe(asked(n, "hello"))
    meters.report(CacheStats(), {}, {})
    assert not series(meters.scrape(), "gearshift_label_drift"), "too few to tell"
    meters.observe(asked(99, "hello"))
    meters.observe(in_loop(100, "hello"))
    meters.report(CacheStats(), {}, {})
    assert series(meters.scrape(), "gearshift_recent_labels")['{label="easy"}'] == 100
    assert series(meters.scrape(), "gearshift_label_drift")[""] < ALARM
    for n in range(1_000):
        meters.observe(asked(n, "hello", label="hard"))
    meters.report(CacheStats(), {}, {})
    assert series(meters.scrape(), "gearshift_label_drift")[""] > ALARM


def test_labels_that_no_artifact_recorded_are_compared_with_nothing() -> None:
    meters = metrics()
    for n in range(200):
        meters.observe(asked(n, "hello"))
    meters.report(CacheStats(), {}, {})
    assert not series(meters.scrape(), "gearshift_label_drift")


@settings(max_examples=30, deadline=None)
@given(st.lists(entries(), max_size=5))
def test_every_entry_is_counted_once_whatever_it_holds(many: list[Entry]) -> None:
    meters = metrics()
    for each in many:
        meters.observe(each)
    assert total(meters.scrape(), "gearshift_requests_total") == len(many)


def lines(captured: str) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in captured.splitlines()]


@pytest.mark.parametrize("cache", ["hit", "miss", "off"])
def test_a_request_is_one_line_without_its_prompt(
    capfdbinary: pytest.CaptureFixture[bytes], cache: CacheState
) -> None:
    log_entry(open_log(), entry(cache=cache, prompt="the walrus hums"))
    (line,) = lines(capfdbinary.readouterr().err.decode())
    assert line["event"] == "request"
    assert line["level"] == "info"
    assert line["cache"] == cache
    assert line["cost_usd"] == 1e-6
    assert "walrus" not in str(line)


def test_a_failure_is_logged_by_its_kind_and_place_alone(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    try:
        int("the walrus hums")
    except ValueError as error:
        log_failure(open_log(), error)
    (line,) = lines(capfdbinary.readouterr().err.decode())
    assert (line["event"], line["level"], line["error"]) == (
        "request failed",
        "error",
        "ValueError",
    )
    assert f"{Path(__file__).name}:" in str(line["where"])
    assert "walrus" not in str(line)


def test_a_log_that_cannot_be_written_troubles_nobody() -> None:
    kept = os.dup(2)
    try:
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), 2)
            open_log().info("lost")
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_what_libraries_log_comes_out_in_the_same_form(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        capture_logging(open_log())
        logging.getLogger("some.library").warning("careful: %s", "hot")
        logging.getLogger("some.library").info("not worth a line")
    finally:
        root.handlers = before
        root.setLevel(level)
    (line,) = lines(capfdbinary.readouterr().err.decode())
    assert (line["event"], line["logger"], line["level"]) == (
        "careful: hot",
        "some.library",
        "warning",
    )


def test_gauges_of_the_dead_are_forgotten(tmp_path: Path) -> None:
    # No process has this id: Linux ends at 2**22.
    dead = tmp_path / "gauge_livesum_99999999.db"
    dead.write_bytes(b"")
    Metrics(shared=tmp_path, baseline="hard").scrape()
    assert not dead.exists()
