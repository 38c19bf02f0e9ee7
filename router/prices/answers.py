"""Answers that lengths are fitted on, as columns: who wrote how much to what, and how fast."""

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.domain import Entry, ModelId
from router.prices.features import NAMES, Floats, features_of, vector

UNTIMED: Final = -1
"""Moment of an answer whose log has no time."""
Flaw: TypeAlias = Literal[
    "a replay", "failed", "cut by a cap", "ended in a call or otherwise", "not billed"
]
"""Why an entry is of no use here."""
_GOOD: Final = range(200, 300)


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
    left_out: dict[Flaw, int] = {}
    """Entries beside them that say nothing of lengths, by why."""

    @property
    def rows(self) -> int:
        """Number of answers."""
        return len(self.output)


class _Gatherer:
    """Takes entries one at a time and keeps the few numbers that a fit needs: 90 bytes each."""

    def __init__(self, *, simulated: bool) -> None:
        self._simulated = simulated
        self._models: dict[ModelId, int] = {}
        self._model = array("q")
        self._at_us = array("q")
        self._numbers = array("d")
        self._left_out: Counter[Flaw] = Counter()

    def add(self, entry: Entry) -> bool:
        """Take the answer of `entry`; false where it has none that says what its model writes.

        Wanted are answers that ended by themselves and were billed. What a cap or a caller cut off
        is not a length, and an estimate is not a count. `gather` keeps real from simulated ones.
        """
        flaw = _flaw(entry)
        if flaw is not None:
            self._left_out[flaw] += 1
            return False
        answer = entry.outcome.attempts[-1]
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
            left_out=dict(self._left_out),
        )


def gather(entries: Iterable[Entry], *, simulated: bool | None = None) -> Answers:
    """The answers among `entries`: real ones if there are any, else simulated ones.

    `simulated` takes that kind alone.
    """
    real, played = _Gatherer(simulated=False), _Gatherer(simulated=True)
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


def _flaw(entry: Entry) -> Flaw | None:
    """Why the entry's answer says nothing of how much its model writes; none where it does."""
    outcome = entry.outcome
    if entry.estimated:
        return "a replay"
    if not outcome.attempts or outcome.fault or outcome.attempts[-1].status not in _GOOD:
        return "failed"
    if outcome.finish != "stop":
        return "cut by a cap" if outcome.finish == "length" else "ended in a call or otherwise"
    usage = outcome.attempts[-1].usage
    return None if usage.source == "billed" and usage.output > 0 else "not billed"
