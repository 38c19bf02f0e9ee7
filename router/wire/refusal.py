"""Bodies that cannot be read, refused with the field, what it holds and what it should hold."""

import re
from collections.abc import Mapping

import msgspec

from router.errors import BadRequest


def check_text(body: bytes) -> None:
    """Refuse what is not UTF-8: the JSON scanner does not look into the values that it skips."""
    if not body:
        raise BadRequest("the body is empty; expected a JSON object")
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        message = f"the body is not valid UTF-8: byte {error.start} is 0x{body[error.start]:02x}"
        raise BadRequest(message) from None


def refusal(error: Exception, fields: Mapping[str, msgspec.Raw] | None) -> BadRequest:
    """What a decoder complained of, told to the caller.

    `fields` are those of the body, as far as they could be read: they show the value that is wrong
    where the decoder only says what it wanted.
    """
    if isinstance(error, RecursionError):
        return BadRequest("the body is nested too deeply")
    if not isinstance(error, msgspec.ValidationError):
        reason = str(error).removeprefix("JSON is malformed: ")
        return BadRequest(f"the body is not valid JSON: {reason}")
    what, _, path = str(error).partition(" - at `$")
    param = path.removesuffix("`").removeprefix(".")
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", what):
        param = f"{param}.{missing[1]}".removeprefix(".")
        return BadRequest(f"`{param}` is missing", param=param)
    what = what[0].lower() + what[1:]
    raw = (fields or {}).get(param)
    if raw is not None and ", got " not in what:
        what = f"{what}, got `{bytes(raw)[:40].decode(errors='replace')}`"
    return BadRequest(f"`{param}`: {what}" if param else f"the body: {what}", param=param or None)
