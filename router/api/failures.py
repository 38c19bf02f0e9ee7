"""The one error table: from an error to a status, headers and a body in OpenAI's shape."""

from math import ceil
from typing import Final

from msgspec import Struct

from router.domain import Fault
from router.errors import BudgetExceeded, RequestError, UpstreamError, WrongMethod
from router.wire.errors import error_body

_LASTING: Final[frozenset[Fault]] = frozenset(
    {"quota", "auth", "not_found", "invalid", "content_filter"}
)
"""Faults that the same request meets again."""

Headers = list[tuple[bytes, bytes]]


class Failure(Struct, frozen=True, kw_only=True):
    """An error as it goes out."""

    status: int
    headers: Headers
    body: bytes
    code: str = ""


def failure_of(error: Exception) -> Failure:
    """What the caller is told of `error`. Of an unexpected one: that it was ours, nothing else."""
    if not isinstance(error, RequestError):
        message = "The router failed on this request; its log says more."
        code = "internal_error"
        return _failure(500, error_body(message, type=code, code=code), [], code)
    body = error_body(str(error), type=error.type, param=error.param, code=error.code)
    # Only chat completions raise WrongMethod.
    allow = [(b"allow", b"POST")] if isinstance(error, WrongMethod) else []
    return _failure(error.status, body, [*allow, *_retry_headers(error)], error.code or "")


def _retry_headers(error: RequestError) -> Headers:
    """When to come back, where that is known; else whether to come back at once is any use."""
    if error.retry_after_s is not None:
        after = (b"retry-after", str(ceil(error.retry_after_s)).encode())
        lasting = isinstance(error, BudgetExceeded) and error.lasting
        return [after, (b"x-should-retry", b"false")] if lasting else [after]
    if isinstance(error, UpstreamError) and (error.exhausted or error.fault in _LASTING):
        return [(b"x-should-retry", b"false")]
    return []


def _failure(status: int, body: bytes, headers: Headers, code: str) -> Failure:
    length = str(len(body)).encode()
    return Failure(
        status=status,
        body=body,
        code=code,
        headers=[(b"content-type", b"application/json"), (b"content-length", length), *headers],
    )
