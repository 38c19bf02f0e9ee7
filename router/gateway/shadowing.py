"""Shadow mode: a request goes where its caller wants it, and what routing would do is noted.

Nothing here may stand in the request's way: it is scored while it is answered.
"""

import asyncio
import logging
from typing import Final

import msgspec

from classifier.types import Tier
from router.config.names import NAME
from router.config.schema import Config
from router.domain import Decision, ModelId
from router.gateway.exchange import Exchange
from router.gateway.intent import Intent
from router.policy.shadow import carried, routed
from router.policy.table import PolicyTable

_LONGEST: Final = 128
"""Characters of a model's name that is passed on unseen: it stands in a header and in an entry."""

log = logging.getLogger(__name__)


class Shadowing:
    """Which requests are only watched, and which model answers them."""

    def __init__(self, config: Config) -> None:
        self._by_key = {key.name: key.shadow for key in config.key if key.shadow is not None}
        self._enabled = config.shadow.enabled
        self._auto = config.shadow.model or config.models_of(config.baseline)[0]
        self._first: dict[Tier, ModelId] = {tier: each[0] for tier, each in config.tiers.items()}
        self._takes_strangers = bool(config.shadow.upstream)

    def watches(self, key: str) -> bool:
        """Whether requests of `key` are only watched."""
        return self._by_key.get(key, self._enabled)

    def stranger(self, model: str) -> Intent | None:
        """What a `model` means that is not configured; none where nobody would take it."""
        if self._takes_strangers and len(model) <= _LONGEST and NAME.fullmatch(model):
            return Intent(passthrough=ModelId(model))
        return None

    def carried(self, intent: Intent, table: PolicyTable) -> Decision:
        """The caller's own choice, as a decision without a verdict."""
        if intent.passthrough is not None:
            return carried(intent.passthrough, None, table)
        if intent.forced is not None:
            return carried(self._first[intent.forced], intent.forced, table)
        return carried(self._auto, None, table)


async def join(judging: asyncio.Task[None], timeout_s: float) -> None:
    """Wait until the request is scored, `timeout_s` at most. Who stops waiting does not stop it."""
    await asyncio.wait((judging,), timeout=timeout_s)


def look_back(exchange: Exchange) -> None:
    """Note what routing would have done, by whatever is known by now."""
    judging, own = exchange.judging, exchange.carried
    if judging is None or own is None:
        return
    if not judging.done():
        judging.cancel()
    elif not judging.cancelled() and (error := judging.exception()) is not None:
        # Not its message, which may quote the prompt.
        log.error("a request in the shadow was not judged: %s", type(error).__name__)
    exchange.shadow = routed(exchange.verdict, exchange.facts, exchange.table)
    exchange.decision = msgspec.structs.replace(
        own, candidates=exchange.shadow.candidates, verdict=exchange.verdict
    )
