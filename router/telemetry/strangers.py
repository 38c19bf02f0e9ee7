"""Metrics know the configured models alone: callers choose the names of others."""

from collections.abc import Container
from typing import Final

from msgspec.structs import replace

from router.domain import Entry, ModelId

OTHER: Final = ModelId("other")
"""Stands in metrics for every model that is not configured."""


def without_strangers(entry: Entry, models: Container[ModelId]) -> Entry:
    """`entry` with OTHER in place of a model that is not among `models`, for metrics only."""
    if entry.decision.model in models:
        return entry
    attempts = tuple(
        one if one.model in models else replace(one, model=OTHER) for one in entry.outcome.attempts
    )
    return replace(
        entry,
        decision=replace(entry.decision, model=OTHER),
        outcome=replace(entry.outcome, attempts=attempts),
    )
