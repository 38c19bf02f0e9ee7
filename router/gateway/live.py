"""THE LIVE PATH: verdict → decide → open upstream → relay → settle → record.

One coroutine carries a request from its acceptance to its last byte, so that a caller who leaves
is one cancellation, and whatever happens ends in one entry. Until the first byte of an answer is
here, a failure falls back to another model; afterwards it is an event in the stream.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from classifier.features import extract
from classifier.types import Verdict
from router.breaker import Permit
from router.domain import Decision, Facts, ModelId
from router.errors import RequestError, UpstreamError
from router.gateway.account import entry_of, undecided
from router.gateway.attempted import Attempted, billed
from router.gateway.circuits import CALLERS, NO_MATTER, Circuits
from router.gateway.conversations import Conversations
from router.gateway.exchange import Exchange, Inbound
from router.gateway.faults import fault_of, malformed
from router.gateway.intent import facts_of, intents, not_allowed, resolve
from router.gateway.services import Services
from router.gateway.shadowing import Shadowing, join, look_back
from router.gateway.streaming import Opened, relay_stream
from router.policy.decision import decide, stand_in
from router.policy.rules import match_rules
from router.policy.shadow import unforced
from router.policy.switching import with_switching
from router.policy.table import PolicyTable
from router.ports import Reply, Sink
from router.sse import Relay
from router.upstream.faults import refused
from router.wire.answer import parse_answer
from router.wire.render import render, render_as_is
from router.wire.request import parse_chat

T = TypeVar("T")
Try: TypeAlias = Callable[[Exchange, Decision, Attempted], Awaitable[T]]


class Preview(Struct, frozen=True, kw_only=True):
    """A decision of which nothing came: the answer of `/v1/route`."""

    verdict: Verdict | None
    decision: Decision


class Gateway:
    """Carries requests. One per process; belongs to one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._table = with_switching(services.table, services.prices, services.lengths)
        self._conversations = Conversations(services)
        self._intents = intents(services.config)
        self._circuits = Circuits(services.config.model, services.config.breaker)
        self._shadowing = Shadowing(services.config)
        self._allowed = {key.name: frozenset(key.models) for key in services.config.key}
        self._patience_s = services.config.scorer.timeout_ms / 1000

    def replace(self, table: PolicyTable) -> None:
        """Decide by `table` from the next request on; those under way keep theirs."""
        services = self._services
        self._table = with_switching(table, services.prices, services.lengths)

    @property
    def down(self) -> tuple[ModelId, ...]:
        """Models that are left alone at the moment."""
        return self._circuits.down

    @property
    def doubtful(self) -> tuple[ModelId, ...]:
        """Models that failed last, whether they may be tried again by now or not."""
        return self._circuits.doubtful

    def accept(self, inbound: Inbound) -> Exchange:
        """Read a request. From here on it will have an entry.

        Raises BadRequest, Forbidden or ModelNotFound.
        """
        limit = self._services.config.server.max_messages
        request = parse_chat(inbound.body, max_messages=limit)
        if (allowed := self._allowed.get(inbound.key)) and request.model not in allowed:
            raise not_allowed(inbound.key, request.model, allowed)
        watched = self._shadowing.watches(inbound.key)
        intent = self._intents.get(request.model)
        if intent is None and watched:
            intent = self._shadowing.stranger(request.model)
        if intent is None:
            intent = resolve(request.model, self._intents)
        exchange = Exchange(inbound, request, intent, self._table)
        exchange.simulated = self._services.config.simulated
        if watched:
            exchange.carried = self._shadowing.carried(intent, self._table)
            # It may be over before it is judged: then this is all that routing goes by.
            exchange.facts = facts_of(request, intent, ())
        return exchange

    async def preview(self, inbound: Inbound) -> Preview:
        """Decide a request and send nothing. Raises what `accept` and `converse` raise.

        In shadow mode too it is what routing would do that is told.
        """
        exchange = self.accept(inbound)
        await self._judge(exchange)
        facts = exchange.facts if exchange.carried is None else unforced(exchange.facts)
        decision = self._decide(exchange, facts)
        return Preview(verdict=exchange.verdict, decision=decision)

    async def converse(self, exchange: Exchange, sink: Sink) -> None:
        """Answer a request into `sink`, and record it before its last byte goes out.

        Raises RequestError only while nothing has been sent.
        """
        try:
            if exchange.carried is None:
                await self._judge(exchange)
            else:
                exchange.decision = exchange.carried
                exchange.judging = asyncio.create_task(self._judge(exchange))
            if exchange.request.stream:
                await self._stream(exchange, sink)
            else:
                await self._deliver(exchange, sink)
        except RequestError as error:
            exchange.status = error.status
            exchange.fault = fault_of(error)
            raise
        except asyncio.CancelledError:
            exchange.leave()
            raise
        except Exception:
            exchange.status, exchange.fault = 500, "internal"
            raise
        finally:
            self._record(exchange)

    async def _judge(self, exchange: Exchange) -> None:
        """Find the verdict, where it has a say, and every other input of the policy."""
        request, intent, services = exchange.request, exchange.intent, self._services
        exchange.prompt = extract(request.turns)
        if exchange.prompt is not None and (intent.scored or exchange.carried is not None):
            scored = await services.scorer.score(exchange.prompt)
            exchange.verdict, exchange.cache = scored.verdict, scored.cache
            exchange.cache_ms = round(scored.cache_ms, 3)
            exchange.score_ms = round(scored.score_ms, 3)
        text = exchange.prompt.text if exchange.prompt else ""
        inbound = exchange.inbound
        rules = match_rules(exchange.table.rules, inbound.key, inbound.headers, text)
        exchange.facts = msgspec.structs.replace(
            facts_of(request, intent, rules),
            pin=await self._conversations.find_pin(exchange),
            unavailable=self._circuits.down,
            warm=await self._conversations.find_warm(exchange),
            thrift=services.spending.is_thrifty(exchange),
        )

    def _decide(
        self, exchange: Exchange, facts: Facts, refusal: UpstreamError | None = None
    ) -> Decision:
        """Ask the policy. Raises `refusal`, if there was one, when nothing is left to try.

        The exchange keeps a decision together with the facts that it was made of.
        """
        decided = decide(exchange.verdict, facts, exchange.table)
        if isinstance(decided, Decision):
            exchange.facts, exchange.decision = facts, decided
            return decided
        if refusal is not None:
            refusal.exhausted = len({attempt.model for attempt in exchange.attempts}) > 1
            raise refusal
        if exchange.decision is None:
            exchange.facts = facts
            exchange.decision = stand_in(exchange.verdict, decided)
        error = decided.error()
        if decided.outage:
            error.retry_after_s = self._circuits.soonest_s
        raise error

    async def _attempt(self, exchange: Exchange, run: Try[T]) -> T:
        """Let one model after the other try `run` until one begins to answer."""
        if exchange.carried is not None:
            return await self._carry(exchange, exchange.carried, run)
        refusal: UpstreamError | None = None
        facts = exchange.facts
        while True:
            decision = self._decide(exchange, facts, refusal)
            if self._services.spending.limited:
                await self._services.spending.set_aside(exchange, decision.model)
            permit = self._circuits.enter(decision.model)
            if permit is not None:
                try:
                    return await self._try(exchange, decision, permit, run)
                except UpstreamError as error:
                    if error.fault in CALLERS:
                        raise
                    refusal = error
            tried = (*facts.unavailable, decision.model)
            facts = msgspec.structs.replace(facts, unavailable=tried)

    async def _carry(self, exchange: Exchange, decision: Decision, run: Try[T]) -> T:
        """Let the model that the caller chose try `run`: no other stands in for it."""
        await self._services.spending.set_aside(exchange, decision.model)
        permit = self._circuits.enter(decision.model) or NO_MATTER
        try:
            return await self._try(exchange, decision, permit, run)
        except UpstreamError:
            if exchange.judging is not None:
                await join(exchange.judging, self._patience_s)
            raise

    async def _try(self, exchange: Exchange, decision: Decision, permit: Permit, run: Try[T]) -> T:
        """Try one model, and note how that failed. Success `run` notes: a stream has to end."""
        prices = self._services.prices
        attempted = Attempted(exchange, decision, prices, self._circuits, permit)
        try:
            return await run(exchange, decision, attempted)
        except UpstreamError as error:
            attempted.fail(error)
            raise
        except asyncio.CancelledError:
            attempted.abandon()
            raise
        except Exception:
            attempted.crash()
            raise

    async def _open(self, exchange: Exchange, decision: Decision) -> Reply:
        services, request = self._services, exchange.request
        profile = services.config.model.get(decision.model)
        if profile is None:
            body = render_as_is(request, exchange.inbound.body)
        else:
            body = render(request, profile, keep_reasoning=profile.reasoning)
        reply = await services.upstream.open(decision.model, body, streamed=request.stream)
        exchange.first_byte_ms = exchange.elapsed_ms()
        exchange.simulated |= reply.simulated
        return reply

    async def _deliver(self, exchange: Exchange, sink: Sink) -> None:
        """Answer in one piece."""
        body, content_type = await self._attempt(exchange, self._fetch)
        self._record(exchange)
        await sink.answer(body, content_type)

    async def _fetch(
        self, exchange: Exchange, decision: Decision, attempted: Attempted
    ) -> tuple[bytes, str]:
        reply = await self._open(exchange, decision)
        try:
            if exchange.judging is not None:
                await join(exchange.judging, self._patience_s)
            body = await reply.read()
        finally:
            await reply.close()
        answer = parse_answer(body)
        if answer is None:
            raise malformed(decision.model, "no chat completion")
        exchange.finish = answer.finish
        usage = billed(exchange, answer.usage, answer.output_bytes, answer.reasoning_bytes)
        attempted.end(status=reply.status, usage=usage)
        return body, reply.content_type

    async def _stream(self, exchange: Exchange, sink: Sink) -> None:
        """Answer piece by piece."""
        opened = await self._attempt(exchange, self._begin)
        try:
            await relay_stream(exchange, opened, sink, self._record)
        finally:
            await opened.reply.close()

    async def _begin(self, exchange: Exchange, decision: Decision, attempted: Attempted) -> Opened:
        """Open a stream and wait for its first piece: until then another model can take over."""
        reply = await self._open(exchange, decision)
        try:
            if exchange.judging is not None:
                await join(exchange.judging, self._patience_s)
            if "event-stream" not in reply.content_type:
                raise malformed(decision.model, f"{reply.content_type or 'nothing'}, no stream")
            chunks = reply.chunks()
            first = await anext(chunks, None)
            if first is None:
                raise malformed(decision.model, "an empty stream")
            relay = Relay(show_usage=exchange.request.include_usage)
            out = relay.feed(first)
            if relay.error is not None:
                raise refused(decision.model, relay.error)
        except BaseException:
            await reply.close()
            raise
        return Opened(reply=reply, chunks=chunks, relay=relay, first=out, attempted=attempted)

    def _record(self, exchange: Exchange) -> None:
        """Write the entry, once."""
        if exchange.recorded:
            return
        exchange.recorded = True
        services = self._services
        if exchange.carried is not None:
            look_back(exchange)
        decision = exchange.decision or undecided(exchange.table)
        if exchange.carried is None:
            self._conversations.note(exchange, decision.model)
        entry = entry_of(exchange, decision, services)
        if services.spending.limited:
            services.spending.settle(exchange, entry.cost, simulated=entry.simulated)
        services.record(entry)
