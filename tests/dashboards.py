"""The dashboard as browsers and programs meet it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from playwright.async_api import Browser, Page, async_playwright

from router.domain import Entry
from router.ledger.place import place
from tests.ledgers import open_spool
from tests.routers import Router

ADMIN = "the-admin-key-of-these-tests"
_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def record(router: Router, *kept: Entry) -> None:
    """Entries as another worker would leave them: in a spool that this one drains."""
    spool = open_spool(place(router.environment.data_dir))
    for one in kept:
        spool.record(one)
    spool.close()


_PATIENCE_MS = 60_000
"""A browser shares its machine with other tests: it is slow, not wrong."""


class Events:
    """A stream of `/dashboard/events`, read by bare HTTP."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, str]:
        """The next event's name (empty for what htmx swaps) and its data."""
        name, data = "", list[str]()
        async with asyncio.timeout(60):
            async for line in self._lines:
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data.append(line.removeprefix("data: "))
                elif not line and data:
                    return name, "\n".join(data)
        raise AssertionError("the stream has ended")

    async def until(self, words: str) -> str:
        """The next swap that holds `words`."""
        while True:
            name, data = await self.next()
            if not name and words in data:
                return data


@asynccontextmanager
async def watching(http: httpx.AsyncClient, **headers: str) -> AsyncIterator[Events]:
    """Look at the stream."""
    async with http.stream("GET", "/dashboard/events", headers=headers) as response:
        yield Events(response)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A real browser; skips the test where there is none."""
    found = os.environ.get("GEARSHIFT_TEST_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("there is no chromium: install Debian's package of that name")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=_ARGS)
        try:
            yield browser
        finally:
            await browser.close()


class Tab:
    """A page, and whatever it complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(_PATIENCE_MS)

    async def open(self, path: str = "/dashboard") -> None:
        await self.page.goto(self.url + path)

    async def drawn(self) -> None:
        """Wait for all three charts."""
        for name in ("cost", "mix", "stages"):
            await self.page.wait_for_selector(f"#chart-{name}[data-drawn] svg")

    async def live(self) -> None:
        """Wait for the stream."""
        await self.page.wait_for_selector("#connection[data-state=live]")

    async def ask(self, script: str) -> str:
        """What a script finds, as JSON."""
        return msgspec.json.encode(await self.page.evaluate(script)).decode()

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)


@asynccontextmanager
async def tab(browser: Browser, url: str, **settings: object) -> AsyncIterator[Tab]:
    """A new page in a browser without any history; nothing may be wrong with it in the end."""
    context = await browser.new_context(**settings)  # type: ignore[arg-type]  # playwright's own
    try:
        opened = Tab(await context.new_page(), url)
        yield opened
        assert not opened.complaints, opened.complaints
    finally:
        await context.close()


def data_dir_of(router: Router) -> Path:
    """Where the router keeps its ledger."""
    return Path(router.environment.data_dir)
