"""A simulation does not depend on how its log was cut, and adds nothing to what was asked."""

import json
import random
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from classifier.registry import builtin
from classifier.types import TIERS
from router.cli.simulate import simulate
from router.columns import NOBODY, UNKNOWN, Columns
from router.errors import GearshiftError
from router.replay.mix import DEFAULT
from router.replay.replay import Replay
from router.replay.routing import Terms
from router.replay.sources import Unit, find
from router.replay.survey import Surveyor, Task
from tests.commands import done, typed
from tests.replays import CONFIG, EASY, HARD, NOON, exchange, terms, written

LONG = "Read this ledger line by line. " * 300
RULED = CONFIG + '[[policy.rule]]\nname = "r"\npattern = "prime"\nat_least = "medium"\n'
MODELS = ("vendor/flash", "vendor/instruct", "vendor/thinking", "someone/else")


def traffic(seed: int, requests: int = 40) -> list[dict[str, object]]:
    """Conversations that cross one another: long and short, with tools, gaps and lost answers."""
    draw = random.Random(seed)
    said: dict[str, list[dict[str, object]]] = {}
    lines = []
    for at in range(requests):
        name = draw.choice("abcd")
        messages = said.setdefault(name, [{"role": "system", "content": draw.choice((LONG, "x"))}])
        if messages[-1]["role"] == "assistant" and "tool_calls" in messages[-1]:
            messages.append({"role": "tool", "tool_call_id": "1", "content": "42"})
        else:
            messages.append({"role": "user", "content": draw.choice((EASY, HARD, f"hi {at}"))})
        calls = draw.random() < 0.3
        reply: dict[str, object] = {"role": "assistant", "content": "yes"}
        if calls:
            function = {"name": "f", "arguments": "{}"}
            reply["tool_calls"] = [{"id": "1", "type": "function", "function": function}]
        line = exchange("", model=draw.choice(MODELS)) | {
            "session": name,
            "timestamp": (NOON + timedelta(seconds=at * draw.choice((1, 90)))).isoformat(),
            "request": {"model": draw.choice(("m", "gearshift/hard")), "messages": [*messages]},
        }
        choice = {"finish_reason": "tool_calls" if calls else "stop", "message": reply}
        usage = {"prompt_tokens": draw.randrange(20, 9_000), "completion_tokens": 50}
        line["response"] = {"model": draw.choice(MODELS), "choices": [choice], "usage": usage}
        messages.append(reply)
        lines.append(line if draw.random() < 0.9 else line | {"response": None})
    return lines


@pytest.fixture(scope="module")
def policies() -> tuple[Terms, Terms]:
    return terms(), terms(RULED, "ruled")


@pytest.fixture(scope="module")
def surveyor(tmp_path_factory: pytest.TempPathFactory, policies: tuple[Terms, Terms]) -> Surveyor:
    rules = tuple(one.config.policy.rule for one in policies)
    verdicts = str(tmp_path_factory.mktemp("survey") / "verdicts.bin")
    return Surveyor(Task(artifact=str(builtin()), verdicts=verdicts, rules=rules, mix=DEFAULT))


def folded(
    log: Path, surveyor: Surveyor, policies: tuple[Terms, ...], cuts: list[int]
) -> list[Columns]:
    """What a simulation makes of a log that is cut there."""
    (source,) = find([str(log)])
    ends = [0, *sorted(cut for cut in set(cuts) if 0 < cut < source.size), source.size]
    replay = Replay(policies, NOON)
    return [
        replay.fold(surveyor.survey(n, Unit(source=source, format="exchange", start=a, end=b)))
        for n, (a, b) in enumerate(pairwise(ends))
    ]


