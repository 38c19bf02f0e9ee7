"""Our own log format: one exchange a line, the bodies as they went over the wire.

{"timestamp"?, "user"?, "session"?, "key"?, "tags"?, "request": {…}, "response"?: {…}}
"""

from typing import Final

import msgspec
from msgspec import Raw

from router.replay.formats.bodies import Who, answered, bad, chat, is_null
from router.replay.logged import Read

_NOTHING: Final = Raw()


class _Line(Who, frozen=True, gc=False):
    request: Raw = _NOTHING
    response: Raw = _NOTHING


_read: Final = msgspec.json.Decoder(_Line).decode


def read(line: bytes) -> Read:
    """The exchange in `line`."""
    try:
        said = _read(line)
    except (ValueError, RecursionError) as error:
        return (bad(error),)
    request, response = bytes(said.request), bytes(said.response)
    if is_null(request):
        return (bad("`request` is missing: it is the body as it was sent"),)
    answer = None if is_null(response) else answered(response)
    return (chat(request, said, answer=answer),)
