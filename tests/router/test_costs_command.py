"""`gearshift costs`, as it is typed."""

import gzip
import json
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import Result

from router.cli.check import check
from router.cli.costs import costs
from router.domain import Attempt, Entry, ModelId, Outcome, Usage
from router.errors import GearshiftError
from router.ledger.place import Place, place
from router.prices.answers import Answers, gather
from router.prices.fitted import FILE, read_fit
from tests.commands import done, typed
from tests.ledgers import entry, open_spool

SMALL, INSTRUCT, THINKING = (
    ModelId(name) for name in ("small-chat", "kimi-k2-instruct", "kimi-k2-thinking")
)
MEANS = {SMALL: 200, INSTRUCT: 320, THINKING: 1_500}


def answered(
    number: int,
    model: ModelId,
    output: int,
    *,
    finish: str = "stop",
    source: str = "billed",
    simulated: bool = True,
    **more: object,
) -> Entry:
    """An entry of just now that `model` answered with `output` tokens in 500 ms and 12 a token."""
    reasoning = output // 2 if model == THINKING else 0
    usage = msgspec.convert(
        {"input": 500, "output": output, "reasoning": reasoning, "source": source}, Usage
    )
    attempt = Attempt(
        model=model, tier="easy", status=200, usage=usage, duration_ms=500 + 12.0 * output
    )
    fields: dict[str, object] = {
        "usage": usage,
        "simulated": simulated,
        "outcome": Outcome(status=200, finish=finish, attempts=(attempt,)),
        **more,
    }
    return entry(number, at_us=time.time_ns() // 1_000 - 60_000_000 + number, **fields)


def some(rows: int, *, simulated: bool = True, seed: int = 1) -> list[Entry]:
    """`rows` entries of each model."""
    rng = np.random.default_rng(seed)
    spread = np.exp(0.7 * rng.standard_normal((rows, 3)) - 0.245)
    return [
        answered(3 * row + at, model, int(mean * spread[row, at]) + 1, simulated=simulated)
        for row in range(rows)
        for at, (model, mean) in enumerate(MEANS.items())
    ]


def keep(home: Place, entries: list[Entry]) -> None:
    spool = open_spool(home)
    for one in entries:
        spool.record(one)
    spool.close()


def write(path: Path, entries: list[Entry]) -> Path:
    text = b"\n".join(msgspec.json.encode(one) for one in entries)
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def shown(home: Path) -> dict[str, dict[str, object]]:
    document = json.loads(done(home, costs, "show", "--json").stdout)
    return {model["model"]: model for model in document["models"]}


def refused(home: Path, *words: str | Path) -> str:
    result: Result = typed(home, costs, *words)
    assert result.exit_code != 0
    assert isinstance(result.exception, GearshiftError), result.output
    return str(result.exception)


def test_before_a_fit_it_shows_the_priors_with_their_sources(tmp_path: Path) -> None:
    text = done(tmp_path, costs, "show").stdout
    assert "priors only" in text
    assert "the sandbox's own length model" in text
    assert "$0.6 in, $0.15 cached, $2.5 out" in text
    assert "kept for 300 s; cached tokens are no cheaper" in text
    assert shown(tmp_path)[THINKING]["lengths"] == "prior"


def test_a_ledger_s_answers_are_fitted_and_shown_beside_the_priors(tmp_path: Path) -> None:
    keep(place(str(tmp_path)), some(200, seed=4))
    told = done(tmp_path, costs, "fit")
    assert told.stdout.strip() == str(tmp_path / FILE)
    assert f"{THINKING}: fitted on 200 answers" in told.stderr
    found = shown(tmp_path)[THINKING]
    assert (found["lengths"], found["answers"]) == ("fit", 200)
    ratio = found["ratio"]
    assert isinstance(ratio, dict)
    assert ratio["low"] < MEANS[THINKING] / MEANS[INSTRUCT] < ratio["high"]
    assert found["reasoning_share"] == pytest.approx(0.5, abs=0.01)
    assert (found["first_ms"], found["per_token_ms"]) == pytest.approx((500, 12))
    text = done(tmp_path, costs, "show").stdout
    assert "fitted on 600 SIMULATED answers of the sandbox from 20" in text
    assert "500 ms + 12.0 ms a token" in text


def test_a_model_with_few_answers_stays_with_its_prior_and_that_is_said(tmp_path: Path) -> None:
    few = [one for one in some(60) if one.outcome.attempts[0].model != THINKING]
    path = write(tmp_path / "log.jsonl", [*few, *some(10)[2::3]])
    told = done(tmp_path, costs, "fit", "--data", path)
    assert f"{THINKING}: prior; 10 answers are too few in the log" in told.stderr
    found = shown(tmp_path)
    assert (found[THINKING]["lengths"], found[SMALL]["lengths"]) == ("prior", "fit")


def test_files_are_read_packed_or_not_and_the_result_can_go_elsewhere(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.jsonl", some(30))
    packed = write(tmp_path / "b.jsonl.gz", some(30, seed=2))
    out = tmp_path / "elsewhere.json"
    done(tmp_path, costs, "fit", "--data", plain, "--data", packed, "--out", out)
    fit = read_fit(out)
    assert fit is not None
    assert {level.rows for level in fit.levels.values()} == {60}
    assert not (tmp_path / FILE).exists()


def test_real_answers_come_before_simulated_ones_and_are_never_mixed(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [*some(60), *some(80, simulated=False)])
    told = done(tmp_path, costs, "fit", "--data", path)
    assert "this configuration will not use it: the answers were real" in told.stderr
    real = read_fit(tmp_path / FILE)
    assert real is not None
    assert not real.simulated
    assert {level.rows for level in real.levels.values()} == {80}
    assert shown(tmp_path)[SMALL]["lengths"] == "prior", "the sandbox has another kind"
    done(tmp_path, costs, "fit", "--data", path, "--simulated")
    played = read_fit(tmp_path / FILE)
    assert played is not None
    assert played.simulated
    assert {level.rows for level in played.levels.values()} == {60}


@pytest.mark.parametrize(
    "odd",
    [
        answered(1, SMALL, 9_999, finish="length"),
        answered(1, SMALL, 9_999, finish="tool_calls"),
        answered(1, SMALL, 9_999, source="estimated"),
        answered(1, SMALL, 9_999, estimated=True),
        answered(1, SMALL, 0),
        answered(1, SMALL, 9_999, outcome=Outcome(status=499, fault="client_left")),
    ],
    ids=["cut by a cap", "a call", "not counted", "a replay", "empty", "left"],
)
def test_what_is_no_whole_billed_answer_says_nothing_of_lengths(odd: Entry) -> None:
    found: Answers = gather([odd, answered(2, SMALL, 7)])
    assert found.output.tolist() == [7]
    assert sum(found.left_out.values()) == 1


def test_what_is_left_out_is_counted_and_said(tmp_path: Path) -> None:
    cut = [answered(n, SMALL, 9_999, finish="length") for n in range(1_000, 1_003)]
    path = write(tmp_path / "log.jsonl", [*some(60), *cut, answered(2_000, SMALL, 0)])
    told = done(tmp_path, costs, "fit", "--data", path)
    assert "left out: 3 cut by a cap, 1 not billed" in told.stderr
    few = write(tmp_path / "few.jsonl", cut)
    assert "(none at all; left out: 3 cut by a cap)" in refused(tmp_path, "fit", "--data", few)


def test_a_fallback_s_answer_is_its_own_model_s(tmp_path: Path) -> None:
    whole = answered(1, INSTRUCT, 40)
    failed = Attempt(model=SMALL, tier="easy", status=500, fault="server")
    outcome = msgspec.structs.replace(whole.outcome, attempts=(failed, *whole.outcome.attempts))
    found = gather([msgspec.structs.replace(whole, outcome=outcome)])
    assert found.models == (INSTRUCT,)


def test_a_log_with_too_little_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", some(10))
    message = refused(tmp_path, "fit", "--data", path)
    assert "no model has 50 answers" in message
    assert f"{SMALL} 10" in message
    assert not (tmp_path / FILE).exists()


def test_a_line_that_is_no_entry_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", some(1))
    path.write_bytes(path.read_bytes() + b'\n{"prompt": "hi"}')
    assert f"{path}, line 4 is no entry" in refused(tmp_path, "fit", "--data", path)


@pytest.mark.parametrize("name", ["none.jsonl", "cut.jsonl.gz"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b"x" * 10_000)[:20])
    assert f"{name} cannot be read" in refused(tmp_path, "fit", "--data", tmp_path / name)


def test_without_a_ledger_it_says_what_to_do(tmp_path: Path) -> None:
    assert "begins with the first request" in refused(tmp_path, "fit")


def test_a_broken_fit_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}")
    assert "gearshift costs fit" in refused(tmp_path, "show")


def test_a_model_without_prior_and_price_is_shown_as_unknown(tmp_path: Path) -> None:
    config = tmp_path / "router.toml"
    config.write_text(
        """
        tiers = { easy = ["m"], medium = ["m"], hard = ["m"] }
        [upstream.host]
        base_url = "http://127.0.0.1:1/v1"
        prefix_life_s = 0
        [model.m]
        upstream = "host"
        name = "m"
        context = 1_000
        """
    )
    text = done(tmp_path, costs, "show", "--config", config).stdout
    assert "what it would have cost is unknown" in text
    assert "unknown: a private host has no list price" in text
    assert "kept for none" in text


def checked(home: Path) -> str:
    return typed(home, check, "--sandbox", "--offline").output


def test_check_says_what_costs_rest_on_and_fails_for_a_broken_file(tmp_path: Path) -> None:
    assert "ok   output lengths: the priors of the profiles" in checked(tmp_path)
    done(tmp_path, costs, "fit", "--data", write(tmp_path / "log.jsonl", some(60)))
    assert "ok   output lengths: fitted on 180 answers" in checked(tmp_path)
    (tmp_path / FILE).write_text("{}")
    assert f"FAIL output lengths: {tmp_path / FILE} holds no output lengths" in checked(tmp_path)
