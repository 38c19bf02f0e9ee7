"""Errors on the wire: the shape in which ours go out, and the shapes in which others' come in."""

import html
import re
from typing import Final

import msgspec

MESSAGE_LENGTH: Final = 500
"""Characters kept of an upstream's message: a reason, not a page."""
PAGE_LENGTH: Final = 8_192
"""Bytes read of an answer that is not JSON: a proxy's error page says its piece in the title."""

_title: Final = re.compile(r"<title[^<>]*>([^<>]+)", re.IGNORECASE).search
_page: Final = re.compile(r"<(?:!doctype|html|head|body|title|center|h1)\b", re.IGNORECASE).search
_hidden: Final = re.compile(
    r"<(script|style)\b.*?(?:</\1[^<>]*>|\Z)", re.IGNORECASE | re.DOTALL
).sub
_tags: Final = re.compile(r"</?[a-z!][^<>]*>", re.IGNORECASE).sub
_blanks: Final = re.compile(r"[\x00-\x20\x7f\s]+").sub


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream's error, as far as it can be read."""

    type: str = ""
    message: str
    """One line of plain text, never empty."""
    code: str | None = None


def error_body(
    message: str,
    *,
    type: str,  # noqa: A002 the wire's own word
    param: str | None = None,
    code: str | None = None,
) -> bytes:
    """An error in OpenAI's shape."""
    detail = {"message": message, "type": type, "param": param, "code": code}
    return msgspec.json.encode({"error": detail})


def parse_error(body: bytes) -> ErrorDetail:
    """Read the body of an upstream's error answer, whatever it is and says it is. Never raises.

    Understood are OpenAI's shape, `error` or `detail` as a string, FastAPI's list of details, an
    error at the top level, web pages, plain text, and nothing at all.
    """
    try:
        return read_error(msgspec.json.decode(body))
    except (ValueError, RecursionError):
        return ErrorDetail(message=_plain(body[:PAGE_LENGTH].decode(errors="replace")))


def read_error(value: object) -> ErrorDetail:
    """Read a decoded error, from an answer's body or from an event of a stream."""
    found = _innermost(value)
    if not isinstance(found, dict):
        return ErrorDetail(message=_plain(found))
    code = found.get("code")
    return ErrorDetail(
        type=_name(found.get("type")),
        message=_plain(found.get("message") or found.get("msg") or found.get("title")),
        code=None if code is None else _name(code),
    )


def _innermost(value: object) -> object:
    """Unwrap `error`, `detail` and lists of them; four levels are more than any host nests."""
    for _ in range(4):
        if isinstance(value, list) and value:
            value = value[0]
        elif isinstance(value, dict):
            inner = value.get("error") or (not value.get("message") and value.get("detail"))
            if not inner:
                break
            value = inner
    return value


def _name(value: object) -> str:
    return str(value)[:64] if isinstance(value, str | int) else ""


def _plain(value: object) -> str:
    """One bounded line of text without markup."""
    text = value if isinstance(value, str) else ""
    if _page(text):
        title = _title(text)
        text = html.unescape(title[1] if title else _tags(" ", _hidden(" ", text)))
    text = _blanks(" ", text).strip()
    if len(text) > MESSAGE_LENGTH:
        text = text[: MESSAGE_LENGTH - 1] + "…"
    return text or "no reason given"