@pytest.mark.parametrize("seed", range(5))
def test_however_a_log_is_cut_every_request_gets_the_same_and_costs_the_same(
    tmp_path: Path, surveyor: Surveyor, policies: tuple[Terms, Terms], seed: int
) -> None:
    log = written(tmp_path / "log.jsonl", traffic(seed))
    size = log.stat().st_size
    draw = random.Random(seed)
    (whole,) = folded(log, surveyor, policies, [])
    assert whole.rows == 40
    for pieces in (1, 4, 60):
        parts = folded(log, surveyor, policies, [draw.randrange(size) for _ in range(pieces)])
        assert sum(part.rows for part in parts) == whole.rows
        for name in ("conversation", "at_us", "label", "logged", "tokens"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            assert np.array_equal(joined, getattr(whole, name)), name
        for at, expected in enumerate(whole.policies):
            mine = [part.policies[at] for part in parts]
            for name in ("tier", "model", "reason", "cost", "tiers", "tiers_own", "cost_shared"):
                joined = np.concatenate([getattr(one, name) for one in mine])
                np.testing.assert_allclose(joined, getattr(expected, name), rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_no_policy_feels_another_beside_it(
    tmp_path: Path, surveyor: Surveyor, policies: tuple[Terms, Terms], seed: int
) -> None:
    log = written(tmp_path / "log.jsonl", traffic(seed))
    (both,) = folded(log, surveyor, policies, [])
    (twice,) = folded(log, surveyor, (policies[0], policies[0]), [])
    for routed in (*twice.policies, both.policies[0]):
        assert np.array_equal(routed.cost, both.policies[0].cost)
        assert np.array_equal(routed.tier, both.policies[0].tier)
    ruled, free = both.policies[1], both.policies[0]
    assert (ruled.tier >= free.tier).all(), "a floor lowers nothing"


@pytest.mark.parametrize("seed", range(3))
def test_what_is_decided_is_one_of_the_tiers_and_what_was_answered_is_exact(
    tmp_path: Path, surveyor: Surveyor, policies: tuple[Terms, Terms], seed: int
) -> None:
    log = written(tmp_path / "log.jsonl", traffic(seed))
    (columns,) = folded(log, surveyor, policies, [])
    names = {settings.name: model for model, settings in policies[0].config.model.items()}
    for routed in columns.policies:
        served = routed.tier != NOBODY
        assert (routed.tier[served] < len(TIERS)).all()
        assert ((routed.cost >= 0) | (routed.cost == UNKNOWN)).all()
        assert (routed.cost_own >= 0).all()
        assert (routed.cost_shared >= 0).all()
        for at in np.flatnonzero(served):
            answered = names.get(columns.logged_model[at])
            taken = columns.tokens[at, 0]
            if taken >= 0:
                chosen = routed.models[routed.model[at]]
                rate = policies[0].prices.rate(chosen, int(taken))
                assert rate is not None
                fresh, cached, output = routed.cost[at]
                assert fresh <= taken * rate.input
                assert cached <= taken * rate.cached
                if answered == chosen:
                    assert output == columns.tokens[at, 2] * rate.output
                    assert (routed.cost_own[at], routed.cost_shared[at]) == (0, 0)


def test_one_good_line_is_a_simulation_and_none_is_refused_with_the_first_reason(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(CONFIG)
    one = written(tmp_path / "one.jsonl", [b"\xef\xbb\xbf{", exchange(EASY)])
    result = done(tmp_path, simulate, one, "--policy", policy, "--out", tmp_path / "sim", "--json")
    told = json.loads(result.stdout)
    assert (told["rows"], told["bad_rows"], told["requests"]) == (1, 1, 1)
    assert told["controls"]["always_hard"]["cost_usd"] > told["cost_usd"] > 0
    bad = (tmp_path / "sim" / "bad_rows.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in bad] == [["file", "line"], [str(one), "1"]]
    none = written(tmp_path / "none.jsonl", [b"{", b"}", exchange(EASY, request=None)])
    failed = typed(tmp_path, simulate, none, "--policy", policy, "--format", "exchange")
    assert isinstance(failed.exception, GearshiftError)
    assert str(failed.exception).startswith(f"{none} holds no request that can be read: {none}:1: ")
