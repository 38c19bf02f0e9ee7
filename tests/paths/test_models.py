"""Another model is promoted while the service runs: it is followed, and no request is lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from classifier.history import HISTORY
from classifier.registry import PROMOTED, promote
from classifier.remote import locate, publish
from tests.processes import Process, gearshift, served
from tests.redis_server import RedisServer
from tests.registries import BAD, NEW, OLD, damage, good, keep
from tests.sandboxes import body
from tests.synthetic import examples, save_examples
from tests.waiting import until


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Two good versions, of which one serves, and a damaged one."""
    folder = tmp_path / "registry"
    for version in (OLD, NEW, BAD):
        keep(folder, good(version))
    damage(folder / BAD)
    promote(folder, folder / OLD)
    save_examples(tmp_path / "rows.jsonl", examples(400, seed=9))
    return folder


def promoting(home: Path, version: str) -> tuple[str, ...]:
    return ("models", "promote", version, "--data", str(home / "rows.jsonl"))


async def ready(router: Process) -> tuple[str, str, str]:
    """Status, model version and reasons, of whichever worker answers."""
    async with httpx.AsyncClient(base_url=router.url, timeout=20) as http:
        said = (await http.get("/health/ready")).json()
    return said["status"], said["model_version"], " | ".join(said["reasons"])


async def serves(router: Process, version: str, *, times: int = 1) -> None:
    """Wait until so many answers in a row, over connections of their own, name `version`."""
    row = 0
    async with asyncio.timeout(30):
        while row < times:
            row = row + 1 if (await ready(router))[1] == version else 0
            await asyncio.sleep(0.005)


@asynccontextmanager
async def under_load(router: Process) -> AsyncIterator[list[int]]:
    """Questions from several callers, whole and streamed, all through the block; their statuses."""
    statuses: list[int] = []
    stop = asyncio.Event()

    async def ask(name: int) -> None:
        n = 0
        async with httpx.AsyncClient(base_url=router.url, timeout=20) as http:
            while not stop.is_set():
                n += 1
                # Every other one is long: those are scored in threads.
                text = f"caller {name} asks {n}: " + "why is that so? " * (200 if n % 2 else 1)
                asked = body(text, "auto", {"stream": n % 3 == 0})
                response = await http.post("/v1/chat/completions", json=asked)
                whole = n % 3 or response.text.endswith("data: [DONE]\n\n")
                statuses.append(response.status_code if whole else 0)

    asking = [asyncio.create_task(ask(name)) for name in range(4)]
    try:
        await until(lambda: len(statuses) > 20)
        yield statuses
        goal = len(statuses) + 20
        await until(lambda: len(statuses) > goal)
    finally:
        stop.set()
        await asyncio.gather(*asking)


async def test_promoted_and_rolled_back_under_load_no_request_fails(
    tmp_path: Path, registry: Path
) -> None:
    async with served(tmp_path) as router:
        await serves(router, OLD)
        async with under_load(router) as statuses:
            done = await asyncio.to_thread(gearshift, tmp_path, *promoting(tmp_path, NEW))
            assert done.returncode == 0, done.stderr
            await serves(router, NEW)
            before = len(statuses)
            await until(lambda: len(statuses) > before + 20)
            done = await asyncio.to_thread(gearshift, tmp_path, "models", "rollback")
            assert done.returncode == 0, done.stderr
            await serves(router, OLD)
        assert set(statuses) == {200}
        changes = (await router.http.get("/metrics")).text
        assert 'gearshift_model_changes_total{outcome="taken"} 2.0' in changes
    assert sum(b'"model changed"' in line for line in router.log) == 2


async def test_the_verdict_of_the_old_model_is_not_the_new_one_s(
    tmp_path: Path, registry: Path
) -> None:
    async def route(router: Process) -> str:
        asked = body("name the colour of a lamp", "auto", {})
        said = (await router.http.post("/v1/route", json=asked)).json()
        return f"{said['verdict']['model_version']}"

    async with served(tmp_path) as router:
        assert [await route(router), await route(router)] == [OLD, OLD]
        promote(registry, registry / NEW)
        await serves(router, NEW)
        assert await route(router) == NEW


