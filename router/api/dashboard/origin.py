"""Whose page asks: other sites may not use an administrator's browser, nor an open localhost."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

HEADERS: Final = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: under that browsers hide the origin of a form, which is checked here.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every answer under `/dashboard`. No script or style that is not a file of our own runs."""


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a form was sent from a page of this host, or by no browser at all.

    Browsers say so in `sec-fetch-site`, older ones in `origin`; a program that sends neither
    carries no cookie that it was not given on purpose.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


def is_local(headers: Mapping[str, str]) -> bool:
    """Whether the request names this machine as its host.

    A site can make its own name point at 127.0.0.1 (DNS rebinding) and would then be "same
    origin"; but the browser goes on to send that name.
    """
    host = ""
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_https(headers: Mapping[str, str], scheme: str) -> bool:
    """Whether the browser came by HTTPS, directly or through a proxy that says so."""
    return scheme == "https" or headers.get("x-forwarded-proto", "").lower() == "https"
