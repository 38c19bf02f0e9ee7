"""An upstream without a network: every model answers from memory, or fails as it is told to."""

from collections.abc import AsyncIterator, Mapping

from msgspec import Struct

from router.domain import ModelId
from router.errors import UpstreamError


class Spoken(Struct, frozen=True, kw_only=True):
    """What a model says: its pieces, and the fault that breaks it off after them, if any."""

    pieces: tuple[bytes, ...]
    content_type: str = "application/json"
    broken: UpstreamError | None = None


class MemoryReply:
    """An answer that is already here."""

    def __init__(self, spoken: Spoken) -> None:
        self._spoken = spoken
        self.status = 200
        self.content_type = spoken.content_type
        self.simulated = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces, then the fault."""
        for piece in self._spoken.pieces:
            yield piece
        if self._spoken.broken is not None:
            raise self._spoken.broken

    async def read(self) -> bytes:
        """All pieces, unless they break off."""
        return b"".join([piece async for piece in self.chunks()])

    async def close(self) -> None:
        """Nothing to give back."""


class MemoryUpstream:
    """Models by name. Implements ports.UpstreamPort."""

    def __init__(self, models: Mapping[ModelId, Spoken | UpstreamError]) -> None:
        self._models = dict(models)
        self.received: list[tuple[ModelId, bytes]] = []
        """What was sent to whom, in order."""

    async def open(self, model: ModelId, body: bytes, *, streamed: bool) -> MemoryReply:
        """The model's answer. Raises its UpstreamError, or not_found for a model that is not here.

        Whether it was asked to stream makes no difference to what it says.
        """
        self.received.append((model, body))
        spoken = self._models.get(model)
        if spoken is None:
            raise UpstreamError(f"{model} is not in memory", fault="not_found", upstream_status=404)
        if isinstance(spoken, UpstreamError):
            raise spoken
        return MemoryReply(spoken)

    async def list_models(self, upstream: str) -> frozenset[str] | None:
        """Its models, whatever the upstream's name is."""
        return frozenset(self._models)

    async def close(self) -> None:
        """Nothing to give back."""