async def test_a_broken_version_degrades_and_changes_nothing(
    tmp_path: Path, registry: Path
) -> None:
    async with served(tmp_path) as router:
        first = await ready(router)
        async with under_load(router) as statuses:
            (registry / PROMOTED).write_text(BAD)
            await until(lambda: any(BAD.encode() in line for line in router.log))
            status, version, reasons = await ready(router)
            assert (status, version) == ("degraded", OLD)
            assert "the promoted model cannot be used" in reasons
            assert "arrays.safetensors does not match" in reasons
            response = await router.http.get("/health/ready")
            assert response.status_code == 200
            done = await asyncio.to_thread(gearshift, tmp_path, "models", "rollback")
            assert done.returncode == 0, done.stderr
            await serves(router, OLD)
            promote(registry, registry / NEW)
            await serves(router, NEW)
        assert set(statuses) == {200}
        assert (await ready(router))[2] == first[2], "a good one ends it"


async def test_every_worker_follows_and_so_does_one_that_is_replaced(
    tmp_path: Path, registry: Path
) -> None:
    async with served(tmp_path, "--workers", "2") as router:
        await until(lambda: len(router.workers()) == 2)
        await serves(router, OLD, times=20)
        async with under_load(router) as statuses:
            promote(registry, registry / NEW)
            await serves(router, NEW, times=20)
        assert set(statuses) == {200}
        swaps = [line for line in router.log if b'"model changed"' in line]
        assert len(swaps) == 2
        metrics = (await router.http.get("/metrics")).text
        assert 'gearshift_model_changes_total{outcome="taken"} 2.0' in metrics
        victim = router.workers()[0]
        os.kill(victim, signal.SIGKILL)
        await until(lambda: victim not in router.workers() and len(router.workers()) == 2)
        await serves(router, NEW, times=20)


async def test_told_by_redis_instances_change_at_once(tmp_path: Path, registry: Path) -> None:
    """Their own look is an hour away, so what they follow is the notice."""
    patient = tmp_path / "patient.toml"
    patient.write_text(
        '[tiers]\neasy = ["a"]\nmedium = ["a"]\nhard = ["a"]\n'
        '[upstream.u]\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[model.a]\nupstream = "u"\nname = "a"\ncontext = 1000\n'
        "[registry]\npoll_ms = 3600000\n"
    )
    with RedisServer() as redis:
        arguments = ("--config", str(patient))
        places = {"GEARSHIFT_REDIS_URL": redis.url, "GEARSHIFT_REGISTRY": str(registry)}
        async with (
            served(tmp_path / "one", *arguments, prefix=(), **places) as one,
            served(tmp_path / "other", *arguments, prefix=(), **places) as other,
        ):
            await serves(one, OLD)
            await serves(other, OLD)
            with redis.client() as client:
                await until(lambda: client.pubsub_numsub("gearshift:model")[0][1] == 2)
            done = await asyncio.to_thread(gearshift, tmp_path, *promoting(tmp_path, NEW), **places)
            assert done.returncode == 0, done.stderr
            await serves(one, NEW)
            await serves(other, NEW)


async def test_a_registry_behind_a_url_is_followed(tmp_path: Path, registry: Path) -> None:
    url = f"file://{tmp_path / 'bucket'}"
    desk = locate(url, tmp_path / "desk")
    for version in (OLD, NEW):
        keep(desk, good(version))
    promote(desk, desk / OLD)
    publish(desk, HISTORY, PROMOTED)
    async with served(tmp_path / "far", "--workers", "2", GEARSHIFT_REGISTRY=url) as router:
        await serves(router, OLD, times=20)
        async with under_load(router) as statuses:
            done = await asyncio.to_thread(
                gearshift, tmp_path, *promoting(tmp_path, NEW), GEARSHIFT_REGISTRY=url
            )
            assert done.returncode == 0, done.stderr
            await serves(router, NEW, times=20)
        assert set(statuses) == {200}
    (copy,) = (tmp_path / "far" / "registries").iterdir()
    assert (copy / NEW / "manifest.json").is_file()
    assert not list(copy.glob(".*")), "no draft stays behind"
