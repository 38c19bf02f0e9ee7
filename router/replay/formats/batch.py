"""OpenAI's batch files: the input, and the output joined to it by `custom_id`.

Input `{"custom_id", "method", "url", "body"}`, output `{"custom_id", "response": {"status_code",
"body"}, "error"}` (OpenAI's Batch API reference).
"""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from router.replay.formats.bodies import answered, bad, chat, is_null
from router.replay.logged import Read

_NOTHING: Final = Raw()
_OK: Final = 200
_CHAT: Final = "/chat/completions"


class _Reply(Struct, frozen=True, gc=False):
    status_code: int = _OK
    body: Raw = _NOTHING


class _Line(Struct, frozen=True, gc=False):
    custom_id: str
    url: str = _CHAT
    body: Raw = _NOTHING
    response: _Reply | None = None
    error: Raw = _NOTHING


_read: Final = msgspec.json.Decoder(_Line).decode


def read(line: bytes) -> Read:
    """The request in a line of an input file, or the answer in one of an output file."""
    try:
        said = _read(line)
    except (ValueError, RecursionError) as error:
        return (bad(error),)
    if not is_null(bytes(said.body)):
        if not said.url.endswith(_CHAT):
            return (bad(f"{said.url} is no chat completion"),)
        return (chat(bytes(said.body), custom_id=said.custom_id),)
    return _answer(said)


def is_output(fields: frozenset[str]) -> bool:
    """Whether a line with these fields is an answer."""
    return "response" in fields


def _answer(said: _Line) -> Read:
    reply = said.response
    if reply is None or reply.status_code != _OK:
        return (bad(f"request {said.custom_id} was not answered"),)
    answer = answered(bytes(reply.body))
    if answer is None:
        return (bad(f"the answer to {said.custom_id} is no chat completion"),)
    return (msgspec.structs.replace(answer, custom_id=said.custom_id),)
