"""Which models are left alone for a while: a circuit breaker for each, as a fact for the policy."""

from collections.abc import Iterable
from typing import Final

from router.breaker import Breaker, Permit
from router.config.schema import Breaker as Settings
from router.domain import Fault, ModelId

CALLERS: Final[frozenset[Fault]] = frozenset({"invalid", "content_filter"})
"""Faults of the request itself: another model would refuse it too, and none is to blame."""
_NOBODYS: Final[frozenset[Fault]] = frozenset({"client_left", "internal"})
"""Faults that say nothing of the model: the caller went away, or we failed ourselves."""

NO_MATTER: Final = Permit(-1)
"""A permit for a try that no breaker has let through: how it ends says nothing to any."""


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

    @property
    def doubtful(self) -> tuple[ModelId, ...]:
        """The models that failed last, whether they may be tried again by now or not."""
        return tuple(model for model, each in self._breakers.items() if each.state() != "closed")

    @property
    def soonest_s(self) -> float:
        """Seconds until the first of those that are down may be tried again."""
        return min((self._breakers[model].opens_in_s for model in self.down), default=0.0)

    def enter(self, model: ModelId) -> Permit | None:
        """The right to try `model`, or none while it is left alone. Strangers never are."""
        breaker = self._breakers.get(model)
        return NO_MATTER if breaker is None else breaker.enter()

    def leave(
        self, model: ModelId, permit: Permit, fault: Fault | None, retry_after_s: float | None
    ) -> None:
        """How the try ended. Who refuses a bad request is well; who is left has shown nothing."""
        breaker = self._breakers.get(model)
        if breaker is None:
            return
        if fault is None or fault in CALLERS:
            breaker.succeed(permit)
        elif fault in _NOBODYS:
            breaker.release(permit)
        else:
            breaker.fail(permit, open_ms=None if retry_after_s is None else retry_after_s * 1000)
