"""A streamed answer on its way through: whole events go on as they came, and are tallied.

Bytes come in any pieces and go out in whole events, the same bytes in the same order, but for two
events: the usage chunk (`choices: []`) that the caller did not ask for, and `[DONE]`, which waits
until the entry is recorded.

    feed ── no blank line yet ──→ pending ── blank line ──→ whole events ──→ inspect each
                                                              │ usage chunk, unasked   dropped
                                                              │ [DONE]                 held, done
                                                              │ after [DONE]           dropped
                                                              └ all else               forwarded
    finish ── rest of pending is one last event, or nothing ──→ what is left, then [DONE]

An event ends with an empty line, after LF or CRLF; a bare CR, which the standard allows and no
server sends, ends nothing here. Every event is decoded, because a typed decode of a chunk takes
less time (0.3 µs) than a search for the words that matter (1 µs and more), and then nothing has to
be guessed: `"usage"` inside of a sentence is text, and the bytes of text are counted, not
estimated. An event that is no JSON, or JSON of another shape, is forwarded unread.
"""

import re
from itertools import pairwise
from typing import Final

from router.errors import UpstreamError
from router.wire.answer import (
    NO_USAGE,
    Body,
    find_usage,
    finish_of,
    merge_usage,
    read_body,
    said_bytes,
    thought_bytes,
)
from router.wire.errors import ErrorDetail, error_body, read_error

DONE: Final = b"data: [DONE]\n\n"
EVENT_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of the longest event that is waited for: a picture in base64 fits."""

_LINES: Final = 2
"""Line ends in an event of one line, the empty one included."""
_ENDS: Final = (b"\n\n", b"\n\r\n")
_blank_lines: Final = re.compile(rb"\n\r?\n").finditer


class Relay:
    """One stream's reader: feed it what arrives, send on what it gives back.

    The attributes are right for what was fed so far, and final after `finish`.
    """

    __slots__ = (
        "_finished",
        "_limit",
        "_pending",
        "_show_usage",
        "done",
        "error",
        "finish_reason",
        "output_bytes",
        "reasoning_bytes",
        "usage",
    )

    def __init__(self, *, show_usage: bool, event_limit: int = EVENT_LIMIT) -> None:
        self._show_usage = show_usage
        self._limit = event_limit
        self._pending = bytearray()
        self._finished: dict[int, bool] = {}
        self.usage = NO_USAGE
        """The largest counts seen; source `none` until some come."""
        self.finish_reason: str | None = None
        """The last one seen."""
        self.error: ErrorDetail | None = None
        """The first error event; it was forwarded."""
        self.output_bytes = 0
        """UTF-8 bytes of text, reasoning and tool calls: the ground for an estimate."""
        self.reasoning_bytes = 0
        """Of them reasoning."""
        self.done = False
        """Whether `[DONE]` was seen."""

    @property
    def complete(self) -> bool:
        """Whether the stream came to its own end: `[DONE]`, or no choice that began still speaks.

        Where several answers were asked for, each has a finish_reason of its own.
        """
        return self.done or (self.finish_reason is not None and all(self._finished.values()))

    def feed(self, chunk: bytes) -> bytes:
        """Take what arrived; give what may go on now, possibly nothing.

        A chunk of exactly one event, the usual case, is given back as the same object.
        Raises UpstreamError (malformed) when an event is longer than the limit.
        """
        one_event = chunk.count(b"\n") == _LINES and chunk.endswith(_ENDS)
        if self._pending or not one_event:
            return self._feed_pieces(chunk)
        self._check_length(len(chunk))
        return chunk if self._passes(chunk) else b""

    def finish(self) -> bytes:
        """What is to be sent after the stream's last byte, once its entry is recorded.

        `[DONE]` where the stream was complete, whether the upstream sent one or not. Half an event
        is left out, so that an error event can follow. Never raises.
        """
        last = bytes(self._pending).rstrip() + b"\n\n"
        self._pending.clear()
        whole = self._passes(last) and _read(_data_of(last)) is not None
        rest = last if whole else b""
        return rest + DONE if self.complete else rest

    def _feed_pieces(self, chunk: bytes) -> bytes:
        """The general case: any number of events, and parts of events at both ends."""
        pending = self._pending
        searched = max(0, len(pending) - 2)
        pending += chunk
        ends = [blank.end() for blank in _blank_lines(pending, searched)]
        if not ends:
            self._check_length(len(pending))
            return b""
        whole = bytes(pending[: ends[-1]])
        del pending[: ends[-1]]
        events = [whole[start:end] for start, end in pairwise((0, *ends))]
        self._check_length(max(map(len, events)))
        passed = [event for event in events if self._passes(event)]
        return whole if len(passed) == len(events) else b"".join(passed)

    def _passes(self, event: bytes) -> bool:
        """Read one event into the tally; whether it is forwarded."""
        data = _data_of(event)
        body = _read(data)
        if body is None:
            self.done = self.done or data.strip() == b"[DONE]"
        elif not self.done:
            self._tally(body)
            if body.usage is not None and not body.choices and not body.error:
                return self._show_usage
        return not self.done

    def _tally(self, body: Body) -> None:
        for choice in body.choices or ():
            self.output_bytes += said_bytes(choice.delta)
            self.reasoning_bytes += thought_bytes(choice.delta)
            index = choice.index if isinstance(choice.index, int) else 0
            if finish := finish_of(choice):
                self.finish_reason = finish
                self._finished[index] = True
            else:
                self._finished.setdefault(index, False)
        self.usage = merge_usage(self.usage, find_usage(body))
        if body.error and self.error is None:
            self.error = read_error(body.error)

    def _check_length(self, length: int) -> None:
        if length > self._limit:
            self._pending.clear()
            message = f"the upstream sent an event of more than {self._limit} bytes"
            raise UpstreamError(message, fault="malformed")


def error_event(message: str, *, code: str | None = None) -> bytes:
    """The event that ends a stream whose upstream did not: status and headers are long gone."""
    return b"data: " + error_body(message, type="upstream_error", code=code) + b"\n\n"


def _data_of(event: bytes) -> bytes:
    """The event's data, its lines joined; empty where it is a comment or a bare field."""
    if event.find(b"\n", 0, -len(_ENDS[1])) < 0:
        return event[5:] if event.startswith(b"data:") else b""
    return b"\n".join(line[5:] for line in event.splitlines() if line.startswith(b"data:"))


def _read(data: bytes) -> Body | None:
    if not data:
        return None
    try:
        return read_body(data)
    except (ValueError, RecursionError):
        return None
