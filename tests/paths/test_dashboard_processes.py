"""The dashboard of a service of several processes, and its end."""

import asyncio
from pathlib import Path

import pytest

from tests.dashboards import ADMIN, watching
from tests.processes import served

WORKERS = ("--workers", "2")


async def test_a_cookie_of_one_worker_opens_all(tmp_path: Path) -> None:
    async with served(tmp_path, *WORKERS, GEARSHIFT_ADMIN_KEY=ADMIN) as router:
        await router.http.post("/dashboard/login", data={"key": ADMIN})
        fresh = {"connection": "close"}  # a new connection, which any worker may take
        pages = [await router.http.get("/dashboard", headers=fresh) for _ in range(12)]
    assert {page.status_code for page in pages} == {200}


async def test_each_worker_tells_what_all_of_them_did(tmp_path: Path) -> None:
    async with served(tmp_path, *WORKERS) as router:
        streams = [watching(router.http) for _ in range(6)]
        events = [await one.__aenter__() for one in streams]
        answers = [await router.chat(f"question {n}") for n in range(6)]
        last = answers[-1].headers["x-gearshift-decision"]
        told = await asyncio.gather(*(one.until(last) for one in events))
        assert all('hx-target="#recent"' in one for one in told)
        for one in streams:
            await one.__aexit__(None, None, None)


@pytest.mark.parametrize("workers", [(), WORKERS])
async def test_who_looks_does_not_hold_up_the_end(tmp_path: Path, workers: tuple[str, ...]) -> None:
    async with served(tmp_path, *workers) as router, watching(router.http) as events:
        await events.next()
        # A stream that has to be cut is waited for, half a minute.
        async with asyncio.timeout(20):
            assert await router.end() == 0
