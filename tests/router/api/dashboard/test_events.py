"""What goes down the stream: only what is new, in a form that both readers take."""

from router.api.dashboard.desk import Scene
from router.api.dashboard.events import news_of
from router.api.dashboard.html import Html, tag

EMPTY = Scene({}, b"")


def test_everything_is_new_to_who_has_nothing() -> None:
    scene = Scene({"money": tag("p", "1"), "recent": tag("p", "2")}, b'{"cost":{}}')
    news = news_of(EMPTY, scene).decode()
    swap, charts, rest = news.split("\n\n")
    assert swap == (
        'data: <hx-partial hx-target="#money" hx-swap="innerMorph"><p>1</p></hx-partial>'
        '<hx-partial hx-target="#recent" hx-swap="innerMorph"><p>2</p></hx-partial>'
    )
    assert charts == 'event: charts\ndata: {"cost":{}}'
    assert rest == ""


def test_only_what_changed_is_sent() -> None:
    before = Scene({"money": Html("1"), "recent": Html("2")}, b"{}")
    after = Scene({"money": Html("1"), "recent": Html("3")}, b"{}")
    news = news_of(before, after)
    assert b"#recent" in news
    assert b"#money" not in news
    assert b"charts" not in news
    assert news_of(after, after) == b""


def test_no_line_of_text_can_end_a_message() -> None:
    text = "first\n\nevent: charts\ndata: forged\r\rid: 7"
    news = news_of(EMPTY, Scene({"recent": tag("pre", text)}, b""))
    lines = news.decode().split("\n")
    assert all(line.startswith("data: ") for line in lines[:-2])
    assert lines[-2:] == ["", ""]
    assert b"\r" not in news
