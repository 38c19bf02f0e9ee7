"""Whatever a caller wrote stays text."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.api.dashboard.html import Html, join, tag


class Seen(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


# A parser turns each of these into something else, whoever wrote it.
ANY = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]))


@given(ANY, ANY)
def test_text_and_attributes_come_out_as_they_went_in(text: str, value: str) -> None:
    seen = Seen(tag("p", text, title=value))
    assert seen.elements == ["p"]
    assert seen.text == text
    assert seen.attributes == {"title": value}


def test_markup_is_not_escaped_twice() -> None:
    assert tag("p", tag("b", "<"), " & ", None) == "<p><b>&lt;</b> &amp; </p>"
    assert join(["<", Html("<br>")]) == "&lt;<br>"


@pytest.mark.parametrize(
    ("attributes", "written"),
    [
        ({"class_": "a", "aria_label": "b"}, ' class="a" aria-label="b"'),
        ({"hidden": True, "open": False, "id": None}, " hidden"),
        ({"hx-sse:connect": "/x", "tabindex": 0}, ' hx-sse:connect="/x" tabindex="0"'),
    ],
)
def test_attributes_are_named_as_html_names_them(
    attributes: dict[str, str | bool | int | None], written: str
) -> None:
    assert tag("div", **attributes) == f"<div{written}></div>"


def test_an_element_without_content_has_no_end() -> None:
    assert tag("input", name="key") == '<input name="key">'
