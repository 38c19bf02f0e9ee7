"""A stream on its way to the caller: passed on as it comes, and recorded before its last byte."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from msgspec import Struct

from router.domain import Fault
from router.errors import UpstreamError
from router.gateway.attempted import Attempted, billed
from router.gateway.exchange import Exchange
from router.ports import Reply, Sink
from router.sse import Relay, error_event
from router.upstream.faults import fault_of

Record: TypeAlias = Callable[[Exchange], None]


class Opened(Struct, frozen=True, kw_only=True):
    """A stream whose first piece is here: from now on no other model can take over."""

    reply: Reply
    chunks: AsyncIterator[bytes]
    relay: Relay
    first: bytes
    """What of the first piece goes on to the caller."""
    attempted: Attempted


async def relay_stream(exchange: Exchange, opened: Opened, sink: Sink, record: Record) -> None:
    """Pass the stream on into `sink`; its last piece waits until `record` has the exchange.

    After `[DONE]` the upstream is read to its end, which is near: only then can the connection be
    used again. A stream that breaks off ends in an error event: clients take silence for success.
    """
    fault: Fault | None = None
    try:
        await sink.start()
        exchange.begun = True
        await _pass_on(opened.first, exchange, opened, sink, record)
        async for chunk in opened.chunks:
            await _pass_on(opened.relay.feed(chunk), exchange, opened, sink, record)
    except UpstreamError as error:
        fault = error.fault
    except asyncio.CancelledError:
        if not exchange.recorded:
            _note(exchange, opened, "client_left")
        raise
    except Exception:
        # Ours, whatever it is: what the host has written by now is paid all the same.
        if not exchange.recorded:
            _note(exchange, opened, "internal")
        raise
    if not exchange.recorded:
        await _end(exchange, opened, sink, record, fault)


async def _pass_on(
    out: bytes, exchange: Exchange, opened: Opened, sink: Sink, record: Record
) -> None:
    if out:
        await sink.write(out)
    if opened.relay.done and not exchange.recorded:
        await _end(exchange, opened, sink, record)


async def _end(
    exchange: Exchange,
    opened: Opened,
    sink: Sink,
    record: Record,
    fault: Fault | None = None,
) -> None:
    """Record a stream that is over, then say so. Nothing is missing after a finish_reason."""
    relay = opened.relay
    rest = relay.finish()
    if relay.error is not None:
        # The upstream has said itself what went wrong, and that was passed on.
        exchange.fault = fault_of(relay.error)
    elif not relay.complete:
        exchange.fault = fault or "cut"
        rest += _broken_off(exchange, exchange.fault)
    _note(exchange, opened, exchange.fault)
    record(exchange)
    await sink.end(rest)


def _note(exchange: Exchange, opened: Opened, fault: Fault | None) -> None:
    relay = opened.relay
    exchange.finish = relay.finish_reason
    usage = billed(exchange, relay.usage, relay.output_bytes, relay.reasoning_bytes)
    opened.attempted.end(status=opened.reply.status, fault=fault, usage=usage)


def _broken_off(exchange: Exchange, fault: Fault) -> bytes:
    model = exchange.decision.model if exchange.decision else ""
    what = "fell silent" if fault == "stall" else "broke off its answer"
    return error_event(f"{model} {what}; the answer is incomplete", code=f"upstream_{fault}")
