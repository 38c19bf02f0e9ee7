"""The rest of the HTTP face: models, decisions without an answer, health, metrics."""

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Final, Literal, TypeAlias

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from router.api.door import Door
from router.api.failures import failure_of
from router.errors import RequestError
from router.gateway.exchange import Inbound
from router.gateway.live import Gateway, Preview
from router.telemetry.metrics import CONTENT_TYPE, Metrics
from router.wire.models import models_body
from router.wire.request import split_batch

AnyRequest: TypeAlias = Request[None, None, State]
_JSON: Final = "application/json"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service can answer, and what is worse than it should be."""

    status: Literal["ok", "degraded", "unavailable"]
    reasons: tuple[str, ...] = ()
    model_version: str = ""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What these handlers work with."""

    gateway: Gateway
    door: Door
    metrics: Metrics
    health: Callable[[], Health]
    models: tuple[str, ...]
    """Everything that `model` may say."""
    narrow: Mapping[str, tuple[str, ...]]
    """What it may say with those keys that may not say everything."""
    max_batch: int
    batch_width: int
    """Requests of batches that are decided at once: as many as the scorer has threads."""
    pulse: Callable[[], None]
    """Brings the gauges up to date before they are read."""


def system_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Handlers over `parts`."""
    listing = models_body(parts.models)
    narrow = {key: models_body(allowed) for key, allowed in parts.narrow.items()}
    # More at once would only fill the scorer's queue, and what finds it full gets no verdict.
    turn = asyncio.Semaphore(parts.batch_width)

    @get("/v1/models", media_type=_JSON)
    async def models(request: AnyRequest) -> bytes:
        """List what `model` may say, in OpenAI's shape."""
        return narrow.get(parts.door.admit(request.headers), listing)

    @post("/v1/route", media_type=_JSON, status_code=HTTP_200_OK)
    async def route(request: AnyRequest) -> bytes:
        """Decide one request, or a batch, and send nothing upstream."""
        started = perf_counter()
        key = parts.door.admit(request.headers)
        body = await request.body()
        headers = dict(request.headers)
        bodies = split_batch(body, max_requests=parts.max_batch)

        def inbound(each: bytes) -> Inbound:
            return Inbound(body=each, headers=headers, key=key, started=started)

        if bodies is None:
            return msgspec.json.encode(_said_once(await parts.gateway.preview(inbound(body))))
        results = [_try(parts.gateway, inbound(each), turn) for each in bodies]
        return msgspec.json.encode({"results": await asyncio.gather(*results)})

    @get("/health/live", media_type=_JSON)
    async def live() -> bytes:
        """Say that the process runs."""
        return b'{"status":"ok"}'

    @get("/health/ready", media_type=_JSON)
    async def ready() -> Response[bytes]:
        """Say whether the service can answer: 503 only when it cannot answer at all."""
        health = parts.health()
        status = HTTP_503_SERVICE_UNAVAILABLE if health.status == "unavailable" else HTTP_200_OK
        return Response(msgspec.json.encode(health), status_code=status, media_type=_JSON)

    @get("/metrics")
    async def metrics(request: AnyRequest) -> Response[bytes]:
        """Prometheus's text format; opened by the admin key."""
        parts.door.admit_admin(request.headers)
        parts.pulse()
        return Response(parts.metrics.scrape(), media_type=CONTENT_TYPE)

    return [models, route, live, ready, metrics]


async def _try(
    gateway: Gateway, inbound: Inbound, turn: asyncio.Semaphore
) -> Preview | Mapping[str, msgspec.Raw]:
    """One of a batch: its decision, or its own error, in the shape it would have had alone."""
    try:
        async with turn:
            return _said_once(await gateway.preview(inbound))
    except RequestError as error:
        return msgspec.json.decode(failure_of(error).body, type=dict[str, msgspec.Raw])


def _said_once(preview: Preview) -> Preview:
    """Without the verdict inside the decision: it stands beside it already."""
    decision = msgspec.structs.replace(preview.decision, verdict=None)
    return msgspec.structs.replace(preview, decision=decision)
