"""In shadow mode: what the caller's own choice is called, and what routing would have done."""

import msgspec

from classifier.types import Tier, Verdict
from router.domain import Decision, Facts, ModelId
from router.policy.decision import decide, stand_in
from router.policy.table import PolicyTable


def carried(model: ModelId, tier: Tier | None, table: PolicyTable) -> Decision:
    """The decision for `model`, which the caller chose, by `tier` where that was asked for.

    It is carried out whatever the policy holds of it: no obstacle is looked for. A model outside
    all tiers counts as hard, so that no saving is claimed for what the caller chose.
    """
    profile = table.profiles.get(model)
    own: Tier = "hard" if profile is None else profile.tier
    return Decision(tier=tier or own, model=model, reason="shadow")


def unforced(facts: Facts) -> Facts:
    """`facts` without the caller's own choice: what is left to routing."""
    return msgspec.structs.replace(facts, forced=None, passthrough=None)


def routed(verdict: Verdict | None, facts: Facts, table: PolicyTable) -> Decision:
    """What routing would have done with a request whose `facts` name the caller's own choice.

    Equal arguments give equal answers: it can be decided again from what the entry holds.
    """
    decided = decide(verdict, unforced(facts), table)
    return decided if isinstance(decided, Decision) else stand_in(verdict, decided)
