"""The handlers of `/dashboard`, but for its stream of events."""

import asyncio
from collections.abc import Mapping
from time import time
from typing import Final, TypeAlias
from urllib.parse import parse_qs

from litestar import Request, Response, asgi, get, post
from litestar.datastructures import State
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import Receive, Scope, Send

from router.api.dashboard import assets, page
from router.api.dashboard.desk import Desk
from router.api.dashboard.events import Events
from router.api.dashboard.explained import account
from router.api.dashboard.html import Html, tag
from router.api.dashboard.origin import HEADERS, is_https, is_same_origin
from router.api.dashboard.session import set_cookie
from router.domain import DecisionId
from router.errors import LedgerError, RequestError
from router.report.explain import explain

AnyRequest: TypeAlias = Request[None, None, State]
Routes: TypeAlias = list[HTTPRouteHandler | ASGIRouteHandler]
_HTML: Final = "text/html"
_PRIVATE: Final = {"cache-control": "no-store", "vary": "Cookie"}
_FORM_BYTES: Final = 256 * 1024
_FORM_FIELDS: Final = 20
_WAIT_S: Final = 0.4
"""How long a page waits for the ledger; then it goes out, and the figures follow."""
_ID_CHARS: Final = 64


def dashboard_routes(desk: Desk) -> Routes:
    """Handlers over `desk`. None of them is part of the API's schema."""
    return [*_pages(desk), *_forms(desk), _static(), _events(desk)]


def _pages(desk: Desk) -> list[HTTPRouteHandler]:
    @get("/dashboard", include_in_schema=False)
    async def dashboard(request: AnyRequest) -> Response[str]:
        """Show the dashboard, or ask for the key."""
        return _refusal(desk, request) or answer(await _home(desk))

    @get("/dashboard/decisions/{id:str}", include_in_schema=False)
    async def decision(request: AnyRequest, id: FromPath[str]) -> Response[str]:  # noqa: A002
        """Explain one decision."""
        return _refusal(desk, request) or await _decision(desk, DecisionId(id[:_ID_CHARS]))

    @get("/dashboard/login", include_in_schema=False)
    async def login(request: AnyRequest) -> Response[str]:
        """Ask for the admin key, if there is one and it was not shown yet."""
        if desk.admits(request.headers):
            return _redirect("/dashboard")
        return answer(page.login(assets.address))

    return [dashboard, decision, login]


def _forms(desk: Desk) -> list[HTTPRouteHandler]:
    @post("/dashboard/login", include_in_schema=False)
    async def sign_in(request: AnyRequest) -> Response[str]:
        """Give a cookie for the admin key."""
        return _foreign(request) or _sign_in(desk, request, await read_form(request))

    @post("/dashboard/logout", include_in_schema=False)
    async def sign_out(request: AnyRequest) -> Response[str]:
        """Take the cookie away."""
        return _foreign(request) or _redirect("/dashboard/login", cookie=_cookie(request, ""))

    @post("/dashboard/try", include_in_schema=False)
    async def attempt(request: AnyRequest) -> Response[str]:
        """Decide a prompt and send it nowhere: a part of the page for htmx, else all of it."""
        refusal = _foreign(request) or _refusal(desk, request)
        return refusal or await _attempt(desk, request, await read_form(request))

    return [sign_in, sign_out, attempt]


