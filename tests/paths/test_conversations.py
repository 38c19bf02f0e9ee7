"""A conversation over several turns: where it is cached, what that is worth, and who remembers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from classifier.types import Tier
from router.config.schema import Config, Environment, Rule
from router.domain import Cost, Entry, ModelId
from router.prices.fitted import FILE
from tests.redis_server import RedisServer
from tests.routers import Router, running_router
from tests.waiting import until

HARD, MEDIUM = ModelId("kimi-k2-thinking"), ModelId("kimi-k2-instruct")
SYSTEM = {"role": "system", "content": "You answer questions about this ledger. " * 900}
"""About 9,000 tokens, so that to read them again costs more than thinking does."""
SHORT = {"role": "system", "content": "You answer questions about this ledger. " * 50}
TIERS: dict[str, Tier] = {"x-first": "hard", "x-then": "medium"}
Messages = list[dict[str, Any]]


def ruled(config: Config) -> Config:
    """A header says what is wanted; harder is allowed, as a label would."""
    rules = tuple(Rule(name=header, header=header, at_least=tier) for header, tier in TIERS.items())
    return msgspec.structs.replace(
        config, policy=msgspec.structs.replace(config.policy, rule=rules)
    )


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Router]:
    async with running_router(tmp_path, change=ruled) as running:
        yield running


async def say(router: Router, messages: Messages, tier: str, **headers: str) -> Entry:
    """Ask for the next turn, add the answer to `messages`, and give its entry."""
    said = {"x-first" if tier == "hard" else "x-then": "1", **headers}
    messages.append({"role": "user", "content": f"hi there, turn {len(messages)}!"})
    body = {"model": "auto", "messages": messages}
    response = await router.http.post("/v1/chat/completions", json=body, headers=said)
    assert response.status_code == 200, response.text
    messages.append(
        {"role": "assistant", "content": response.json()["choices"][0]["message"]["content"]}
    )
    return await router.entry(response.headers["x-gearshift-decision"])


async def test_a_long_conversation_stays_where_it_is_cached_and_decides_alike_again(
    router: Router,
) -> None:
    messages: Messages = [SYSTEM]
    first = await say(router, messages, "hard")
    assert (first.decision.model, first.facts.warm) == (HARD, None)
    second = await say(router, messages, "medium")
    assert (second.decision.tier, second.decision.reason) == ("hard", "pinned")
    assert second.facts.warm is not None
    assert second.facts.warm.model == HARD
    assert 0 < second.facts.warm.tokens <= first.usage.input
    assert second.usage.cached == pytest.approx(second.facts.warm.tokens, abs=512), (
        "as it was billed"
    )
    assert router.decide_again(second) == second.decision
    assert router.decide_again(first) == first.decision


async def test_the_next_turn_stays_too(router: Router) -> None:
    messages: Messages = [SYSTEM]
    await say(router, messages, "hard")
    await say(router, messages, "medium")
    third = await say(router, messages, "medium")
    assert (third.decision.model, third.decision.reason) == (HARD, "pinned")


async def test_a_preview_sees_the_same_and_says_nothing_new(router: Router) -> None:
    messages: Messages = [SYSTEM]
    await say(router, messages, "hard")
    messages.append({"role": "user", "content": "hi there!"})
    body = {"model": "auto", "messages": messages}
    shown = await router.http.post("/v1/route", json=body, headers={"x-then": "1"})
    assert shown.json()["decision"]["reason"] == "pinned"


async def test_a_short_conversation_moves_but_its_cache_is_in_the_account(router: Router) -> None:
    messages: Messages = [SHORT]
    await say(router, messages, "hard")
    second = await say(router, messages, "medium")
    assert second.decision.model == MEDIUM
    assert second.facts.warm is not None
    back = await say(router, messages, "hard")
    # Hard reads the turn before for the first time; alone it would have had it in its cache.
    assert back.decision.model == HARD
    assert back.facts.warm is not None
    assert back.facts.warm.model == MEDIUM
    assert back.cost.actual is not None
    assert back.cost.hard is not None
    assert back.cost.hard < back.cost.actual


async def test_others_that_begin_alike_are_other_conversations(router: Router) -> None:
    messages: Messages = [SYSTEM]
    await say(router, messages, "hard", **{"x-session-id": "mine"})
    second = await say(router, messages, "medium", **{"x-session-id": "yours"})
    assert (second.facts.warm, second.decision.model) == (None, MEDIUM)


async def test_a_tiny_prompt_is_not_remembered(router: Router) -> None:
    messages: Messages = []
    await say(router, messages, "hard")
    assert (await say(router, messages, "medium")).facts.warm is None


async def test_a_host_that_keeps_nothing_is_not_stayed_with(tmp_path: Path) -> None:
    def forgetful(config: Config) -> Config:
        hosts = {
            name: msgspec.structs.replace(host, prefix_life_s=0)
            for name, host in config.upstream.items()
        }
        return msgspec.structs.replace(ruled(config), upstream=hosts)

    async with running_router(tmp_path, change=forgetful) as router:
        messages: Messages = [SYSTEM]
        await say(router, messages, "hard")
        second = await say(router, messages, "medium")
        assert (second.facts.warm, second.decision.model) == (None, MEDIUM)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


async def test_instances_remember_for_one_another_and_without_redis_nobody_fails(
    tmp_path: Path, redis: RedisServer
) -> None:
    said = Environment(redis_url=redis.url)
    async with (
        running_router(tmp_path / "a", environment=said, change=ruled) as one,
        running_router(tmp_path / "b", environment=said, change=ruled) as other,
    ):
        messages: Messages = [SYSTEM]
        await say(one, messages, "hard")
        await until(lambda: bool(redis.client().keys("gearshift:served:*")))
        second = await say(other, messages, "medium")
        assert (second.decision.model, second.decision.reason) == (HARD, "pinned")
        redis.stop()
        third = await say(one, messages, "medium")
        assert (third.facts.warm, third.decision.model) == (None, MEDIUM)


async def test_every_tier_not_taken_has_its_doubt_and_the_version_of_the_lengths(
    router: Router,
) -> None:
    entry = await say(router, [SHORT], "medium")
    assert set(entry.cost.doubts) == {"easy", "hard"}
    assert all(doubt.shared > 0 and doubt.own > 0 for doubt in entry.cost.doubts.values())
    assert entry.cost.lengths == router.lengths.version
    again = msgspec.json.decode(msgspec.json.encode(entry.cost), type=Cost)
    assert again == entry.cost


async def test_a_broken_fit_leaves_the_service_with_its_priors_and_health_says_so(
    tmp_path: Path,
) -> None:
    (tmp_path / FILE).write_text('{"levels": 1}')
    async with running_router(tmp_path) as router:
        assert (await router.chat("hello")).status_code == 200
        health = (await router.http.get("/health/ready")).json()
        assert health["status"] == "degraded"
        assert any(FILE in reason for reason in health["reasons"])
        assert str(tmp_path) not in str(health)


@pytest.mark.parametrize("stream", [False, True])
async def test_reasoning_is_told_apart_where_the_host_does_not_count_it(
    router: Router, stream: bool
) -> None:
    entries = []
    for tier in ("medium", "hard"):
        response = await router.chat("hello?", model=f"gearshift/{tier}", stream=stream)
        entries.append(await router.entry(response.headers["x-gearshift-decision"]))
    medium, hard = (entry.usage for entry in entries)
    assert (medium.reasoning, medium.source, hard.source) == (0, "billed", "billed")
    assert 0 < hard.reasoning < hard.output
