"""The last step of a decision: where a budget's soft limit is reached, one tier less."""

from typing import Final

import msgspec

from classifier.types import TIERS
from router.domain import Decision, Facts, Reason
from router.policy.rules import RANKS, bounds
from router.policy.table import PolicyTable

_KEPT: Final[frozenset[Reason]] = frozenset({"forced", "passthrough", "pinned"})
"""Not moved: the caller's word, and a conversation that stays where it is read already."""


def save(decision: Decision, facts: Facts, table: PolicyTable) -> Decision:
    """`decision`, or the tier below it where that can serve the request and rules allow it.

    An open tool loop is never moved: no other model could go on with it.
    """
    rank = RANKS[decision.tier] - 1
    if facts.open_tool_loop or decision.reason in _KEPT or rank < 0:
        return decision
    if rank < bounds(table.rules, facts.rules)[0]:
        return decision
    below = next((one for one in decision.candidates if one.tier == TIERS[rank]), None)
    if below is None or below.obstacle is not None:
        return decision
    return msgspec.structs.replace(decision, tier=below.tier, model=below.model, reason="budget")
