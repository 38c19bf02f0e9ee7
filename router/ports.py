"""The seams of the router: what the paths ask of the world outside.

Each has a real implementation and an in-memory or null one shipped beside it, and one contract
suite over all of them in tests/contracts. (The embedder's seam is in classifier.embed.)
"""

from collections.abc import AsyncIterator
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct, field

from classifier.types import Verdict
from router.domain import Entry, Feedback, ModelId, PicoUsd, Usage
from router.prices.prefixes import Served
from router.prices.rates import Rate

CacheFault: TypeAlias = Literal["timeout", "connect", "auth", "full", "reply", "decode"]
"""What went wrong at the shared level: too slow, gone, not let in, out of memory, any other error
reply, a value that is not ours."""


class CacheStats(Struct, frozen=True, kw_only=True):
    """Counters of one process since its start."""

    hits_memory: int = 0
    """Verdicts found in this process."""
    hits_redis: int = 0
    """Verdicts found at the shared level."""
    misses: int = 0
    """Verdicts found nowhere."""
    errors: dict[CacheFault, int] = field(default_factory=dict)
    """Reads and writes, of verdicts and pins, that failed at the shared level."""
    breaker_open: int = 0
    """Reads and writes that were not tried because the shared level was left alone."""
    dropped: int = 0
    """Reads and writes that were not tried because too many waited already."""


class DecisionCache(Protocol):
    """Verdicts by digest, and pins and prefix caches of conversations.

    Never raises: trouble is a miss.
    """

    @property
    def remote(self) -> bool:
        """Whether `get` may know what `peek` does not; if not, `get` never waits."""

    @property
    def degraded(self) -> str | None:
        """Why the cache does less than it could, in a few words; none when all is well."""

    @property
    def stats(self) -> CacheStats:
        """What happened since the start."""

    def peek(self, key: bytes) -> Verdict | None:
        """The verdict under `key` as far as this process has it: no task, no waiting."""

    async def get(self, key: bytes) -> Verdict | None:
        """The verdict stored under `key` at any level, or none."""

    def put(self, key: bytes, verdict: Verdict) -> None:
        """Store `verdict`; returns at once, the shared level is written behind."""

    async def get_pin(self, key: bytes) -> ModelId | None:
        """The model that the conversation with prefix digest `key` must stay with, or none."""

    def put_pin(self, key: bytes, model: ModelId) -> None:
        """Keep the conversation with prefix digest `key` on `model` for a while."""

    async def get_served(self, key: bytes) -> Served | None:
        """Who served the conversation with prefix digest `key` last, or none."""

    def put_served(self, key: bytes, served: Served) -> None:
        """Note who served the conversation with prefix digest `key`; kept as long as a pin."""

    async def close(self) -> None:
        """Give back connections."""


class Reply(Protocol):
    """An upstream's answer whose status is known and whose body has not been read."""

    @property
    def status(self) -> int:
        """HTTP status, always 200 to 299: anything else was raised as UpstreamError."""

    @property
    def content_type(self) -> str:
        """The upstream's media type, lower case."""

    @property
    def simulated(self) -> bool:
        """Whether the upstream says that it is a sandbox."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamError when it stalls or is cut by the transport."""

    async def read(self) -> bytes:
        """The whole body. Raises UpstreamError likewise."""

    async def close(self) -> None:
        """Hang up, or give the connection back when the body was read to its end."""


class UpstreamPort(Protocol):
    """Where decided requests go."""

    async def open(self, model: ModelId, body: bytes, *, streamed: bool) -> Reply:
        """Send `body` to the host of `model` and wait for the head of its answer.

        Raises UpstreamError for anything but a 2xx.
        """

    async def list_models(self, upstream: str) -> frozenset[str] | None:
        """Ids that the host lists at `/models`; none where it does not list any."""

    async def close(self) -> None:
        """Give back connections."""


class Ledger(Protocol):
    """Where entries go, and what is said of them afterwards."""

    def record(self, said: Entry | Feedback) -> bool:
        """Keep `said`. Synchronous, never waits, never raises.

        True when it survives a killed process from now on; false while it is in memory only.
        """

    def close(self) -> None:
        """Flush what can be flushed."""


class PriceBook(Protocol):
    """What tokens cost."""

    @property
    def version(self) -> str:
        """Digest over every price in the book."""

    def cost(self, model: ModelId, usage: Usage) -> PicoUsd | None:
        """The price of `usage` at `model`; none where the model's price is unknown."""

    def rate(self, model: ModelId, input_tokens: int) -> Rate | None:
        """Prices of a token in requests of that length; none where they are unknown."""


class Sink(Protocol):
    """Where the answer goes: the caller, in the dialect of the API that was called."""

    async def answer(self, body: bytes, content_type: str) -> None:
        """Send the whole answer, status 200."""

    async def start(self) -> None:
        """Begin a streamed answer, status 200."""

    async def write(self, data: bytes) -> None:
        """Send a piece of the stream."""

    async def end(self, data: bytes) -> None:
        """Send the last piece and close the stream."""
