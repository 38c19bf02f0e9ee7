"""What the last requests were like: milliseconds by stage, cache hits, fallbacks. Pure.

Read from the entries of the ledger, so that all workers and instances are in it; a bounded number
of them, because times stand in no sum of the ledger.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias, get_args

import msgspec
import numpy as np

from classifier.types import Label
from router.domain import CacheState, Entry, ModelId

SIZE: Final = 1_000
"""Entries that are looked at."""
_LEFT: Final = 499
"""Status of a request whose caller left before there was one."""

StageName: TypeAlias = Literal["parse", "cache", "score", "first_byte", "total"]
STAGES: Final[tuple[StageName, ...]] = get_args(StageName)
STAGE_NAMES: Final[dict[StageName, str]] = {
    "parse": "parse",
    "cache": "cache",
    "score": "score",
    "first_byte": "first byte",
    "total": "whole answer",
}
"""As pages write them."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """How long one stage took, over the requests in which it ran."""

    name: StageName
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """How often one model answered in the place of another."""

    first: ModelId
    answered: ModelId
    requests: int


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The last requests."""

    requests: int = 0
    since_us: int = 0
    """When the first of them arrived, microseconds since the epoch; 0 where there is none."""
    stages: tuple[Stage, ...] = ()
    cache: dict[CacheState, int] = {}
    labels: dict[Label, int] = {}
    """Of those with a verdict."""
    fallbacks: tuple[Fallback, ...] = ()
    """The most frequent first."""
    failed: int = 0
    """Requests that ended in an error."""
    left: int = 0
    """Requests whose caller did not wait for the end."""


def look_back(entries: Iterable[Entry]) -> Window:
    """What `entries` were like, in whatever order."""
    seen = list(entries)
    verdicts = [entry.decision.verdict for entry in seen if entry.decision.verdict]
    moved = Counter(pair for entry in seen if (pair := _moved(entry)))
    left = sum(_has_left(entry) for entry in seen)
    return Window(
        requests=len(seen),
        since_us=min((entry.at_us for entry in seen), default=0),
        stages=tuple(_stages(seen)),
        cache=dict(Counter(entry.cache for entry in seen)),
        labels=dict(Counter(verdict.label for verdict in verdicts)),
        fallbacks=tuple(
            Fallback(first=first, answered=answered, requests=count)
            for (first, answered), count in moved.most_common()
        ),
        failed=sum(_has_failed(entry) for entry in seen),
        left=left,
    )


def _stages(entries: Sequence[Entry]) -> Iterable[Stage]:
    for name in STAGES:
        took = [ms for entry in entries if (ms := getattr(entry.timings, f"{name}_ms")) > 0]
        if took:
            p50, p95, p99 = (float(value) for value in np.percentile(took, (50, 95, 99)))
            yield Stage(name=name, requests=len(took), p50_ms=p50, p95_ms=p95, p99_ms=p99)


def _moved(entry: Entry) -> tuple[ModelId, ModelId] | None:
    """The model that was tried first and the other one that answered, where that is so."""
    attempts = entry.outcome.attempts
    if len(attempts) < 2 or attempts[-1].fault is not None:  # noqa: PLR2004  one is no fallback
        return None
    first, last = attempts[0].model, attempts[-1].model
    return None if first == last else (first, last)


def _has_left(entry: Entry) -> bool:
    return entry.outcome.fault == "client_left" or entry.outcome.status == _LEFT


def _has_failed(entry: Entry) -> bool:
    outcome = entry.outcome
    return not _has_left(entry) and (outcome.status >= 400 or outcome.fault is not None)  # noqa: PLR2004
