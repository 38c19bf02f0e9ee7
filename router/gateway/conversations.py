"""What is remembered of conversations between two of their requests: pins, and prefix caches.

Both are kept in the decision cache under a digest of the conversation, in the process and in Redis;
what is lost there is a guess less, never an error.
"""

from typing import TypeAlias

import msgspec

from router.domain import ModelId, Warm
from router.gateway.exchange import Exchange
from router.gateway.services import Services
from router.keys import digest
from router.prices.prefixes import BLOCK_TOKENS, Served, found_again
from router.wire.request import prefix_digests

Names: TypeAlias = tuple[bytes | None, bytes | None]
"""Of the conversation up to the human turn before the last, and up to the last."""
_HUMAN = "user"


class Conversations:
    """The memory of one process's gateway."""

    def __init__(self, services: Services) -> None:
        self._services = services
        config = services.config
        self._life_s = {model: config.prefix_life_s(model) for model in config.model}
        self._gains = any(
            life_s and _reads_cheaply(services, model) for model, life_s in self._life_s.items()
        )

    async def find_pin(self, exchange: Exchange) -> ModelId | None:
        """The model that an open tool loop was moved to. Other turns are free to move."""
        name = self._names(exchange)[1] if exchange.request.open_tool_loop else None
        return None if name is None else await self._services.cache.get_pin(name)

    async def find_warm(self, exchange: Exchange) -> Warm | None:
        """Where the conversation is cached. A first turn and a short one have nothing to look for.

        A tool loop is pinned, and what its host found in its cache is in the answer.
        """
        request = exchange.request
        if not self._keeps(request.input_tokens) or request.open_tool_loop:
            return None
        if sum(turn.role == _HUMAN for turn in request.turns) < 2:  # noqa: PLR2004
            return None
        name = self._names(exchange)[0]
        served = None if name is None else await self._services.cache.get_served(name)
        if served is None:
            return None
        life_s = self._life_s.get(served.model, 0)
        found = found_again(served, request.input_tokens, exchange.at_us, life_s)
        return Warm(model=served.model, tokens=found) if found else None

    def note(self, exchange: Exchange, model: ModelId) -> None:
        """Remember who answered: a tool loop stays there, and what was read is cached there.

        A loop goes on where it began, whatever a fallback or a reload changes meanwhile.
        """
        loop = exchange.finish == "tool_calls"
        answer = exchange.attempts[-1] if exchange.attempts else None
        read = answer.usage.input if answer is not None and answer.fault is None else 0
        cached = self._keeps(read) and self._life_s.get(model, 0) > 0
        name = self._names(exchange)[1] if loop or cached else None
        if name is None:
            return
        if loop:
            self._services.cache.put_pin(name, model)
        if cached:
            served = Served(model=model, at_us=exchange.at_us, tokens=read)
            self._services.cache.put_served(name, served)

    def _keeps(self, input_tokens: int) -> bool:
        """Whether any host keeps a prompt of that length, and reads it more cheaply then."""
        return self._gains and input_tokens > BLOCK_TOKENS

    def _names(self, exchange: Exchange) -> Names:
        """The names of the caller's conversation; none if nothing is left to us.

        The caller is part of a name: two may open theirs with the same words.
        """
        if exchange.names is None:
            exchange.names = self._make_names(exchange)
        return exchange.names

    def _make_names(self, exchange: Exchange) -> Names:
        if not exchange.intent.scored:
            return None, None
        whose = msgspec.json.encode((exchange.caller(), exchange.request.model))
        secret = self._services.secret
        before, last = (
            None if prefix is None else digest(prefix + whose, secret)
            for prefix in prefix_digests(exchange.request)
        )
        return before, last


def _reads_cheaply(services: Services, model: ModelId) -> bool:
    rate = services.prices.rate(model, 1)
    return rate is not None and rate.cached < rate.input
