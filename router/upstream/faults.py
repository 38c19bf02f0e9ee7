"""Foreign failures, translated: an upstream's status and body, or a broken connection, to a Fault.

The kinds of 429 and the 404 of retired ids are Moonshot's; other hosts of the same models and
OpenAI's own codes are told apart by the same words.
"""

from typing import Final

import httpx

from router.domain import Fault, ModelId
from router.errors import UpstreamError
from router.wire.errors import ErrorDetail, parse_error

_BY_STATUS: Final[dict[int, Fault]] = {
    400: "invalid",
    401: "auth",
    402: "quota",
    403: "auth",
    404: "not_found",
    408: "timeout",
    413: "invalid",
    415: "invalid",
    422: "invalid",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_BY_WORD: Final[dict[str, Fault]] = {
    "exceeded_current_quota_error": "quota",
    "insufficient_quota": "quota",
    "engine_overloaded_error": "overloaded",
    "content_filter": "content_filter",
    "resource_not_found_error": "not_found",
    "model_not_found": "not_found",
}
_ALONE: Final[dict[str, Fault]] = {
    "rate_limit_reached_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "invalid_request_error": "invalid",
    "authentication_error": "auth",
    "overloaded_error": "overloaded",
}
"""Words that count only where no status tells more: OpenAI calls a wrong key an invalid request."""
_LONGEST_WAIT_S: Final = 600.0
_TRANSPORT: Final[tuple[tuple[type[httpx.TransportError], Fault, str], ...]] = (
    (httpx.ConnectError, "connect", "cannot be reached"),
    (httpx.ConnectTimeout, "connect", "does not accept connections"),
    (httpx.ReadTimeout, "timeout", "did not answer in time"),
    (httpx.TransportError, "cut", "closed the connection"),
)


def from_answer(
    model: ModelId, upstream: str, response: httpx.Response, body: bytes
) -> UpstreamError:
    """The error for an answer whose status is not 2xx."""
    status = response.status_code
    told = parse_error(body)
    fault = fault_of(told, status)
    if fault == "auth":
        # The upstream's words may quote the key.
        message = f"upstream `{upstream}` refused the router's key for {model} (HTTP {status})"
    else:
        message = f"{model} at `{upstream}` answered HTTP {status}: {told.message}"
    return UpstreamError(
        message,
        fault=fault,
        upstream_status=status,
        retry_after_s=_retry_after(response.headers.get("retry-after")),
        code=told.code or told.type or None,
    )


def fault_of(told: ErrorDetail, status: int = 0) -> Fault:
    """The fault that an upstream's words mean; its status where they say nothing."""
    word = _BY_WORD.get(told.type) or _BY_WORD.get(told.code or "")
    if word is None and not status:
        word = _ALONE.get(told.type) or _ALONE.get(told.code or "")
    return word or _BY_STATUS.get(status, "server")


def refused(model: ModelId, told: ErrorDetail) -> UpstreamError:
    """The error for a stream that begins with an error event."""
    message = f"{model} answered with an error: {told.message}"
    return UpstreamError(message, fault=fault_of(told), upstream_status=200, code=told.code)


def from_transport(model: ModelId, upstream: str, error: httpx.TransportError) -> UpstreamError:
    """The error for a connection that failed before the head of an answer came."""
    fault, what = next((f, w) for kind, f, w in _TRANSPORT if isinstance(error, kind))
    # Not the error's own words: they hold addresses that are no caller's business.
    return UpstreamError(f"upstream `{upstream}` {what} for {model}", fault=fault)


def from_body(model: ModelId, upstream: str, error: httpx.TransportError) -> UpstreamError:
    """The error for an answer that broke off after its head had come."""
    if isinstance(error, httpx.ReadTimeout):
        message = f"{model} at `{upstream}` fell silent"
        return UpstreamError(message, fault="stall", upstream_status=200)
    message = f"{model} at `{upstream}` broke off its answer"
    return UpstreamError(message, fault="cut", upstream_status=200)


def _retry_after(value: str | None) -> float | None:
    """Seconds of a `retry-after` header, bounded; none for its date form, which no host sends."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return max(0.0, min(seconds, _LONGEST_WAIT_S)) if seconds == seconds else None  # noqa: PLR0124  nan
