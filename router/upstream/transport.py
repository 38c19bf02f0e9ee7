"""An httpx transport over aiohttp: httpx's interface above, aiohttp's parser and pool below.

Per proxied request it costs about as much as aiohttp alone, a third of httpx's own transport
(benchmarks/README.md). It does only what a router needs: HTTP/1.1, bodies in one piece, no
redirects, no cookies, no decompression, no proxies from the environment. The request's extension
`timeout` holds seconds: `connect` (a free place in the pool included), `read` (until the first
piece is here) and `idle` (between pieces).
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final, cast

import aiohttp
import httpx
from multidict import CIMultiDict
from yarl import URL

_TRANSLATED: Final[tuple[tuple[type[Exception], type[httpx.TransportError]], ...]] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.SocketTimeoutError, httpx.ReadTimeout),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientOSError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, TimeoutError) as error:
        kind = next(ours for theirs, ours in _TRANSLATED if isinstance(error, theirs))
        raise kind(str(error) or type(error).__name__) from error


def _await_pieces(response: aiohttp.ClientResponse, idle_s: float) -> None:
    """From here on the patience is that between two pieces, no longer that for the first.

    aiohttp has one read timeout for both, but its protocol lets it be changed underway; there is
    no connection any more when the whole answer came at once.
    """
    connection = response.connection
    if connection is not None and connection.protocol is not None:
        connection.protocol.read_timeout = idle_s
        connection.protocol.start_timeout()


class _Body(httpx.AsyncByteStream):
    """The answer's body, in the pieces in which it arrives."""

    def __init__(self, response: aiohttp.ClientResponse, idle_s: float) -> None:
        self._response = response
        self._idle_s = idle_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        waited = False
        with _translated():
            async for chunk in self._response.content.iter_any():
                if not waited:
                    # Some hosts send the head at once and think then: only now they are talking.
                    _await_pieces(self._response, self._idle_s)
                    waited = True
                yield chunk

    async def aclose(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests through one aiohttp session, made on first use inside the event loop."""

    def __init__(self, *, max_connections: int) -> None:
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[httpx.URL, URL] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return when the head of its answer is here.

        Raises httpx.TransportError subclasses, like every httpx transport.
        """
        session = self._session or self._open_session()
        url = self._urls.get(request.url)
        if url is None:
            # Routed requests go to a handful of addresses; parsing one costs more than sending it.
            url = self._urls[request.url] = URL(str(request.url), encoded=True)
        timeout = request.extensions["timeout"]
        headers = CIMultiDict(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
        )
        with _translated():
            # Bodies are bytes in memory, which httpx streams both ways; the sync one is cheaper.
            response = await session.request(
                request.method,
                url,
                data=b"".join(cast("httpx.SyncByteStream", request.stream)) or None,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=timeout["connect"], sock_read=timeout["read"]
                ),
            )
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Body(response, timeout["idle"]),
            request=request,
        )

    def _open_session(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )
        return self._session

    async def aclose(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
