"""The asynchronous front of the classifier: who waits, where the work runs, what is worth keeping.

Of the classifier's two stages the first costs less than a thread, so it reads short prompts in the
event loop; the second never runs there. A verdict that cannot be had in time, or at all, is no
verdict, or the first stage's where no thread was free; the caller never sees an error.
"""

import asyncio
import logging
import os
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from classifier.model import Glance
from classifier.types import Prompt, Verdict, Version
from router.config.schema import Scorer as Settings
from router.domain import CacheState
from router.keys import cache_key
from router.ports import DecisionCache

Trouble: TypeAlias = Literal["timeout", "busy", "error"]
"""Why there is no full verdict: not in time, too many wait, the classifier failed."""

log = logging.getLogger(__name__)


class Assessor(Protocol):
    """What the scorer needs of a classifier."""

    @property
    def version(self) -> Version:
        """The artifact's version; part of the cache key."""

    def glance(self, prompt: Prompt) -> Glance:
        """What the first stage says of one prompt. Called in the event loop."""

    def assess(self, prompt: Prompt) -> Verdict:
        """The verdict on one prompt. Called from several threads at once."""


class Scored(Struct, frozen=True, kw_only=True):
    """A verdict, or why there is none, and what it took."""

    verdict: Verdict | None = None
    trouble: Trouble | None = None
    """Set where `verdict` is not, and `busy` where it is the first stage's alone."""
    cache: CacheState = "miss"
    cache_ms: float = 0.0
    """Making the key and looking it up."""
    score_ms: float = 0.0
    """From the cache's miss to the verdict, queue included."""


class ScorerStats(Struct, frozen=True, kw_only=True):
    """Counters of one process since its start, and how many prompts are in hand."""

    assessed: int = 0
    """Verdicts that the classifier made, late ones included."""
    timeouts: int = 0
    """Callers that got no verdict in time."""
    busy: int = 0
    """Prompts that were not taken, because too many waited for a thread; a first stage that had
    read them has the last word."""
    errors: int = 0
    """Prompts on which the classifier failed."""
    queued: int = 0
    """Prompts that have or wait for a thread now."""


