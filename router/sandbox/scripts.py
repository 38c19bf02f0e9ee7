"""An answer as a script: what goes over the wire and when. Pure; router.sandbox.stage plays it."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from router.sandbox.examples import SIMULATED
from router.sandbox.refusals import Refusal
from router.sandbox.replies import ErrorAnswer, ErrorBody
from router.sandbox.settings import FaultName

Header = tuple[bytes, bytes]

_MARK: Final[Header] = (b"x-gearshift-simulated", b"true")
_JSON: Final[Header] = (b"content-type", b"application/json")
_EVENTS: Final[Header] = (b"content-type", b"text/event-stream")
_HTML: Final[Header] = (b"content-type", b"text/html")
_GATEWAY_PAGE: Final = (
    b"<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n"
    b"<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>[simulated]</center>\r\n"
    b"</body>\r\n</html>\r\n"
)
_BROKEN_EVENT: Final = b'data: {"id": "chatcmpl-", "choices": [{"index": 0, "del\n\n'


class Step(Struct, frozen=True):
    """Wait, then send."""

    data: bytes
    after_s: float = 0.0
    """Seconds after the step before was due."""


class Script(Struct, frozen=True, kw_only=True):
    """A whole HTTP answer."""

    status: int = 200
    headers: tuple[Header, ...]
    head_after_s: float = 0.0
    """Seconds before status and headers are sent."""
    steps: tuple[Step, ...]
    hangs_up: bool = False
    """Close the connection after the last step instead of ending the body."""


def answer_json(value: Struct, *, after_s: float = 0.0) -> Script:
    """`value` as a JSON body."""
    return _whole(200, _JSON, msgspec.json.encode(value), after_s)


def answer_refusal(refusal: Refusal, *, after_s: float = 0.0) -> Script:
    """`refusal` in the shape of Kimi's errors, with `retry-after` where it has a time."""
    body = ErrorAnswer(ErrorBody(refusal.kind, f"{SIMULATED} {refusal}"))
    script = _whole(refusal.status, _JSON, msgspec.json.encode(body), after_s)
    if refusal.retry_after_s is None:
        return script
    again = (b"retry-after", str(refusal.retry_after_s).encode())
    return msgspec.structs.replace(script, headers=(*script.headers, again))


def answer_gateway_page(*, after_s: float = 0.0) -> Script:
    """The HTML of a proxy in front of the host that lost patience."""
    return _whole(504, _HTML, _GATEWAY_PAGE, after_s)


def answer_events(steps: Iterable[Step], *, after_s: float = 0.0) -> Script:
    """An event stream."""
    return Script(headers=(_MARK, _EVENTS), head_after_s=after_s, steps=tuple(steps))


def sabotage(script: Script, fault: FaultName | None, *, stall_s: float) -> Script:
    """`script` as `fault` spoils it halfway; unchanged where the fault is none of those.

    A body in one piece is spoilt in its middle; `end_early` and `malformed` then declare the
    length they have, `cut` and `stall` the length they should have had.
    """
    streamed = _EVENTS in script.headers
    steps = script.steps if streamed else _halves(script.steps[0])
    half = max(1, len(steps) // 2)
    before, after = steps[:half], steps[half:]
    replace = msgspec.structs.replace
    if fault == "stall":
        return replace(script, steps=(*before, Step(b"", stall_s), *after))
    if fault == "cut":
        return replace(script, steps=before, hangs_up=True)
    if fault in {"end_early", "malformed"} and not streamed:
        return _whole(script.status, _JSON, before[0].data, script.head_after_s)
    if fault == "end_early":
        return replace(script, steps=before)
    if fault == "malformed":
        return replace(script, steps=(*before, Step(_BROKEN_EVENT), *after[1:]))
    return script


def _whole(status: int, kind: Header, body: bytes, after_s: float) -> Script:
    length = (b"content-length", str(len(body)).encode())
    return Script(
        status=status,
        headers=(_MARK, kind, length),
        head_after_s=after_s,
        steps=(Step(body),),
    )


def _halves(step: Step) -> tuple[Step, ...]:
    middle = len(step.data) // 2
    return Step(step.data[:middle], step.after_s), Step(step.data[middle:])
