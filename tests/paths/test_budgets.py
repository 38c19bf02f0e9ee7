"""Budgets on a live router: who has spent all is refused, and nobody passes the last cent."""

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec
import openai
import pytest
from openai import AsyncOpenAI

from router.config.access import Budget, Key, Limit
from router.config.schema import Config, Environment
from router.domain import PICO, Entry
from tests.redis_server import RedisServer
from tests.routers import Change, Router, running_router
from tests.waiting import until, until_said

HARD = "Prove that there are infinitely many primes of the form 4n+3, and bound the n-th of them."


def key(name: str, **limits: float) -> Key:
    """Key `gs-NAME` with a daily budget."""
    budget = Budget(daily=Limit(**limits))
    return Key(name=name, hash=sha256(f"gs-{name}".encode()).hexdigest(), budget=budget)


def keyed(*keys: Key, budget: Budget | None = None, redis_timeout_ms: int = 5_000) -> Change:
    def change(config: Config) -> Config:
        cache = msgspec.structs.replace(
            config.cache, redis_timeout_ms=redis_timeout_ms, breaker_open_ms=200
        )
        return msgspec.structs.replace(config, key=keys, budget=budget or Budget(), cache=cache)

    return change


def client(router: Router, name: str) -> AsyncOpenAI:
    """The SDK as the holder of a key has it."""
    return router.openai.with_options(api_key=f"gs-{name}", max_retries=0)


async def ask(
    router: Router, name: str, text: str = "hi", *, model: str = "gearshift/easy", **more: object
) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    shown = {"authorization": f"Bearer gs-{name}"}
    return await router.http.post("/v1/chat/completions", json=body, headers=shown)


def spent(entries: list[Entry]) -> float:
    return sum(entry.cost.actual or 0 for entry in entries) / PICO


async def test_who_has_spent_all_is_refused_by_name_and_the_others_are_not(tmp_path: Path) -> None:
    keys = keyed(key("poor", hard_usd=0.0), key("rich", hard_usd=5))
    async with running_router(tmp_path, change=keys) as router:
        with pytest.raises(openai.RateLimitError) as caught:
            await client(router, "poor").chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "hello"}]
            )
        assert caught.value.code == "budget_exceeded"
        assert caught.value.type == "insufficient_quota"
        assert "The daily budget of key `poor`" in caught.value.message
        assert "It begins anew at 20" in caught.value.message
        headers = caught.value.response.headers
        assert headers["x-should-retry"] == "false"
        assert 0 < int(headers["retry-after"]) <= 86_400
        assert not [one for one in router.sandbox.received if one.path.endswith("completions")]
        refused = await router.entry(headers["x-gearshift-decision"])
        assert (refused.outcome.status, refused.outcome.fault) == (429, "quota")
        assert (refused.cost.actual, refused.outcome.attempts) == (0, ())
        assert router.decide_again(refused) == refused.decision
        assert (await ask(router, "rich")).status_code == 200
        assert (await router.entry(refused.id)).caller.key == "poor"


async def test_a_hundred_at_once_do_not_pass_the_last_cent(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=keyed(key("team", hard_usd=0.02))) as router:
        answers = await asyncio.gather(*(ask(router, "team", f"hi {n}") for n in range(100)))
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {200, 429}
        waits = [a.headers for a in answers if a.status_code == 429]
        assert all("x-should-retry" not in each for each in waits), "the rest is only set aside"
        assert all(int(each["retry-after"]) <= 2 for each in waits)
        # What was set aside is free again, and the rest can be spent.
        assert (await ask(router, "team")).status_code == 200
        await until(lambda: len(router.entries()) == 101)
        assert 0 < spent(router.entries()) <= 0.02


async def test_at_the_soft_limit_requests_go_one_tier_lower_and_say_so(tmp_path: Path) -> None:
    frugal = keyed(key("team", soft_usd=0.0), key("free"))
    async with running_router(tmp_path, change=frugal) as router:
        plain = await ask(router, "free", HARD, model="auto")
        lower = await ask(router, "team", HARD, model="auto")
        forced = await ask(router, "team", HARD, model="gearshift/hard")
        tiers = {"medium": "easy", "hard": "medium"}
        assert lower.headers["x-gearshift-tier"] == tiers[plain.headers["x-gearshift-tier"]]
        assert lower.headers["x-gearshift-reason"] == "budget"
        assert forced.headers["x-gearshift-tier"] == "hard"
        assert forced.headers["x-gearshift-reason"] == "forced"
        entry = await router.entry(lower.headers["x-gearshift-decision"])
        assert entry.facts.thrift
        assert router.decide_again(entry) == entry.decision
        route = {"model": "auto", "messages": [{"role": "user", "content": HARD}]}
        shown = {"x-api-key": "gs-team"}
        said = (await router.http.post("/v1/route", json=route, headers=shown)).json()
        assert said["decision"]["reason"] == "budget", "the preview tells what would be done"


