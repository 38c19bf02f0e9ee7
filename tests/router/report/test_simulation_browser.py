"""The page of a simulation in a real browser: light and dark, narrow and wide."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from router.report.simulation.files import write
from tests.router.report.test_simulation_page import READING, simulation

ColorScheme: TypeAlias = Literal["light", "dark"]
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS: Final = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium is installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("page")
    write(simulation(), READING, folder)
    return (folder / "report.html").as_uri()


def opened(browser: Browser, address: str, width: int, scheme: ColorScheme) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(address)
    return page


@pytest.mark.parametrize("width", [360, 1_280])
def test_the_page_never_scrolls_sideways(browser: Browser, address: str, width: int) -> None:
    page = opened(browser, address, width, "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_pictures_and_ground_follow_the_readers_setting(browser: Browser, address: str) -> None:
    grounds, shown = set(), []
    schemes: tuple[ColorScheme, ...] = ("light", "dark")
    for scheme in schemes:
        page = opened(browser, address, 1_000, scheme)
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        images = page.locator("img")
        shown.append(images.evaluate_all("all => all.map(one => one.currentSrc)"))
        assert all(images.evaluate_all("all => all.map(one => one.naturalWidth > 100)"))
        page.close()
    assert len(grounds) == 2
    assert not set(shown[0]) & set(shown[1])


def test_a_wide_table_can_be_reached_and_moved_by_keyboard(browser: Browser, address: str) -> None:
    page = opened(browser, address, 360, "light")
    table = page.get_by_role("region", name="What default and other ways to serve")
    table.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")
    page.close()


def test_headings_lead_through_the_page(browser: Browser, address: str) -> None:
    page = opened(browser, address, 1_000, "light")
    assert page.get_by_role("heading", level=1).count() == 1
    links = page.get_by_role("navigation").get_by_role("link")
    assert links.count() == page.get_by_role("heading", level=2).count() >= 9
    links.filter(has_text="How sure this is").click()
    assert page.get_by_role("heading", name="How sure this is").is_visible()
    page.close()
