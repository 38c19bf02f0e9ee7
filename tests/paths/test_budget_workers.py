"""A budget over two workers, through a kill: as users start it, with real money at a plain host."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec

from router.domain import PICO
from tests.paths.test_processes import stored
from tests.processes import Process, gearshift, served
from tests.rawserver import plain_answer, raw_server, read_request
from tests.redis_server import RedisServer
from tests.waiting import until

CONFIG = """
[tiers]
easy = ["m"]
medium = ["m"]
hard = ["m"]
[upstream.host]
base_url = "{url}"
[model.m]
upstream = "host"
name = "m"
context = 10_000
price = {{ input = 1, output = 10, source = "a test", date = "2026-11-26" }}
[[key]]
name = "team"
hash = "{hash}"
budget.daily.hard_usd = 0.1
"""
ANSWER = msgspec.json.encode(
    {
        "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 900},
    }
)


@asynccontextmanager
async def host() -> AsyncIterator[str]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        kind = b"content-type: application/json\r\nconnection: close\r\n"
        writer.write(plain_answer(ANSWER, headers=kind))
        await writer.drain()
        writer.close()

    async with raw_server(converse) as url:
        yield url


async def ask(router: Process, cap: int) -> int:
    """One request over a connection of its own, so that both workers get some."""
    async with httpx.AsyncClient(base_url=router.url, timeout=20) as http:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": cap}
        shown = {"authorization": "Bearer gs-team"}
        return (await http.post("/v1/chat/completions", json=body, headers=shown)).status_code


async def test_two_workers_keep_one_budget_and_a_kill_forgets_nothing(tmp_path: Path) -> None:
    file, data = tmp_path / "router.toml", tmp_path / "data"
    async with host() as url:
        file.write_text(CONFIG.format(url=url, hash=sha256(b"gs-team").hexdigest()))
        start = ("--config", str(file), "--workers", "2")
        with RedisServer() as redis:
            async with served(data, *start, GEARSHIFT_REDIS_URL=redis.url) as router:
                await until(lambda: len(router.workers()) == 2)
                statuses = await asyncio.gather(*(ask(router, 1_000) for _ in range(40)))
                passed = statuses.count(200)
                assert set(statuses) == {200, 429}
                assert passed <= 11, "0.1 USD are eleven answers of 900 tokens"
                while await ask(router, 1_000) == 200:
                    passed += 1
                await until(lambda: len(stored(data)) > 40)
                workers = router.workers()
                await router.end(signal.SIGKILL)
                for worker in workers:
                    os.kill(worker, signal.SIGKILL)
        # Redis is new and empty; what is left is less than one more answer.
        with RedisServer() as redis:
            async with served(data, *start, GEARSHIFT_REDIS_URL=redis.url) as router:
                assert await ask(router, 1_000) == 429
                assert await ask(router, 10) == 200
    spent = sum(entry.cost.actual or 0 for entry in stored(data)) / PICO
    assert 0.09 < spent <= 0.1 + 0.01
    shown = gearshift(data, "keys", "list", "--config", str(file), "--json")
    (team, everybody) = msgspec.json.decode(shown.stdout)["keys"]
    assert team["daily"]["spent_usd"] == everybody["daily"]["spent_usd"] > 0.09


def test_two_workers_without_redis_are_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(CONFIG.format(url="http://127.0.0.1:1/v1", hash="a" * 64))
    done = gearshift(tmp_path, "serve", "--port", "0", "--workers", "2", "--config", str(file))
    assert done.returncode == 1
    assert "set GEARSHIFT_REDIS_URL" in done.stderr
    assert len(done.stderr.splitlines()) == 1