async def test_the_budget_of_all_is_counted_over_all_keys(tmp_path: Path) -> None:
    together = keyed(key("one"), key("two"), budget=Budget(monthly=Limit(hard_usd=0.0017)))
    async with running_router(tmp_path, change=together) as router:
        assert (await ask(router, "one")).status_code == 200
        answer = await ask(router, "two", max_tokens=5_000)
        assert answer.status_code == 429
        assert answer.json()["error"]["message"].startswith("The monthly budget of this router")


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    limited = keyed(key("team", hard_usd=0.003))
    async with running_router(tmp_path, change=limited) as router:
        answers = [await ask(router, "team", max_tokens=4_000) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {200}
        await until(lambda: len(router.entries()) == 3)
        before = spent(router.entries())
    enough = (0.003 - before) / 0.4e-6
    async with running_router(tmp_path, change=limited) as router:
        more, less = int(enough) + 500, int(enough) - 500
        assert (await ask(router, "team", max_tokens=more)).status_code == 429
        assert (await ask(router, "team", max_tokens=less)).status_code == 200


async def test_limits_hold_in_a_trial_against_a_sandbox_elsewhere(tmp_path: Path) -> None:
    def real(config: Config) -> Config:
        limited = keyed(key("team", hard_usd=0.002))(config)
        return msgspec.structs.replace(limited, simulated=False)

    async def spend_all(router: Router) -> int:
        """How many answers there are until there is no money for another."""
        answers = 0
        while (await ask(router, "team", max_tokens=2_000)).status_code == 200:
            answers += 1
        return answers

    async with running_router(tmp_path, change=real) as router:
        answers = await spend_all(router)
        assert answers > 1
        await until(lambda: len(router.entries()) > answers)
        assert all(entry.simulated for entry in router.entries() if entry.outcome.status == 200)
        assert 0.001 < spent(router.entries()) <= 0.002
    async with running_router(tmp_path, change=real) as router:
        assert await spend_all(router) == 0


async def test_a_caller_who_leaves_gives_back_what_was_set_aside(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=keyed(key("team", hard_usd=0.002))) as router:
        body = {
            "model": "gearshift/easy",
            "stream": True,
            "messages": [{"role": "user", "content": "[[sandbox:fault=stall]] go"}],
        }
        shown = {"authorization": "Bearer gs-team"}
        path = "/v1/chat/completions"
        async with router.http.stream("POST", path, json=body, headers=shown) as response:
            await anext(response.aiter_lines())
            assert (await ask(router, "team")).status_code == 429
        router.sandbox.release()
        await until(lambda: bool(router.entries()))

        async def served() -> bool:
            return (await ask(router, "team", max_tokens=2_000)).status_code == 200

        await until_said(served)


async def test_a_fallback_to_a_dearer_model_is_set_aside_too(tmp_path: Path) -> None:
    # Enough for the easy tier, and for nothing above it.
    async with running_router(tmp_path, change=keyed(key("team", hard_usd=0.002))) as router:
        answer = await ask(
            router, "team", "[[sandbox:fault=server model=small-chat]]", model="auto"
        )
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "budget_exceeded"
        entry = await router.entry(answer.headers["x-gearshift-decision"])
        assert [attempt.model for attempt in entry.outcome.attempts] == ["small-chat"]


async def test_metrics_and_health_tell_of_budgets(tmp_path: Path) -> None:
    def unpriced(config: Config) -> Config:
        limited = keyed(key("team", soft_usd=0.01, hard_usd=0.02))(config)
        small = msgspec.structs.replace(config.model[config.tiers["easy"][0]], price=None)
        models = {**config.model, config.tiers["easy"][0]: small}
        return msgspec.structs.replace(limited, model=models)

    async with running_router(tmp_path, change=unpriced) as router:
        await ask(router, "team", model="gearshift/medium", max_tokens=100)
        text = (await router.http.get("/metrics")).text
        line = 'gearshift_budget_used{key="team",period="daily",simulated="true"} '
        (value,) = [float(one.removeprefix(line)) for one in text.split("\n") if line in one]
        entry = (await router.http.get("/health/ready")).json()
        assert 0 < value < 1
        assert entry["reasons"] == ["small-chat has no price: no budget counts what it costs"]


async def test_a_key_may_only_ask_for_its_models(tmp_path: Path) -> None:
    narrow = msgspec.structs.replace(key("team"), models=("auto", "gearshift/easy"))
    async with running_router(tmp_path, change=keyed(narrow)) as router:
        assert (await ask(router, "team", model="auto")).status_code == 200
        with pytest.raises(openai.PermissionDeniedError, match="may ask for `auto`, `gearshift/ea"):
            await client(router, "team").chat.completions.create(
                model="gearshift/hard", messages=[{"role": "user", "content": "hello"}]
            )
        listed = [model.id async for model in client(router, "team").models.list()]
        assert listed == ["auto", "gearshift/easy"]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


async def test_two_instances_share_the_last_cent(tmp_path: Path, redis: RedisServer) -> None:
    said = Environment(redis_url=redis.url)
    limited = keyed(key("team", hard_usd=0.02))
    async with (
        running_router(tmp_path / "a", change=limited, environment=said) as one,
        running_router(tmp_path / "b", change=limited, environment=said) as other,
    ):
        pair = (one, other)
        answers = await asyncio.gather(*(ask(pair[n % 2], "team", f"hi {n}") for n in range(80)))
        assert {answer.status_code for answer in answers} == {200, 429}
        await until(lambda: len([*one.entries(), *other.entries()]) == 80)
        assert 0 < spent([*one.entries(), *other.entries()]) <= 0.02


async def test_with_redis_gone_budgets_go_on_and_then_are_added_up(
    tmp_path: Path, redis: RedisServer
) -> None:
    said = Environment(redis_url=redis.url)
    limited = keyed(key("team", hard_usd=0.5), redis_timeout_ms=100)
    async with running_router(tmp_path, change=limited, environment=said) as router:
        assert (await ask(router, "team")).status_code == 200
        await asyncio.to_thread(redis.kill)
        for n in range(6):
            assert (await ask(router, "team", f"hi {n}")).status_code == 200
        told = (await router.http.get("/health/ready")).json()
        assert any("counts budgets for itself" in reason for reason in told["reasons"])
        await asyncio.to_thread(redis.start)
        await until(lambda: len(router.entries()) == 7)
        whole = str(sum(entry.cost.actual or 0 for entry in router.entries())).encode()

        def merged() -> bool:
            client = redis.client()
            return [client.get(k) for k in client.keys("gearshift:spend:team/*")] == [whole]

        await until(merged)
