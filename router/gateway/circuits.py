"""Which models are left alone for a while: a circuit breaker for each, as a fact for the policy."""

from collections.abc import Iterable

from router.breaker import Breaker, Permit
from router.config.schema import Breaker as Settings
from router.domain import ModelId
from router.errors import UpstreamError


class Circuits:
    """A breaker a model. What fails is a model at a host: other models there may be well."""

    def __init__(self, models: Iterable[ModelId], settings: Settings) -> None:
        self._breakers = {
            model: Breaker(failures=settings.failures, open_ms=settings.open_ms) for model in models
        }

    @property
    def down(self) -> tuple[ModelId, ...]:
        """The models that are left alone now."""
        return tuple(model for model, each in self._breakers.items() if each.state() == "open")

    def enter(self, model: ModelId) -> Permit | None:
        """The right to try `model`, or none while it is left alone."""
        return self._breakers[model].enter()

    def succeed(self, model: ModelId, permit: Permit) -> None:
        """`model` answered."""
        self._breakers[model].succeed(permit)

    def fail(self, model: ModelId, permit: Permit, error: UpstreamError) -> None:
        """`model` failed by a fault of its own; a time that it named itself is kept."""
        wait_ms = None if error.retry_after_s is None else error.retry_after_s * 1000
        self._breakers[model].fail(permit, open_ms=wait_ms)
