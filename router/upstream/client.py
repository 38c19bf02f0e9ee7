"""Chat completions at OpenAI-format hosts: one pool a host, headers and addresses made once."""

from collections.abc import AsyncIterator, Mapping
from time import perf_counter
from typing import Final, cast

import httpx
import msgspec

from router.config.schema import Config, Upstream
from router.domain import ModelId
from router.errors import UpstreamError
from router.upstream import faults
from router.upstream.transport import AiohttpTransport

_USER_AGENT = "gearshift"
_STALE_S: Final = 0.5
_LIST_TIMEOUT = {"connect": 5.0, "read": 10.0, "idle": 10.0}


class _Host(msgspec.Struct, frozen=True, kw_only=True):
    """All that a request to one host needs and that does not change."""

    name: str
    transport: httpx.AsyncBaseTransport
    chat: httpx.URL
    models: httpx.URL
    headers: dict[bool, httpx.Headers]
    """By whether the answer is streamed."""
    timeouts: dict[bool, dict[str, float]]


class HttpReply:
    """An answer whose head is here and whose body is still on its way."""

    def __init__(self, model: ModelId, host: str, response: httpx.Response) -> None:
        self._model = model
        self._host = host
        self._response = response
        # httpx types the stream as sync or async; an async transport's is async.
        self._stream = cast("httpx.AsyncByteStream", response.stream)
        self.status = response.status_code
        self.content_type = response.headers.get("content-type", "").lower()
        self.simulated = response.headers.get("x-gearshift-simulated") == "true"

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it arrives."""
        try:
            async for chunk in self._stream:
                yield chunk
        except httpx.TransportError as error:
            raise faults.from_body(self._model, self._host, error) from error

    async def read(self) -> bytes:
        """The whole body."""
        try:
            return b"".join([chunk async for chunk in self._stream])
        except httpx.TransportError as error:
            raise faults.from_body(self._model, self._host, error) from error

    async def close(self) -> None:
        """Hang up, or give the connection back when the body was read to its end."""
        await self._response.aclose()


class HttpUpstream:
    """The models of a configuration, behind their hosts. Implements ports.UpstreamPort."""

    def __init__(self, config: Config, keys: Mapping[str, str]) -> None:
        self._hosts = {
            name: _host(name, upstream, keys.get(name, ""))
            for name, upstream in config.upstream.items()
        }
        self._by_model = {
            model: self._hosts[profile.upstream] for model, profile in config.model.items()
        }
        self._stranger = self._hosts.get(config.shadow.upstream)

    async def open(self, model: ModelId, body: bytes, *, streamed: bool) -> HttpReply:
        """Send `body` and wait for the head of the answer; see ports.UpstreamPort."""
        host = self._by_model.get(model) or self._stranger
        if host is None:
            raise UpstreamError(f"{model} has no upstream here", fault="not_found")
        try:
            response = await self._send(host, body, streamed=streamed)
        except httpx.TransportError as error:
            raise faults.from_transport(model, host.name, error) from error
        if response.is_success:
            return HttpReply(model, host.name, response)
        try:
            told = await response.aread()
        except httpx.TransportError:
            told = b""
        finally:
            await response.aclose()
        raise faults.from_answer(model, host.name, response, told)

    async def _send(self, host: _Host, body: bytes, *, streamed: bool) -> httpx.Response:
        # Handed over as a stream, httpx adds no headers of its own: the transport sets those two
        # that a body needs, and building the request costs a sixth.
        request = httpx.Request(
            "POST",
            host.chat,
            stream=httpx.ByteStream(body),
            headers=host.headers[streamed],
            extensions={"timeout": host.timeouts[streamed]},
        )
        sent = perf_counter()
        try:
            return await host.transport.handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            # A kept connection that the host had just closed fails at once: the request never
            # began. What fails later may have been at work, and would be billed twice.
            if perf_counter() - sent > _STALE_S:
                raise
            return await host.transport.handle_async_request(request)

    async def list_models(self, upstream: str) -> frozenset[str] | None:
        """Ids that the host lists at `/models`; none where it lists none that can be read.

        Raises UpstreamError when the host cannot be reached or refuses the key.
        """
        host = self._hosts[upstream]
        request = httpx.Request(
            "GET", host.models, headers=host.headers[False], extensions={"timeout": _LIST_TIMEOUT}
        )
        try:
            response = await host.transport.handle_async_request(request)
            body = await response.aread()
            await response.aclose()
        except httpx.TransportError as error:
            raise faults.from_transport(ModelId("/models"), upstream, error) from error
        if response.status_code in {401, 403}:
            raise faults.from_answer(ModelId("/models"), upstream, response, body)
        try:
            listing = msgspec.json.decode(body, type=_Listing)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return frozenset(item.id for item in listing.data) if response.is_success else None

    async def close(self) -> None:
        """Close every pool."""
        for host in self._hosts.values():
            await host.transport.aclose()


class _Listed(msgspec.Struct):
    id: str


class _Listing(msgspec.Struct):
    data: list[_Listed]


def _host(name: str, upstream: Upstream, key: str) -> _Host:
    base = upstream.base_url.rstrip("/")
    common = {
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
        "accept-encoding": "identity",
        **({"authorization": f"Bearer {key}"} if key else {}),
    }
    patience = {
        "connect": upstream.connect_timeout_ms / 1000,
        "idle": upstream.idle_timeout_ms / 1000,
    }
    return _Host(
        name=name,
        transport=AiohttpTransport(max_connections=upstream.max_connections),
        chat=httpx.URL(f"{base}/chat/completions"),
        models=httpx.URL(f"{base}/models"),
        headers={
            True: httpx.Headers({**common, "accept": "text/event-stream"}),
            False: httpx.Headers({**common, "accept": "application/json"}),
        },
        timeouts={
            True: {**patience, "read": upstream.first_byte_timeout_ms / 1000},
            False: {**patience, "read": upstream.answer_timeout_ms / 1000},
        },
    )
