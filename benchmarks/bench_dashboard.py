"""How soon a browser shows the dashboard, over a ledger of a million rows.

Fills an SQLite ledger, starts `gearshift serve` as users do, and opens `/dashboard` in a real
Chromium again and again, each time in a profile without any cache. Of each load: the first byte,
the first contentful paint, the first paint with figures (the cards are in the page or came by the
stream), and when all three charts were drawn; milliseconds since the navigation began.

The first load after a start is told apart: it is the one that finds everything cold.
"""

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx
import msgspec
from playwright.async_api import Browser, async_playwright

from benchmarks.many import fill
from router.ledger.place import place

GOAL_MS: Final = 1_000.0
_FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_SEEN: Final = """() => new Promise((found) => {
  const at = {};
  const look = () => {
    if (!at.figures && document.querySelector("#money .card")) at.figures = performance.now();
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    if (paint && document.querySelectorAll(".chart[data-drawn]").length === 3) {
      const [page] = performance.getEntriesByType("navigation");
      found({first_byte: page.responseStart, paint: paint.startTime,
             figures: Math.max(at.figures, paint.startTime), charts: performance.now()});
    } else requestAnimationFrame(look);
  };
  look();
})"""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One load of the page, milliseconds."""

    first_byte: float
    paint: float
    figures: float
    charts: float


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[str]:
    """A running router over the ledger in `folder`; gives its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "router.cli.main", "serve", "--sandbox", "--port", "0"),
        env={**os.environ, "GEARSHIFT_DATA_DIR": str(folder)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        url = line.partition("listening on ")[2].partition("/v1")[0]
        # It listens before it can answer; what a start takes is another benchmark's to say.
        async with httpx.AsyncClient(timeout=60) as http:
            (await http.get(f"{url}/health/live")).raise_for_status()
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def load(browser: Browser, url: str) -> Load:
    """Open the page once, in a profile of its own."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = await context.new_page()
        await page.goto(f"{url}/dashboard", wait_until="commit")
        return msgspec.convert(await page.evaluate(_SEEN), Load)
    finally:
        await context.close()


async def measure(folder: Path, starts: int, loads: int) -> tuple[list[Load], list[Load]]:
    """The first load of each start, and the others."""
    first: list[Load] = []
    others: list[Load] = []
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium: install Debian's package of that name")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        context = await browser.new_context()
        await context.close()
        for _ in range(starts):
            async with service(folder) as url:
                first.append(await load(browser, url))
                others += [await load(browser, url) for _ in range(loads)]
        await browser.close()
    return first, others


def table(rows: int, named: dict[str, Sequence[Load]]) -> str:
    """Medians with the least and the most, as Markdown."""
    lines = [
        f"| {rows:,} rows in SQLite, ms | n | first byte | first paint | figures | charts |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, seen in named.items():
        cells = [_spread([getattr(one, field) for one in seen]) for field in Load.__struct_fields__]
        lines.append(f"| {name} | {len(seen)} | {' | '.join(cells)} |")
    worst = max(one.figures for seen in named.values() for one in seen)
    reached = "reached" if worst <= GOAL_MS else "**missed**"
    lines.append(f"\nFirst paint with figures within {GOAL_MS:,.0f} ms: {reached} ({worst:,.0f}).")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows in the ledger")
    parser.add_argument("--starts", type=int, default=5, help="starts of the service")
    parser.add_argument("--loads", type=int, default=4, help="loads after the first of each")
    parser.add_argument("--quick", action="store_true", help="20,000 rows, one start, two loads")
    asked = parser.parse_args(arguments)
    if asked.quick:
        asked.rows, asked.starts, asked.loads = 20_000, 1, 2
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for told in fill(place(folder), asked.rows):
            print(told, file=sys.stderr)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        filled_s = time.perf_counter() - began
        print(f"{size / 1e9:.2f} GB, filled in {filled_s:,.0f} s", file=sys.stderr)
        first, others = asyncio.run(measure(Path(folder), asked.starts, asked.loads))
    chromium = subprocess.run(
        ["chromium", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    print(table(asked.rows, {"first load of a start": first, "later loads": others}))
    print(f"\n{chromium}, no cache, service and browser on the same two cores.")


if __name__ == "__main__":
    main()
