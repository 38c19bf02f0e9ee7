"""Answers that lengths are fitted on, as columns: who wrote how much to what, and how fast."""

from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.domain import Attempt, Entry, ModelId
from router.prices.features import NAMES, Floats, features_of, vector

UNTIMED: Final = -1
"""Moment of an answer whose log has no time."""


class Answers(Struct, frozen=True, kw_only=True):
    """n whole answers of m models, all real or all simulated."""

    simulated: bool
    models: tuple[ModelId, ...]
    model: NDArray[np.int64]
    """(n,) Position in `models`."""
    vectors: Floats
    """(n, 5) Features, see `router.prices.features`."""
    output: Floats
    """(n,) Output tokens, reasoning included, at least 1."""
    reasoning: Floats
    """(n,) Of them reasoning."""
    at_us: NDArray[np.int64]
    """(n,) When they were asked for, microseconds since the epoch; UNTIMED where nobody knows."""
    duration_ms: Floats
    """(n,) From the attempt's begin to the last byte; NaN where nobody knows."""

    @property
    def rows(self) -> int:
        """Number of answers."""
        return len(self.output)


class Gatherer:
    """Takes entries one at a time and keeps the few numbers that a fit needs: 90 bytes each."""

    def __init__(self, *, simulated: bool) -> None:
        self._simulated = simulated
        self._models: dict[ModelId, int] = {}
        self._model = array("q")
        self._at_us = array("q")
        self._numbers = array("d")

    def add(self, entry: Entry) -> bool:
        """Take the answer of `entry`; false where it has none that says what its model writes.

        Wanted are answers that ended by themselves and were billed. What a cap or a caller cut off
        is not a length, an estimate is not a count, and real answers never meet simulated ones.
        """
        answer = _whole_answer(entry)
        if answer is None or entry.simulated is not self._simulated:
            return False
        code = self._models.setdefault(answer.model, len(self._models))
        self._model.append(code)
        self._at_us.append(entry.at_us)
        usage = answer.usage
        self._numbers.extend(vector(features_of(entry.facts, entry.decision.verdict)))
        reasoning = min(usage.reasoning, usage.output)
        duration = answer.duration_ms if answer.duration_ms > 0 else np.nan
        self._numbers.extend((usage.output, reasoning, duration))
        return True

    def result(self) -> Answers:
        """The columns so far."""
        width = len(NAMES) + 3
        numbers = np.frombuffer(self._numbers, dtype=np.float64).reshape(-1, width)
        return Answers(
            simulated=self._simulated,
            models=tuple(self._models),
            model=np.frombuffer(self._model, dtype=np.int64),
            vectors=numbers[:, : len(NAMES)],
            output=numbers[:, -3],
            reasoning=numbers[:, -2],
            at_us=np.frombuffer(self._at_us, dtype=np.int64),
            duration_ms=numbers[:, -1],
        )


def gather(entries: Iterable[Entry], *, simulated: bool | None = None) -> Answers:
    """The answers among `entries`: real ones if there are any, else simulated ones.

    `simulated` takes that kind alone.
    """
    real, played = Gatherer(simulated=False), Gatherer(simulated=True)
    for entry in entries:
        (played if entry.simulated else real).add(entry)
    found = (played if simulated else real).result()
    return played.result() if simulated is None and not found.rows else found


def of_trace(
    model: ModelId,
    vectors: Floats,
    output: NDArray[np.int64],
    at_us: NDArray[np.int64] | None = None,
) -> Answers:
    """The answers of a trace that knows lengths alone, as if `model` had written all of them.

    Without `at_us` they are taken to stand in the order of their times.
    """
    written = output > 0
    rows = int(written.sum())
    return Answers(
        simulated=False,
        models=(model,),
        model=np.zeros(rows, dtype=np.int64),
        vectors=vectors[written],
        output=output[written].astype(np.float64),
        reasoning=np.zeros(rows),
        at_us=np.full(rows, UNTIMED) if at_us is None else at_us[written],
        duration_ms=np.full(rows, np.nan),
    )


def _whole_answer(entry: Entry) -> Attempt | None:
    """The attempt that answered, where its length is what its model wanted to write."""
    outcome = entry.outcome
    if not outcome.attempts or entry.estimated or outcome.fault or outcome.finish != "stop":
        return None
    answer = outcome.attempts[-1]
    billed = answer.usage.source == "billed" and answer.usage.output > 0
    return answer if billed and answer.fault is None and answer.status in range(200, 300) else None
