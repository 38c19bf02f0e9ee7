"""The dashboard in a real browser: seen, followed live, by keyboard, in the dark, on a phone."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from classifier.types import Tier
from router.config.schema import Environment
from router.domain import Kept, Timings
from tests.dashboards import ADMIN, Tab, chromium, record, tab
from tests.ledgers import DAY_US, chosen, entry
from tests.routers import Router, running_router

PHONE: dict[str, object] = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
}
CONTRAST = """() => {
  const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (colour) => {
    context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const linear = (v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = {}; let seen = 0;
  for (const element of document.querySelectorAll("body *")) {
    const words = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!words || element.closest("svg, script, .unseen") || !element.offsetParent) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    seen += 1;
    if (ratio < 4.5) found[element.tagName + "." + element.className] = ratio.toFixed(2);
  }
  return [seen, found];
}"""
NAMELESS = """() => [...document.querySelectorAll(
    "a, button, input, textarea, select, meter, [role=img], section, table"
  )].filter((e) => !e.ariaLabel && !e.textContent.trim() && !e.labels?.length
    && !document.getElementById(e.getAttribute("aria-labelledby"))).map((e) => e.outerHTML)"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3")]
  .filter((e) => e.offsetParent).map((e) => Number(e.tagName[1]))"""
OVERFLOW = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all; each test has a profile of its own."""
    expect.set_options(timeout=60_000)
    async with chromium() as running:
        yield running


