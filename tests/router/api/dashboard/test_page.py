"""The frames of pages: what a browser and a screen reader find in them."""

import re

import msgspec
import pytest

from router.api.dashboard import page
from router.api.dashboard.html import Html, tag
from router.api.dashboard.view import regions
from tests.router.api.dashboard.test_html import Seen


def address(name: str) -> str:
    return f"/here/{name}"


def home(charts: bytes = b"{}", *, tried: Html | None = None, can_leave: bool = True) -> str:
    return page.home(regions(None), charts, address, tried=tried, can_leave=can_leave)


PAGES = {
    "home": home(),
    "login": page.login(address),
    "alone": page.alone("Decision", tag("p", "x"), address),
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_a_document_with_a_language_and_a_name(name: str) -> None:
    seen = Seen(PAGES[name])
    assert PAGES[name].startswith('<!doctype html><html lang="en"><head>')
    assert seen.elements.count("title") == 1
    assert seen.elements.count("h1") == 1
    assert seen.elements.count("main") == 1
    assert seen.elements.count("header") == 1


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_a_script_or_a_style_inside(name: str) -> None:
    shown = PAGES[name]
    scripts = re.findall(r"<script([^>]*)>", shown)
    assert all("src=" in one or 'type="application/json"' in one for one in scripts)
    assert "<style" not in shown
    assert not re.search(r'\sstyle="', shown)
    assert not re.search(r'\son\w+="', shown)


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_there_once_and_references_lead_to_them(name: str) -> None:
    shown = PAGES[name]
    ids = re.findall(r'\sid="([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    named = re.findall(r'\s(?:for|aria-labelledby|aria-describedby)="([^"]+)"', shown)
    named += re.findall(r'\shref="#([^"]+)"', shown)
    named += re.findall(r'\shx-target="#([^"]+)"', shown)
    assert set(named) <= set(ids)


def test_only_the_home_page_loads_scripts_and_none_of_them_holds_up_the_paint() -> None:
    scripts = re.findall(r"<script src=[^>]*>", PAGES["home"])
    assert len(scripts) == 3
    assert [" defer" in one for one in scripts] == [True, False, False]
    assert PAGES["home"].endswith(f"{scripts[1]}</script>{scripts[2]}</script></body></html>")
    assert 'data-vega="/here/vega.js"' in PAGES["home"]
    assert "<script" not in PAGES["login"] + PAGES["alone"]


def test_every_changing_part_has_its_place() -> None:
    ids = set(re.findall(r'\sid="([^"]+)"', PAGES["home"]))
    assert set(regions(None)) <= ids
    assert {"chart-cost", "chart-mix", "chart-stages", "live", "pause", "connection"} <= ids


def test_chart_data_cannot_end_its_element() -> None:
    data = msgspec.json.encode({"model": "</script><script>alert(1)</script>"})
    shown = home(data)
    assert "<script>alert" not in shown
    inside = shown.partition('id="charts"')[2].partition(">")[2].partition("</script>")[0]
    assert msgspec.json.decode(inside) == msgspec.json.decode(data)


def test_only_who_signed_in_can_sign_out() -> None:
    assert "/dashboard/logout" in home()
    assert "/dashboard/logout" not in home(can_leave=False)


def test_what_was_tried_stands_where_it_is_announced() -> None:
    shown = home(tried=tag("p", "decided"))
    assert '<div id="tried" aria-live="polite"><p>decided</p></div>' in shown


def test_a_wrong_key_is_announced_and_tied_to_its_field() -> None:
    shown = page.login(address, trouble="That is not it.")
    assert '<p id="trouble" role="alert" class="notice bad">That is not it.</p>' in shown
    assert 'aria-describedby="trouble"' in shown
    assert 'aria-invalid="true"' in shown
    assert "aria-invalid" not in PAGES["login"]


def test_keepers_of_passwords_find_a_name_and_a_key() -> None:
    assert 'autocomplete="username"' in PAGES["login"]
    assert 'autocomplete="current-password"' in PAGES["login"]