def _static() -> HTTPRouteHandler:
    @get("/dashboard/static/{name:str}", include_in_schema=False)
    async def static(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        """Send a script, a style or a picture: the same for all, so no key is asked for."""
        if name not in assets.names():
            return Response(b"", status_code=404, headers=HEADERS, media_type="text/plain")
        found = await asyncio.to_thread(assets.asset, name)
        packed = "gzip" in request.headers.get("accept-encoding", "")
        tag_ = f'"{found.digest}{"-gz" if packed else ""}"'
        version = request.query_params.get("v")
        headers = {
            **HEADERS,
            "etag": tag_,
            "cache-control": assets.cache_control(found, version),
            "vary": "Accept-Encoding",
            **({"content-encoding": "gzip"} if packed else {}),
        }
        if request.headers.get("if-none-match") == tag_:
            return Response(b"", status_code=304, headers=headers, media_type=found.media_type)
        body = found.packed if packed else found.plain
        return Response(body, headers=headers, media_type=found.media_type)

    return static


def _events(desk: Desk) -> ASGIRouteHandler:
    stream = Events(desk)

    @asgi(page.EVENTS_PATH, copy_scope=True)
    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        """Tell what changes."""
        await stream(scope, receive, send)  # type: ignore[arg-type]  # its own ASGI types

    return events


async def _decision(desk: Desk, wanted: DecisionId) -> Response[str]:
    try:
        entry = await asyncio.to_thread(desk.reader.find, wanted)
    except LedgerError as error:
        return _alone("The ledger cannot be read", f"{error}. Try again in a moment.", 503)
    if entry is None:
        words = f"{wanted} is not in the ledger: it may be on its way, or it never was."
        return _alone("No such decision", words, 404)
    told = explain(entry)
    return answer(page.alone(f"Decision {told.id[:12]}", account(told), assets.address))


def _sign_in(desk: Desk, request: AnyRequest, form: Mapping[str, str]) -> Response[str]:
    value = desk.sessions.begin(form.get("key", ""), time())
    if value is None:
        words = "That is not the admin key."
        return answer(page.login(assets.address, trouble=words), 401)
    return _redirect("/dashboard", cookie=_cookie(request, value))


async def _attempt(desk: Desk, request: AnyRequest, form: Mapping[str, str]) -> Response[str]:
    status = 200
    try:
        told = await desk.trial.decide(form.get("prompt", ""), form.get("dial", "auto"))
    except RequestError as error:
        told, status = tag("p", str(error), class_="notice bad", role="alert"), error.status
    if "hx-request" in request.headers:
        return answer(told, status)
    return answer(await _home(desk, tried=told), status)


async def _home(desk: Desk, *, tried: Html | None = None) -> Html:
    scene = desk.scene(await desk.feed.soon(_WAIT_S))
    return page.home(
        scene.regions,
        scene.charts,
        assets.address,
        tried=tried,
        can_leave=not desk.sessions.open,
    )


def _refusal(desk: Desk, request: AnyRequest) -> Response[str] | None:
    """What is answered to who may not look; none to who may."""
    if desk.is_lured(request.headers):
        words = (
            "Without GEARSHIFT_ADMIN_KEY the dashboard is open on localhost alone, and this page"
            " was asked for under another name. Set a key, or open it as http://localhost."
        )
        return _alone("Not from here", words, 403)
    if desk.admits(request.headers):
        return None
    if "hx-request" in request.headers:
        words = "The session has ended: load the page again and sign in."
        return answer(tag("p", words, class_="notice bad", role="alert"), 401)
    return _redirect("/dashboard/login")


def _foreign(request: AnyRequest) -> Response[str] | None:
    """What is answered to a form of another site; none to one of our own."""
    if is_same_origin(request.headers):
        return None
    words = "The form was sent from a page of another site, and nothing was done."
    return _alone("Refused", words, 403)


def _alone(title: str, words: str, status: int) -> Response[str]:
    return answer(page.alone(title, tag("p", words), assets.address), status)


def answer(html: Html, status: int = 200, **headers: str) -> Response[str]:
    """HTML with the headers that every page has."""
    every = {**HEADERS, **_PRIVATE, **{name.replace("_", "-"): headers[name] for name in headers}}
    return Response(str(html), status_code=status, headers=every, media_type=_HTML)


def _redirect(to: str, *, cookie: str | None = None) -> Response[str]:
    if cookie is None:
        return answer(Html(), 303, location=to)
    return answer(Html(), 303, location=to, set_cookie=cookie)


def _cookie(request: AnyRequest, value: str) -> str:
    return set_cookie(value, secure=is_https(request.headers, request.scope["scheme"]))


async def read_form(request: AnyRequest) -> dict[str, str]:
    """The fields of a form, each once; none of what is larger than any form here."""
    body = await request.body()
    if len(body) > _FORM_BYTES:
        return {}
    try:
        text = body.decode("utf-8", "replace")
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=_FORM_FIELDS)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}
