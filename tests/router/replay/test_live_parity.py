"""What the live path recorded is decided and priced alike when its ledger is simulated."""

import asyncio
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest

from classifier.types import TIERS
from router.columns import NOBODY, Routed
from router.config.schema import Config
from router.domain import REASONS, Decision, Entry
from router.errors import RequestError, UpstreamError
from router.replay.routing import Terms
from router.replay.terms import lives
from tests.gateways import INSTRUCT, SMALL, THINKING, Desk, answer, everywhere, limited
from tests.replays import replayed, written

DOWN = UpstreamError("down", fault="overloaded", upstream_status=503)
LONG = "Every entry of this ledger has a day, an amount and a name. " * 600


def terms_of(desk: Desk) -> Terms:
    return Terms(
        name="mine",
        config=desk.config,
        table=desk.table,
        prices=desk.prices,
        lengths=desk.lengths,
        life_s=lives(desk.config, desk.prices),
    )


def again(desk: Desk, folder: Path, entries: list[Entry] | None = None) -> Routed:
    """What a simulation of the desk's ledger makes of its requests."""
    kept = desk.entries if entries is None else entries
    log = written(folder / "ledger.jsonl", [msgspec.json.encode(entry) for entry in kept])
    return replayed(log, terms_of(desk)).policies[0]


def told(routed: Routed, at: int) -> tuple[object, ...] | None:
    if routed.tier[at] == NOBODY:
        return None
    return TIERS[routed.tier[at]], routed.models[routed.model[at]], REASONS[routed.reason[at]]


def said(decision: Decision) -> tuple[object, ...]:
    return decision.tier, decision.model, decision.reason


async def served(config: Config, seed: int) -> Desk:
    """A desk after conversations in which labels change, models fail and money grows short."""
    draw = random.Random(seed)
    desk = Desk(config, everywhere(answer(taken=9_000)))
    talks: list[list[dict[str, str]]] = [[{"role": "system", "content": LONG}] for _ in range(3)]
    for at in range(24):
        messages = draw.choice(talks)
        desk.judge.label = draw.choice(("easy", "medium", "hard", "needs_info"))
        for model in (SMALL, INSTRUCT, THINKING):
            desk.upstream.say(model, DOWN if draw.random() < 0.15 else answer(taken=9_000))
        if at == 12:
            desk.counter.learn({desk.fill().window: 10**12})
        messages.append({"role": "user", "content": f"turn {at}"})
        cap = draw.choice((None, None, 300, 3_000))
        asked = draw.choice(("auto", "auto", "auto:cheap", "gearshift/medium", THINKING))
        try:
            await desk.ask(messages=messages, model=asked, max_tokens=cap)
        except RequestError:
            messages.pop()
            continue
        messages.append({"role": "assistant", "content": "yes"})
    return desk


@pytest.mark.parametrize("seed", range(6))
async def test_every_answered_request_is_decided_alike_again(tmp_path: Path, seed: int) -> None:
    desk = await served(limited(soft_usd=1), seed)
    done = [entry for entry in desk.entries if entry.outcome.status == 200]
    routed = await asyncio.to_thread(again, desk, tmp_path, done)
    assert [told(routed, at) for at in range(len(done))] == [said(e.decision) for e in done]
    reasons = {entry.decision.reason for entry in done}
    assert {"forced", "passthrough", "budget"} <= reasons


@pytest.mark.parametrize("seed", range(6))
async def test_what_one_attempt_cost_is_what_the_simulation_says_it_costs(
    tmp_path: Path, seed: int
) -> None:
    desk = await served(limited(soft_usd=1), seed)
    routed = await asyncio.to_thread(again, desk, tmp_path)
    checked = 0
    for at, entry in enumerate(desk.entries):
        if entry.outcome.status != 200 or len(entry.outcome.attempts) > 1:
            continue
        assert routed.cost[at].sum() == entry.cost.actual
        assert (routed.cost_own[at], routed.cost_shared[at]) == (0, 0)
        checked += 1
    assert checked > 5


async def test_a_ledger_of_the_shadow_is_simulated_as_routing_would_have_done(
    tmp_path: Path,
) -> None:
    desk = await served(limited(shadow=True, soft_usd=1_000), 1)
    routed = await asyncio.to_thread(again, desk, tmp_path)
    noted = [entry.shadow for entry in desk.entries]
    assert all(shadow is not None for shadow in noted)
    assert [told(routed, at) for at in range(len(noted))] == [said(s) for s in noted if s]
    assert len({shadow.tier for shadow in noted if shadow}) > 1


async def test_the_order_of_a_ledger_s_entries_changes_nothing(tmp_path: Path) -> None:
    desk = await served(limited(soft_usd=1_000), 2)
    forth = await asyncio.to_thread(again, desk, tmp_path)
    back = await asyncio.to_thread(again, desk, tmp_path, desk.entries[::-1])
    assert np.array_equal(forth.cost, back.cost[::-1])
    assert np.array_equal(forth.tiers, back.tiers[::-1])
    assert np.array_equal(forth.reason, back.reason[::-1])
