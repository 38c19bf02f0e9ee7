"""Which requests come from a page of our own, and which from elsewhere."""

import pytest

from router.api.dashboard.origin import HEADERS, is_https, is_local, is_same_origin

HOST = {"host": "router.example:8080"}


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        # What the browser says of itself outranks what a page can say.
        ({"sec-fetch-site": "cross-site", "origin": "http://router.example:8080"}, False),
        ({"origin": "http://router.example:8080"}, True),
        ({"origin": "https://router.example:8080"}, True),
        ({"origin": "http://router.example"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({}, True),
    ],
)
def test_whose_form_it_is(headers: dict[str, str], own: bool) -> None:
    assert is_same_origin({**HOST, **headers}) is own


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("localhost:8080", True),
        ("dash.localhost:8080", True),
        ("127.0.0.1:8080", True),
        ("127.8.8.8", True),
        ("[::1]:8080", True),
        ("evil.example:8080", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False),
        ("", False),
        ("[", False),
        ("[::1", False),
    ],
)
def test_which_host_is_this_machine(host: str, local: bool) -> None:
    assert is_local({"host": host}) is local


def test_a_request_without_a_host_is_not_local() -> None:
    assert not is_local({})


def test_a_proxy_may_say_that_the_browser_came_by_https() -> None:
    assert is_https({"x-forwarded-proto": "HTTPS"}, "http")
    assert is_https({}, "https")
    assert not is_https({"x-forwarded-proto": "http"}, "http")


def test_no_foreign_script_runs_and_nobody_frames_the_page() -> None:
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
