"""Many decisions by the one `decide`: requests that it cannot tell apart are decided once.

`decide` reads a handful of values, and of numbers only on which side of the policy's own bounds
they lie. So the rows of a part fall into some hundred cases; one row of each is asked.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from classifier.types import LABELS, TIERS, Probabilities, Success, Verdict, Version
from router.columns import NOBODY, Codes
from router.domain import REASONS, Decision, Facts, ModelId
from router.policy.decision import decide
from router.policy.obstruction import Obstruction
from router.policy.table import PolicyTable, Profile, obstacle_of
from router.replay.gather import CAPABILITIES, DIALS, MODALITIES
from router.replay.part import ABSENT, MICRO, Index, Part

T = TypeVar("T")

_LONGEST: Final = 2**31
_MOST_CAPS: Final = 200
"""Different caps on output in one part up to which bounds are looked for; beyond, every number of
input tokens is a case of its own."""
_TIER: Final = {tier: at for at, tier in enumerate(TIERS)}
_REASON: Final = {reason: at for at, reason in enumerate(REASONS)}
_CERTAIN: Final = {
    "easy": Success(easy=1.0, medium=1.0, hard=1.0),
    "medium": Success(easy=0.0, medium=1.0, hard=1.0),
    "hard": Success(easy=0.0, medium=0.0, hard=1.0),
    "needs_info": Success(easy=0.0, medium=1.0, hard=1.0),
}
"""What a drawn label stands for, where the policy goes by success."""


class Choices(Struct, frozen=True, kw_only=True):
    """What the policy does with n requests. The arrays may be written to."""

    tier: Codes
    """(n,) As in `router.columns.Routed`."""
    model: Index
    """(n,) Position among the models; ABSENT where nothing can serve."""
    reason: Codes
    candidates: Index
    """(n, 3) By tier: the model that could serve there; ABSENT where none could."""


class Deciding:
    """One policy's decisions."""

    def __init__(self, table: PolicyTable, models: Sequence[ModelId]) -> None:
        self._table = table
        self._models = {model: at for at, model in enumerate(models)}
        self._bounds: dict[int, NDArray[np.int64]] = {}

    def choose(self, part: Part, policy: int) -> Choices:
        """Decide every request of `part` as it stands alone, without its conversation."""
        _, row_of, case_of = np.unique(
            self._cases(part, policy), axis=0, return_index=True, return_inverse=True
        )
        made = [self.decide(verdict_of(part, row), facts_of(part, row, policy)) for row in row_of]
        table = np.array(made, np.int32).reshape(-1, 6)[case_of.reshape(-1)]
        return Choices(
            tier=table[:, 0].astype(np.uint8),
            model=table[:, 1].copy(),
            reason=table[:, 2].astype(np.uint8),
            candidates=table[:, 3:].copy(),
        )

    def decide(self, verdict: Verdict | None, facts: Facts) -> tuple[int, ...]:
        """Tier, model, reason and the three candidates, as `Choices` has them."""
        decided = decide(verdict, facts, self._table)
        candidates = [ABSENT] * len(TIERS)
        for candidate in decided.candidates:
            if candidate.obstacle in {None, "unavailable"}:
                candidates[_TIER[candidate.tier]] = self._models[candidate.model]
        if isinstance(decided, Obstruction):
            return (NOBODY, ABSENT, NOBODY, *candidates)
        return (*self._said(decided), *candidates)

    def _said(self, decision: Decision) -> tuple[int, int, int]:
        model = self._models[decision.model]
        return _TIER[decision.tier], model, _REASON[decision.reason]

    def _cases(self, part: Part, policy: int) -> NDArray[np.int32]:
        """(n, k) What `decide` can tell apart: equal rows get equal decisions."""
        asked, judged = part.asked, part.judged
        cutoffs = self._table.cutoffs.values()
        drawn = judged.scores[:, 0] == ABSENT
        # Only what a ledger kept may hold a warm prefix, and then lengths are compared.
        whole = np.where(asked.recorded[:, None] == ABSENT, 0, judged.scores[:, 3:])
        return np.column_stack(
            [
                judged.label.astype(np.int32),
                drawn,
                _side(judged.scores[:, 0], (cut.easy for cut in cutoffs)),
                _side(judged.scores[:, 1], (cut.medium for cut in cutoffs)),
                asked.dial,
                asked.forced,
                asked.modalities,
                asked.capabilities,
                asked.open_loop,
                asked.recorded,
                whole,
                asked.rules[:, policy],
                *self._sizes(asked.input_tokens, asked.max_tokens),
            ]
        ).astype(np.int32)

    def _sizes(
        self, input_tokens: NDArray[np.int64], max_tokens: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The cap as it is, and between which bounds of the windows the input lies."""
        caps, cap_of = np.unique(max_tokens, return_inverse=True)
        if len(caps) > _MOST_CAPS:
            return max_tokens, input_tokens
        side = np.zeros(len(input_tokens), np.int64)
        for at, cap in enumerate(caps.tolist()):
            rows = cap_of.reshape(-1) == at
            side[rows] = np.searchsorted(self._windows(cap), input_tokens[rows], side="right")
        return max_tokens, side

    def _windows(self, cap: int) -> NDArray[np.int64]:
        """The numbers of input tokens at which some model's window gets too small, rising."""
        if cap not in self._bounds:
            most = None if cap == ABSENT else cap
            starts = {
                _first_refused(partial(self._is_narrow, profile, most))
                for profile in self._table.profiles.values()
            }
            if len(self._bounds) > _MOST_CAPS:
                self._bounds.clear()
            self._bounds[cap] = np.array(sorted(starts), np.int64)
        return self._bounds[cap]

    def _is_narrow(self, profile: Profile, cap: int | None, tokens: int) -> bool:
        facts = Facts(input_tokens=tokens, max_tokens=cap)
        return obstacle_of(profile, facts, self._table) == "context"


def facts_of(part: Part, row: int, policy: int) -> Facts:
    """The facts of one request, as its log tells them."""
    asked = part.asked
    recorded = int(asked.recorded[row])
    if recorded != ABSENT:
        said = msgspec.msgpack.decode(part.facts[recorded], type=Facts)
        return msgspec.structs.replace(said, input_tokens=int(asked.input_tokens[row]))
    cap, forced = int(asked.max_tokens[row]), int(asked.forced[row])
    return Facts(
        input_tokens=int(asked.input_tokens[row]),
        max_tokens=None if cap == ABSENT else cap,
        modalities=_named(MODALITIES, int(asked.modalities[row])),
        capabilities=_named(CAPABILITIES, int(asked.capabilities[row])),
        open_tool_loop=bool(asked.open_loop[row]),
        dial=DIALS[asked.dial[row]],
        forced=None if forced == NOBODY else TIERS[forced],
        rules=part.matches[asked.rules[row, policy]],
    )


def verdict_of(part: Part, row: int) -> Verdict | None:
    """The verdict of one request, as far as anything reads it."""
    label = int(part.judged.label[row])
    if label == NOBODY:
        return None
    name = LABELS[label]
    easy, medium, hard, difficulty, needs_info = (part.judged.scores[row] / MICRO).tolist()
    success = Success(easy=easy, medium=medium, hard=hard)
    if easy < 0:
        success, difficulty, needs_info = _CERTAIN[name], 0.5, float(name == "needs_info")
    return Verdict(
        label=name,
        probabilities=Probabilities(easy=0.0, medium=0.0, hard=0.0, needs_info=needs_info),
        success=success,
        difficulty=difficulty,
        confidence=0.0,
        truncated=False,
        model_version=Version(""),
    )


def _side(millionths: Index, bounds: Iterable[float]) -> NDArray[np.int64]:
    """Between which of `bounds` each score lies."""
    edges = np.array(sorted(set(bounds)))
    return np.searchsorted(edges, millionths / MICRO, side="right")


def _first_refused(refused: Callable[[int], bool]) -> int:
    """The least number that is refused, where every greater one is too."""
    low, high = 0, _LONGEST
    while low < high:
        middle = (low + high) // 2
        if refused(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _named(names: Sequence[T], bits: int) -> tuple[T, ...]:
    return tuple(name for at, name in enumerate(names) if bits & (1 << at))
