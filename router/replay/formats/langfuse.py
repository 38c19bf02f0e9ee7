"""Langfuse's exports: observations of type GENERATION.

Blob storage and the interface export rows with names like `trace_id`, the API like `traceId`; both
are read, as lines, as a list, or under `data` or `observations`. Inputs and outputs may be JSON, or
strings of it. Field names by Langfuse's reference of its blob storage export and its API, 2026.
"""

from collections.abc import Mapping
from typing import Final

from router.replay.formats.bodies import Who
from router.replay.formats.counted import count, messages_of, pico, plain, request
from router.replay.formats.documents import objects
from router.replay.logged import Answered, Bad, Logged, Read

_CACHED: Final = ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read")
_REASONING: Final = ("output_reasoning_tokens", "output_reasoning")


def read(document: bytes) -> Read:
    """The generations of a line, or of a whole document."""
    return objects(document, dict[str, object], _logged)


def _logged(row: Mapping[str, object]) -> Logged | Bad | None:
    if str(row.get("type", "GENERATION")).upper() != "GENERATION":
        return None  # a span or an event: nothing was asked of a model
    usage = plain(_any(row, "usage_details", "usageDetails", "usage"))
    counts = usage if isinstance(usage, dict) else {}
    cached = _any(counts, *_CACHED)
    taken = _any(counts, "input", "prompt_tokens", "promptTokens", "input_tokens")
    # Langfuse keeps cached tokens beside `input`, not in it.
    whole = taken + cached if isinstance(taken, int) and isinstance(cached, int) else taken
    answer = Answered(
        model=_text(row, "provided_model_name", "providedModelName", "model"),
        usage=count(
            whole,
            _any(counts, "output", "completion_tokens", "completionTokens", "output_tokens"),
            cached,
            _any(counts, *_REASONING),
        ),
        cost=pico(_any(row, "total_cost", "totalCost", "calculatedTotalCost")),
    )
    tags = plain(_any(row, "tags"))
    who = Who(
        timestamp=_text(row, "start_time", "startTime", "timestamp"),
        user=_text(row, "user_id", "userId"),
        session=_text(row, "session_id", "sessionId"),
        tags=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else None,
    )
    parameters = plain(_any(row, "model_parameters", "modelParameters"))
    cap = parameters.get("max_tokens") if isinstance(parameters, dict) else None
    fields = {"max_tokens": cap} if isinstance(cap, int) and cap > 0 else {}
    return request(messages_of(_any(row, "input")), who, answer, fields)


def _any(row: Mapping[str, object], *names: str) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _text(row: Mapping[str, object], *names: str) -> str:
    found = _any(row, *names)
    return found if isinstance(found, str) else ""
