"""uvicorn's HTTP protocol with a bound on what comes before a body: the head of a request.

The parser keeps an unfinished header line and reads it again with every piece that arrives, and
it does so before any key is asked for.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from router.api.dashboard.page import EVENTS_PATH
from router.wire.errors import error_body

HEAD_BYTES: Final = 64 * 1024
"""Longest head, bytes: several times what servers and proxies elsewhere take."""
_LINGER_S: Final = 1.0
"""How long a refused client may go on sending: hung up on at once, it could not read why."""


class _HeadTooLong(Exception):
    """Ends the parsing of a request."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 to a head beyond `HEAD_BYTES`, and to as much after a body (its trailers)."""

    _unclaimed = 0
    """Bytes received since the last head or piece of a body ended; a head is among them. Of what
    one read brought after such an end nothing is counted: a read is bounded itself."""
    _refused = False

    def data_received(self, data: bytes) -> None:
        """Parse what arrived."""
        if self._refused:
            return
        self._unclaimed += len(data)
        super().data_received(data)
        if self._unclaimed > HEAD_BYTES:
            self._refuse()

    def on_headers_complete(self) -> None:
        """Begin a request, unless its head is too long. Most came in a read too short for that."""
        if self._unclaimed > HEAD_BYTES and self._head_bytes() > HEAD_BYTES:
            raise _HeadTooLong
        self._unclaimed = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of a body; its length is the application's to bound."""
        self._unclaimed = 0
        super().on_body(body)

    def shutdown(self) -> None:
        """Let the answer under way end, unless it is a stream that never does so by itself."""
        super().shutdown()
        if self.cycle is not None and self.scope["path"] == EVENTS_PATH:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """What the parser refused is refused here too, for its length where that is why."""
        if self._unclaimed > HEAD_BYTES:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _head_bytes(self) -> int:
        """Length of the head that was just read, with the `: ` and the line ends."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # another answer is under way on this connection
            return
        message = f"The head of the request is longer than {HEAD_BYTES:,} bytes."
        body = error_body(message, type="invalid_request_error", code="headers_too_large")
        self.transport.write(
            STATUS_LINE[431]
            + b"content-type: application/json\r\nconnection: close\r\n"
            + b"content-length: %d\r\n\r\n" % len(body)
            + body
        )
        self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.close)