def busy(router: Router) -> None:
    """Some weeks of traffic on every tier."""
    now_us = time.time_ns() // 1_000
    tiers: tuple[Tier, ...] = ("easy", "medium", "hard")
    record(
        router,
        *(
            entry(
                n,
                at_us=now_us - (n // 3) * DAY_US,
                simulated=True,
                decision=chosen(tiers[n % 3], f"a-model-{n % 3}"),
                timings=Timings(parse_ms=0.1, score_ms=0.5, first_byte_ms=300.0, total_ms=900.0),
            )
            for n in range(87)
        ),
    )


async def stored(page: Tab, words: str) -> None:
    """Wait until the ledger has it, as a reader of the page would see."""
    await page.page.get_by_text(words).first.wait_for()


async def test_figures_and_charts_are_there_and_nothing_is_forbidden_to_them(
    router: Router, browser: Browser
) -> None:
    busy(router)
    async with tab(browser, router.url) as page:
        await page.open()
        await page.drawn()
        await page.live()
        await stored(page, "a-model-2")
        cards = page.page.locator(".card")
        assert await cards.count() == 3
        thirty = await cards.nth(2).inner_text()
        assert "87" in thirty
        assert "33.3 %" in thirty
        # 29 days with three bars each.
        bars = page.page.locator("#chart-mix .mark-rect path")
        await expect(bars).to_have_count(87)
        pictures = page.page.locator("figure > [role=img]")
        assert await pictures.count() == 3
        named = [await one.get_attribute("aria-label") for one in await pictures.all()]
        assert all(name and "Vega" not in name for name in named)
        # Every script, style and picture came from here.
        assert await page.page.evaluate(
            "() => performance.getEntriesByType('resource')"
            ".every((one) => one.name.startsWith(location.origin))"
        )


async def test_what_happens_appears_by_itself_and_the_focus_stays(
    router: Router, browser: Browser
) -> None:
    first = (await router.chat("hi")).headers["x-gearshift-decision"]
    await router.entry(first)
    async with tab(browser, router.url) as page:
        await page.open()
        await page.live()
        link = page.page.locator(f"#to-{first}")
        await link.focus()
        second = (await router.chat("and again")).headers["x-gearshift-decision"]
        await page.page.wait_for_selector(f"#to-{second}")
        assert await page.page.evaluate("document.activeElement.id") == f"to-{first}"
        await expect(page.page.locator("#money .card").first).to_contain_text("Requests2")
        await page.page.keyboard.press("Enter")
        await page.page.wait_for_url(f"**/decisions/{first}")
        await expect(page.page.get_by_role("heading", level=1)).to_contain_text("Decision")


async def test_charts_follow_without_being_drawn_anew(router: Router, browser: Browser) -> None:
    await router.entry((await router.chat("hi")).headers["x-gearshift-decision"])
    async with tab(browser, router.url) as page:
        await page.open()
        await page.drawn()
        await page.live()
        bars = page.page.locator("#chart-mix .mark-rect path")
        await expect(bars).to_have_count(1)
        await page.page.evaluate("document.querySelector('#chart-mix svg').dataset.same = '1'")
        await router.chat("again", model="gearshift/hard")
        await expect(bars).to_have_count(2)
        assert await page.page.locator("#chart-mix svg[data-same]").count() == 1


async def test_pausing_holds_the_page_still(router: Router, browser: Browser) -> None:
    async with tab(browser, router.url) as page:
        await page.open()
        await page.live()
        await page.page.get_by_role("button", name="Pause").click()
        await expect(page.page.locator("#connection")).to_have_text("Paused")
        decision = (await router.chat("hi")).headers["x-gearshift-decision"]
        await router.entry(decision)
        heard = asyncio.Event()
        await page.page.expose_function("heard", heard.set)
        await page.page.evaluate(
            "document.addEventListener('htmx:sse:before:message', () => heard())"
        )
        await router.chat("and again")
        await asyncio.wait_for(heard.wait(), 60)
        assert await page.page.locator("#recent a").count() == 0
        await page.page.get_by_role("button", name="Resume").click()
        await page.page.wait_for_selector(f"#to-{decision}")


async def test_the_keyboard_alone_tries_a_prompt(router: Router, browser: Browser) -> None:
    async with tab(browser, router.url) as page:
        await page.open()
        await page.live()
        keys = page.page.keyboard
        await keys.press("Tab")
        assert await page.page.evaluate("document.activeElement.textContent") == (
            "Skip to the figures"
        )
        await keys.press("Enter")
        await page.page.locator("#prompt").focus()
        await keys.type("Prove that there are infinitely many primes.")
        await keys.press("Tab")
        assert await page.page.evaluate("document.activeElement.id") == "dial"
        await keys.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert await page.page.evaluate(outline) == "solid"
        await keys.press("Enter")
        tried = page.page.locator("#tried")
        await expect(tried).to_contain_text("Would go to")
        assert await tried.get_attribute("aria-live") == "polite"
        assert await tried.locator("tbody tr").count() == 3
        assert await page.page.evaluate("document.activeElement.textContent") == "Decide"


async def test_everything_can_be_reached_by_tab(router: Router, browser: Browser) -> None:
    await router.entry((await router.chat("hi")).headers["x-gearshift-decision"])
    async with tab(browser, router.url) as page:
        await page.open()
        await page.live()
        reached: list[str] = []
        for _ in range(40):
            await page.page.keyboard.press("Tab")
            reached.append(
                await page.page.evaluate(
                    "(document.activeElement.id || document.activeElement.tagName)"
                )
            )
        recent = next(index for index, name in enumerate(reached) if name.startswith("to-"))
        order = [reached.index(name) for name in ("pause", "SUMMARY", "prompt", "dial")]
        assert sorted(order) == order
        assert order[-1] < recent


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_can_be_read_by_all(router: Router, browser: Browser, scheme: str) -> None:
    busy(router)
    decision = (await router.chat("hi")).headers["x-gearshift-decision"]
    await router.entry(decision)
    async with tab(browser, router.url, color_scheme=scheme) as page:
        for path in ("/dashboard", f"/dashboard/decisions/{decision}"):
            await page.open(path)
            seen, poor = await page.page.evaluate(CONTRAST)
            assert seen > 20
            assert poor == {}
            assert await page.page.evaluate(NAMELESS) == []
            levels = await page.page.evaluate(HEADINGS)
            assert levels[0] == 1
            assert levels.count(1) == 1
            assert all(b - a <= 1 for a, b in pairwise(levels))
            for landmark in ("banner", "main", "navigation"):
                assert await page.page.get_by_role(landmark).count() == 1
        ground = await page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


async def test_charts_have_the_colours_of_the_scheme(router: Router, browser: Browser) -> None:
    busy(router)
    bar = "#chart-mix .mark-rect path"
    async with tab(browser, router.url, color_scheme="light") as page:
        await page.open()
        await page.drawn()
        bright = await page.page.locator(bar).first.get_attribute("fill")
        await page.page.emulate_media(color_scheme="dark")
        await page.page.wait_for_selector(f"{bar}:not([fill='{bright}'])", state="attached")


async def test_nothing_moves_for_those_who_asked_for_that(router: Router, browser: Browser) -> None:
    async with tab(browser, router.url, reduced_motion="reduce") as page:
        await page.open()
        style = "getComputedStyle(document.documentElement).scrollBehavior"
        assert await page.page.evaluate(style) == "auto"


async def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    router: Router, browser: Browser
) -> None:
    busy(router)
    decision = (await router.chat("hi")).headers["x-gearshift-decision"]
    await router.entry(decision)
    async with tab(browser, router.url, **PHONE) as page:
        await page.open()
        await page.drawn()
        await page.page.get_by_text("The same as a table").tap()
        assert await page.page.evaluate(OVERFLOW) <= 0
        await page.page.fill("#prompt", "x" * 300)
        await page.page.get_by_role("button", name="Decide").tap()
        await page.page.wait_for_selector("#tried table")
        assert await page.page.evaluate(OVERFLOW) <= 0
        await page.page.locator(f"#to-{decision}").tap()
        await page.page.wait_for_url("**/decisions/*")
        assert await page.page.evaluate(OVERFLOW) <= 0


