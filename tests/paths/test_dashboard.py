"""The dashboard over HTTP: who sees it, what it says, and what follows live."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from router.api.dashboard.feed import MOST_VIEWERS
from router.api.dashboard.session import COOKIE
from router.config.schema import Config, Environment
from tests.dashboards import ADMIN, data_dir_of, record, watching
from tests.ledgers import entry
from tests.routers import Router, running_router
from tests.waiting import until_said

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[Router]:
    """A router with an admin key."""
    async with running_router(tmp_path, environment=Environment(admin_key=ADMIN)) as router:
        yield router


async def sign_in(router: Router, key: str = ADMIN, **headers: str) -> httpx.Response:
    return await router.http.post("/dashboard/login", data={"key": key}, headers=headers)


async def shown(router: Router, words: str, path: str = "") -> str:
    """The page, once it holds `words`: a ledger that is slow to answer is not waited for."""
    page = ""

    async def told() -> bool:
        nonlocal page
        page = (await router.http.get(f"/dashboard{path}")).text
        return words in page

    await until_said(told)
    return page


async def test_without_keys_it_is_open_and_shows_what_happened(router: Router) -> None:
    answer = await router.chat("hi")
    decision = answer.headers["x-gearshift-decision"]
    await router.entry(decision)
    page = await shown(router, f"/dashboard/decisions/{decision}")
    assert "Simulated: the sandbox answered" in page
    assert "Sign out" not in page


async def test_every_answer_has_the_headers_that_keep_others_out(router: Router) -> None:
    for path in ("/dashboard", "/dashboard/decisions/x", "/dashboard/static/dashboard.css"):
        headers = (await router.http.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert (await router.http.get("/dashboard")).headers["cache-control"] == "no-store"


async def test_with_a_key_everything_is_shut_but_the_form(locked: Router) -> None:
    page = await locked.http.get("/dashboard")
    assert (page.status_code, page.headers["location"]) == (303, "/dashboard/login")
    assert (await locked.http.get("/dashboard/decisions/x")).status_code == 303
    assert (await locked.http.get("/dashboard/events")).status_code == 401
    assert (await locked.http.head("/dashboard/events")).status_code == 401
    tried = await locked.http.post("/dashboard/try", data={"prompt": "hi"})
    assert tried.status_code == 303
    part = {"hx-request": "true"}
    assert (await locked.http.post("/dashboard/try", data={}, headers=part)).status_code == 401
    form = await locked.http.get("/dashboard/login")
    assert form.status_code == 200
    assert 'type="password"' in form.text


async def test_the_key_opens_and_signing_out_shuts(locked: Router) -> None:
    wrong = await sign_in(locked, "not-the-key")
    assert wrong.status_code == 401
    assert "That is not the admin key." in wrong.text
    assert "set-cookie" not in wrong.headers
    assert "not-the-key" not in wrong.text
    right = await sign_in(locked)
    assert (right.status_code, right.headers["location"]) == (303, "/dashboard")
    assert ADMIN not in right.headers["set-cookie"]
    page = await locked.http.get("/dashboard")
    assert page.status_code == 200
    assert "Sign out" in page.text
    assert (await locked.http.get("/dashboard/login")).headers["location"] == "/dashboard"
    await locked.http.post("/dashboard/logout")
    assert (await locked.http.get("/dashboard")).status_code == 303


async def test_the_cookie_opens_nothing_else(locked: Router) -> None:
    await sign_in(locked)
    cookie = {"cookie": f"{COOKIE}={locked.http.cookies[COOKIE]}"}
    assert (await locked.http.get("/dashboard", headers=cookie)).status_code == 200
    assert (await locked.http.get("/metrics", headers=cookie)).status_code == 401


async def test_a_program_shows_the_key_itself(locked: Router) -> None:
    headers = {"authorization": f"Bearer {ADMIN}"}
    assert (await locked.http.get("/dashboard", headers=headers)).status_code == 200


async def test_behind_https_the_cookie_stays_there(locked: Router) -> None:
    assert "Secure" not in (await sign_in(locked)).headers["set-cookie"]
    through = await sign_in(locked, **{"x-forwarded-proto": "https"})
    assert "; Secure" in through.headers["set-cookie"]


@pytest.mark.parametrize("path", ["login", "logout", "try"])
@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}]
)
async def test_forms_of_other_sites_do_nothing(
    router: Router, path: str, headers: dict[str, str]
) -> None:
    data = {"key": ADMIN, "prompt": "hi"}
    refused = await router.http.post(f"/dashboard/{path}", data=data, headers=headers)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("path", ["", "/decisions/x", "/events"])
async def test_a_name_that_was_pointed_at_this_machine_is_not_this_machine(
    router: Router, path: str
) -> None:
    lured = await router.http.get(f"/dashboard{path}", headers={"host": "evil.example:8080"})
    assert lured.status_code in {401, 403}


async def test_with_a_key_any_host_will_do(locked: Router) -> None:
    headers = {"host": "router.example", "authorization": f"Bearer {ADMIN}"}
    assert (await locked.http.get("/dashboard", headers=headers)).status_code == 200


async def test_a_decision_is_explained(router: Router) -> None:
    answer = await router.chat("What is the capital of Portugal?")
    decision = answer.headers["x-gearshift-decision"]
    await router.entry(decision)
    page = await router.http.get(f"/dashboard/decisions/{decision}")
    assert page.status_code == 200
    assert f"Sent to {answer.headers['x-gearshift-model']}" in page.text
    assert "The prompt was not kept." in page.text
    assert "Portugal" not in page.text


def keeping(config: Config) -> Config:
    kept = msgspec.structs.replace(config.ledger, store_prompts=True)
    return msgspec.structs.replace(config, ledger=kept)


async def test_kept_text_is_shown_as_text(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=keeping) as router:
        answer = await router.chat("<script>alert(1)</script> write to ada@example.com")
        decision = answer.headers["x-gearshift-decision"]
        await router.entry(decision)
        for path in ("", f"/decisions/{decision}"):
            page = await shown(router, "&lt;script&gt;alert(1)&lt;/script&gt; write to ", path)
            assert "<script>alert" not in page
            assert "ada@example.com" not in page


@pytest.mark.parametrize("name", ["x", "0" * 32, "%00", "%FF", "a" * 500, "..%2F..%2Fetc"])
async def test_a_decision_that_is_not_there_is_not_found(router: Router, name: str) -> None:
    page = await router.http.get(f"/dashboard/decisions/{name}")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith(("text/html", "application/json"))


async def test_a_prompt_is_decided_and_not_sent(router: Router) -> None:
    part = {"hx-request": "true", "sec-fetch-site": "same-origin"}
    told = await router.http.post(
        "/dashboard/try", data={"prompt": "hi there", "dial": "auto"}, headers=part
    )
    assert told.status_code == 200
    assert told.text.startswith("<h3>Decision</h3>")
    assert "small-chat" in told.text
    assert "Expected cost" in told.text
    assert len(re.findall("<data value=", told.text)) >= 3
    assert not [one for one in router.sandbox.received if one.method == "POST"]
    assert router.entries() == []


async def test_without_scripts_the_whole_page_comes_back(router: Router) -> None:
    told = await router.http.post("/dashboard/try", data={"prompt": "hi", "dial": "auto:best"})
    assert told.status_code == 200
    assert told.text.startswith("<!doctype html>")
    assert "<h3>Decision</h3>" in told.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Write a prompt first."),
        ({"prompt": "  "}, "Write a prompt first."),
        ({"prompt": "hi", "dial": "gpt"}, "The model has to be one of auto"),
        ({"prompt": "x" * 20_001}, "The prompt is longer than 20,000 characters"),
        ({"prompt": "x" * 300_000}, "Write a prompt first."),
        ({f"f{n}": "x" for n in range(50)}, "Write a prompt first."),
    ],
)
async def test_what_cannot_be_tried_is_told(
    router: Router, fields: dict[str, str], words: str
) -> None:
    told = await router.http.post("/dashboard/try", data=fields, headers={"hx-request": "true"})
    assert told.status_code == 400
    assert words in told.text
    assert 'role="alert"' in told.text


async def test_a_form_that_is_none_is_an_empty_one(router: Router) -> None:
    headers = {**FORM, "hx-request": "true"}
    told = await router.http.post("/dashboard/try", content=b"\xff%GG&&=&prompt", headers=headers)
    assert told.status_code == 400


async def test_files_are_kept_for_as_long_as_their_address_lasts(router: Router) -> None:
    page = (await router.http.get("/dashboard")).text
    address = re.search(r'data-vega="(/dashboard/static/vega[^"]+)"', page)
    assert address is not None
    plain = await router.http.get(address[1], headers={"accept-encoding": "identity"})
    packed = await router.http.get(address[1], headers={"accept-encoding": "gzip"})
    assert plain.content == packed.content
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(gzip.compress(plain.content)) + 1_000
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["etag"] != packed.headers["etag"]
    again = await router.http.get(
        address[1], headers={"if-none-match": packed.headers["etag"], "accept-encoding": "gzip"}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert (await router.http.get("/dashboard/static/dashboard.css")).headers[
        "cache-control"
    ] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fchat.py", "..%2f..%2fapp.py", "%2e%2e"])
async def test_no_other_file_is_sent(router: Router, name: str) -> None:
    assert (await router.http.get(f"/dashboard/static/{name}")).status_code in {303, 404}


async def test_what_happens_is_told_as_it_happens(router: Router) -> None:
    async with watching(router.http) as events:
        assert events.response.headers["content-type"].startswith("text/event-stream")
        assert "No requests yet." in (await events.next())[1]
        name, charts = await events.next()
        assert name == "charts"
        assert set(msgspec.json.decode(charts)) == {"cost", "mix", "stages"}
        answer = await router.chat("hi")
        swap = await events.until(answer.headers["x-gearshift-decision"])
        assert 'hx-target="#recent"' in swap
        # Sums follow within seconds, and then by themselves.
        assert "hx-partial" in await events.until("Always hard")


async def test_other_workers_are_seen_too(router: Router) -> None:
    async with watching(router.http) as events:
        await events.next()
        other = entry(77, simulated=True)
        record(router, other)
        assert "small" in await events.until(other.id)


async def test_as_many_may_look_as_may_and_those_who_leave_make_room(router: Router) -> None:
    async with httpx.AsyncClient(
        base_url=router.url, timeout=20, limits=httpx.Limits(max_connections=100)
    ) as http:
        looking = [watching(http) for _ in range(MOST_VIEWERS)]
        for one in looking:
            events = await one.__aenter__()
            assert events.response.status_code == 200
        async with watching(http) as refused:
            assert refused.response.status_code == 503
        for one in looking:
            await one.__aexit__(None, None, None)

        async def has_room() -> bool:
            async with watching(http) as events:
                return events.response.status_code == 200

        await until_said(has_room)


async def test_a_ledger_in_trouble_is_told_on_the_page(router: Router) -> None:
    await router.http.get("/dashboard")
    file = data_dir_of(router) / "ledger.sqlite3"
    away = file.rename(file.with_suffix(".away"))
    async with watching(router.http) as events:
        await events.next()
        record(router, entry(5))
        decision = await router.http.get(f"/dashboard/decisions/{'0' * 32}")
        assert decision.status_code == 503
        assert "cannot be read" in decision.text
        page = await router.http.get("/dashboard")
        assert page.status_code == 200
        away.rename(file)
        await events.until(f"{5:032x}")


async def test_it_is_no_part_of_the_api(router: Router) -> None:
    schema = (await router.http.get("/schema")).json()
    assert not [path for path in schema["paths"] if "dashboard" in path]