class Scorer:
    """Scores prompts, each once, through the cache. Belongs to one event loop."""

    def __init__(
        self, assessor: Assessor, cache: DecisionCache, settings: Settings, *, secret: bytes = b""
    ) -> None:
        threads = settings.threads or os.cpu_count() or 1
        self._assessor = assessor
        self._cache = cache
        self._secret = secret
        self._inline_chars = settings.inline_chars
        self._timeout_s = settings.timeout_ms / 1000
        self._most_queued = threads + settings.queue
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scorer")
        self._flights: dict[bytes, asyncio.Task[Scored]] = {}
        self._queued = 0
        self._assessed = self._timeouts = self._busy = self._errors = 0

    @property
    def version(self) -> Version:
        """Version of the artifact that scores now."""
        return self._assessor.version

    @property
    def stats(self) -> ScorerStats:
        """What happened since the start."""
        return ScorerStats(
            assessed=self._assessed,
            timeouts=self._timeouts,
            busy=self._busy,
            errors=self._errors,
            queued=self._queued,
        )

    def replace(self, assessor: Assessor) -> None:
        """Score with `assessor` from the next prompt on; those under way keep theirs."""
        self._assessor = assessor

    async def score(self, prompt: Prompt) -> Scored:
        """The verdict on `prompt`, within the configured time. Raises nothing."""
        started = time.perf_counter()
        # Read once: the key and the verdict under it must be of the same version, whatever
        # `replace` does meanwhile.
        assessor = self._assessor
        try:
            key = cache_key(prompt, assessor.version, self._secret)
        except Exception as error:
            return self._failed(error, assessor)
        verdict = self._cache.peek(key)
        cache_ms = _ms_since(started)
        if verdict is not None:
            return Scored(verdict=verdict, cache="hit", cache_ms=cache_ms)
        first = None
        if not self._cache.remote and key not in self._flights:
            # Nothing here waits, so what is final has nothing to share, to time or to protect.
            first = self._score_inline(key, prompt, assessor, cache_ms)
            if first.trouble != "busy":
                return first
        return await self._wait(self._flight(key, prompt, assessor, first))

    async def close(self) -> None:
        """Let those under way end, within the time that any caller would wait, then stop."""
        if self._flights:
            await asyncio.wait(self._flights.values(), timeout=self._timeout_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _flight(
        self, key: bytes, prompt: Prompt, assessor: Assessor, first: Scored | None
    ) -> asyncio.Task[Scored]:
        """The one task that gets the verdict under `key`, for all who ask for it meanwhile."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(key, prompt, assessor, first))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key))
        return flight

    async def _wait(self, flight: asyncio.Task[Scored]) -> Scored:
        """The flight's result, unless time is over. Who stops waiting does not stop the flight."""
        started = time.perf_counter()
        await asyncio.wait((flight,), timeout=self._timeout_s)
        if flight.done() and not flight.cancelled():  # `close` may cancel what hangs
            return flight.result()
        self._timeouts += 1
        return Scored(trouble="timeout", score_ms=_ms_since(started))

    async def _fly(
        self, key: bytes, prompt: Prompt, assessor: Assessor, first: Scored | None
    ) -> Scored:
        if first is None:
            started = time.perf_counter()
            verdict = await self._cache.get(key)
            cache_ms = _ms_since(started)
            if verdict is not None:
                return Scored(verdict=verdict, cache="hit", cache_ms=cache_ms)
            first = self._score_inline(key, prompt, assessor, cache_ms)
        if first.trouble != "busy":
            return first
        return await self._score_in_thread(key, prompt, assessor, first)

    def _score_inline(
        self, key: bytes, prompt: Prompt, assessor: Assessor, cache_ms: float
    ) -> Scored:
        """What can be said in the event loop: of a long prompt nothing.

        What is not final is `busy`, for it is the answer where no thread can be had.
        """
        if len(prompt.text) + len(prompt.context) > self._inline_chars:
            return Scored(trouble="busy", cache_ms=cache_ms)
        started = time.perf_counter()
        try:
            glance = assessor.glance(prompt)
        except Exception as error:
            return self._failed(error, assessor)
        verdict, score_ms = glance.verdict, _ms_since(started)
        if glance.sure:
            return self._keep(key, verdict, cache_ms, score_ms)
        return Scored(verdict=verdict, trouble="busy", cache_ms=cache_ms, score_ms=score_ms)

    async def _score_in_thread(
        self, key: bytes, prompt: Prompt, assessor: Assessor, first: Scored
    ) -> Scored:
        """The verdict that `assess` gives, or `first` where too many wait.

        That is not kept: the cache holds what `assess` says.
        """
        if self._queued >= self._most_queued:
            self._busy += 1
            return first
        started = time.perf_counter()
        self._queued += 1
        try:
            loop = asyncio.get_running_loop()
            verdict = await loop.run_in_executor(self._pool, partial(assessor.assess, prompt))
        except Exception as error:
            return self._failed(error, assessor)
        finally:
            self._queued -= 1
        return self._keep(key, verdict, first.cache_ms, first.score_ms + _ms_since(started))

    def _keep(self, key: bytes, verdict: Verdict, cache_ms: float, score_ms: float) -> Scored:
        self._assessed += 1
        self._cache.put(key, verdict)
        return Scored(verdict=verdict, cache_ms=cache_ms, score_ms=score_ms)

    def _failed(self, error: Exception, assessor: Assessor) -> Scored:
        """Says where, not what: the message of an error may quote the prompt."""
        self._errors += 1
        where = traceback.extract_tb(error.__traceback__)[-1]
        log.error(
            "no verdict by %s: %s at %s:%s",
            assessor.version,
            type(error).__name__,
            where.filename,
            where.lineno,
        )
        return Scored(trouble="error")


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
