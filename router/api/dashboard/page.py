"""Whole pages: their frame, and what stands in it before anything changes. Pure."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from router.api.dashboard.html import Html, join, tag
from router.api.dashboard.parts import section

EVENTS_PATH: Final = "/dashboard/events"
DIALS: Final = ("auto", "auto:cheap", "auto:best")
"""What the box offers for `model`."""
_OURS: Final = "dashboard.js"
"""Deferred: it listens before anything happens, and asks for Vega when all else is there."""
_THEIRS: Final = ("htmx.min.js", "hx-sse.min.js")
"""At the end of the page and not deferred: htmx that is deferred begins when it arrives, and where
its reader of event streams arrives later there would be no stream."""
_CONFIG: Final = '{"history": false, "transitions": false, "includeIndicatorCSS": false}'
Address: TypeAlias = Callable[[str], str]
"""File name of a static file → where it is."""


def frame(title: str, body: Html, address: Address, *, scripts: bool = False) -> Html:
    """A document around `body`. Scripts wait until the page is read."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="htmx-config", content=_CONFIG) if scripts else None,
        tag("title", title),
        tag("link", rel="icon", href=address("icon.svg"), type="image/svg+xml"),
        tag("link", rel="stylesheet", href=address("dashboard.css")),
        tag("script", src=address(_OURS), defer=True) if scripts else None,
    )
    last = [tag("script", src=address(name)) for name in _THEIRS if scripts]
    return join([Html("<!doctype html>"), tag("html", head, tag("body", body, *last), lang="en")])


def home(
    regions: Mapping[str, Html],
    charts: bytes,
    address: Address,
    *,
    tried: Html | None = None,
    can_leave: bool,
) -> Html:
    """The dashboard itself."""
    # Inside a script element only its end could be misread.
    data = Html(charts.decode().replace("<", "\\u003c"))
    body = join(
        [
            tag("a", "Skip to the figures", href="#main", class_="skip"),
            _header(regions, can_leave=can_leave),
            tag("main", *_sections(regions, tried), id="main", tabindex="-1"),
            tag("script", data, type="application/json", id="charts", data_vega=address("vega.js")),
        ]
    )
    return frame("gearshift dashboard", body, address, scripts=True)


def _header(regions: Mapping[str, Html], *, can_leave: bool) -> Html:
    connect = {"hx-sse:connect": EVENTS_PATH, "hx-swap": "none"}
    places = {
        "cost": "Cost",
        "charts-by-day": "By day",
        "time": "Time",
        "try": "Try",
        "list": "Recent",
    }
    links = (tag("a", name, href=f"#{place}") for place, name in places.items())
    return tag(
        "header",
        tag("h1", "gearshift"),
        tag("nav", *links, aria_label="Parts of the page"),
        tag(
            "div",
            tag("span", "Not live", id="connection", role="status"),
            tag("span", regions["updated"], id="updated", class_="quiet"),
            tag("button", "Pause", id="pause", type="button", aria_pressed="false", hidden=True),
            _logout() if can_leave else None,
            tag("span", id="live", **connect),
            class_="state",
        ),
    )


def _logout() -> Html:
    button = tag("button", "Sign out", type="submit")
    return tag("form", button, method="post", action="/dashboard/logout")


def _sections(regions: Mapping[str, Html], tried: Html | None) -> list[Html]:
    def region(name: str, **more: str) -> Html:
        return tag("div", regions[name], id=name, **more)

    return [
        region("notices", role="status"),
        section("cost", "Cost and saving", region("money", class_="cards"), _estimates()),
        section(
            "charts-by-day",
            "By day",
            tag(
                "div",
                _figure("cost", "Cost by tier, with the baseline as a dashed line"),
                _figure("mix", "Tier mix: share of requests"),
                class_="two",
            ),
            tag("details", tag("summary", "The same as a table"), region("days")),
        ),
        section(
            "time",
            "The last requests",
            tag(
                "div",
                tag("div", _figure("stages", "Time by stage: median, 95th and 99th percentile")),
                tag("div", region("stages")),
                tag("div", tag("h3", "Cache and failures"), region("caches")),
                tag("div", tag("h3", "Fallbacks"), region("fallbacks")),
                class_="two",
            ),
        ),
        section("try", "Try a prompt", _try(tried)),
        section("list", "Recent decisions", region("recent")),
    ]


def _estimates() -> Html:
    words = "What other tiers would have cost is estimated; brackets hold 95 %."
    return tag("p", words, class_="quiet")


def _figure(name: str, caption: str) -> Html:
    # Vega gives the element that it draws into a role and a name of its own.
    chart = tag(
        "div", tag("div", id=f"chart-{name}", class_="chart"), role="img", aria_label=caption
    )
    return tag("figure", tag("figcaption", caption), chart)


def _try(tried: Html | None) -> Html:
    options = (tag("option", name, value=name) for name in DIALS)
    send = {"hx-post": "/dashboard/try", "hx-target": "#tried", "hx-swap": "innerHTML"}
    form = tag(
        "form",
        tag(
            "p", "Decided and not sent: no model is asked, and nothing is recorded.", class_="quiet"
        ),
        tag("label", "Prompt", for_="prompt"),
        tag("textarea", name="prompt", id="prompt", rows="4", required=True, maxlength="20000"),
        tag("label", "Model that the caller names", for_="dial"),
        tag("select", *options, name="dial", id="dial"),
        tag("button", "Decide", type="submit"),
        method="post",
        action="/dashboard/try",
        **send,
    )
    return join([form, tag("div", tried, id="tried", aria_live="polite")])


def alone(title: str, body: Html, address: Address) -> Html:
    """A page with one thing on it, and the way back."""
    back = tag("nav", tag("a", "Dashboard", href="/dashboard"), aria_label="Way back")
    header = tag("header", tag("h1", title), back)
    return frame(f"{title} · gearshift", join([header, tag("main", body, id="main")]), address)


def login(address: Address, *, trouble: str = "") -> Html:
    """The form that asks for the admin key."""
    form = tag(
        "form",
        # For keepers of passwords, who want a name to keep it under.
        tag("input", name="name", value="admin", autocomplete="username", hidden=True),
        tag("label", "Admin key", for_="key"),
        tag(
            "input",
            type="password",
            name="key",
            id="key",
            required=True,
            autofocus=True,
            autocomplete="current-password",
            aria_describedby="trouble" if trouble else None,
            aria_invalid="true" if trouble else None,
        ),
        tag("p", trouble, id="trouble", role="alert", class_="notice bad") if trouble else None,
        tag("button", "Sign in", type="submit"),
        method="post",
        action="/dashboard/login",
        class_="login",
    )
    header = tag("header", tag("h1", "gearshift"))
    words = "The key that this router was started with (GEARSHIFT_ADMIN_KEY)."
    main = tag("main", tag("p", words, class_="quiet"), form, id="main")
    return frame("Sign in · gearshift", join([header, main]), address)