async def test_one_signs_in_with_the_key_and_out_again(tmp_path: Path, browser: Browser) -> None:
    environment = Environment(admin_key=ADMIN)
    async with (
        running_router(tmp_path, environment=environment) as router,
        tab(browser, router.url) as page,
    ):
        await page.open()
        key = page.page.get_by_label("Admin key")
        await expect(key).to_be_focused()
        await key.fill("wrong")
        await key.press("Enter")
        await expect(page.page.get_by_role("alert")).to_have_text("That is not the admin key.")
        # The browser notes the status of the page; nothing else may be wrong.
        assert all("401" in said for said in page.complaints)
        page.complaints.clear()
        await page.page.get_by_label("Admin key").fill(ADMIN)
        await page.page.get_by_role("button", name="Sign in").click()
        await page.live()
        assert await page.page.evaluate("document.cookie") == ""
        await page.page.get_by_role("button", name="Sign out").click()
        await page.page.wait_for_url("**/login")
        await page.open()
        assert page.page.url.endswith("/login")


async def test_without_scripts_there_are_figures_too(router: Router, browser: Browser) -> None:
    await router.entry((await router.chat("hi")).headers["x-gearshift-decision"])
    async with tab(browser, router.url, java_script_enabled=False) as page:
        await page.open()
        while not await page.page.locator("#recent a").count():
            await page.open()  # a ledger that is slow to answer is not waited for
        await page.page.fill("#prompt", "hi")
        await page.page.get_by_role("button", name="Decide").click()
        await expect(page.page.locator("#tried")).to_contain_text("Would go to")


async def test_prompts_are_text_wherever_they_stand(router: Router, browser: Browser) -> None:
    evil = "<img src=x onerror=document.title='owned'>"
    record(
        router,
        entry(
            1,
            at_us=time.time_ns() // 1_000,
            simulated=True,
            decision=chosen("easy", evil),
            prompt=evil,
            kept=Kept(length=len(evil)),
        ),
    )
    async with tab(browser, router.url) as page:
        await page.open()
        await stored(page, evil)
        await page.page.locator("#recent a").click()
        await expect(page.page.locator("pre")).to_have_text(evil)
        assert "owned" not in await page.page.title()
