"""The one error table: from an error to a status, headers and a body in OpenAI's shape."""

from msgspec import Struct

from router.errors import RequestError, UpstreamError
from router.wire.errors import error_body

Headers = list[tuple[bytes, bytes]]


class Failure(Struct, frozen=True, kw_only=True):
    """An error as it goes out."""

    status: int
    headers: Headers
    body: bytes


def failure_of(error: Exception) -> Failure:
    """What the caller is told of `error`. Of an unexpected one: that it was ours, nothing else."""
    if not isinstance(error, RequestError):
        message = "The router failed on this request; its log says more."
        return _failure(500, error_body(message, type="internal_error", code="internal_error"), [])
    body = error_body(str(error), type=error.type, param=error.param, code=error.code)
    return _failure(error.status, body, _retry_headers(error))


def _retry_headers(error: RequestError) -> Headers:
    """When to come back. What was tried on every model is not worth trying again at once."""
    if not isinstance(error, UpstreamError):
        return []
    if error.retry_after_s is not None:
        return [(b"retry-after", f"{error.retry_after_s:g}".encode())]
    return [(b"x-should-retry", b"false")]


def _failure(status: int, body: bytes, headers: Headers) -> Failure:
    length = str(len(body)).encode()
    return Failure(
        status=status,
        body=body,
        headers=[(b"content-type", b"application/json"), (b"content-length", length), *headers],
    )
