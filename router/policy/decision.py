"""From a verdict to a tier and a model. Pure, synchronous and total: it always answers.

The order is fixed: the caller's own choice, the verdict, rules, feasibility, what switching costs,
pin, availability.
Feasibility and availability are one search: looking from the wanted tier for the first model that
fits and is up finds the same one as moving twice, because both move in the same order.
"""

from typing import Final

from msgspec import Struct

from classifier.types import TIERS, Tier, Verdict
from router.domain import Candidate, Decision, Facts, ModelId, Obstacle, Reason
from router.policy.obstruction import Obstruction, obstruct
from router.policy.rules import RANKS, SEARCH, apply_rules
from router.policy.switching import model_to_stay_with
from router.policy.table import PolicyTable, obstacle_of

_MOVED: Final[dict[Obstacle, Reason]] = {
    "context": "context",
    "modality": "modality",
    "capability": "capability",
    "max_tokens": "max_tokens",
    "unavailable": "fallback",
}


class _Case(Struct, frozen=True):
    """One request before the policy, and what each tier has to offer it."""

    verdict: Verdict | None
    facts: Facts
    table: PolicyTable
    candidates: tuple[Candidate, ...]

    def choose(self, tier: Tier, model: ModelId, reason: Reason) -> Decision:
        return Decision(
            tier=tier,
            model=model,
            reason=reason,
            candidates=self.candidates,
            verdict=self.verdict,
        )


def decide(verdict: Verdict | None, facts: Facts, table: PolicyTable) -> Decision | Obstruction:
    """What to do with a request, or why nothing can be done.

    A failed attempt is answered by asking again with its model in `facts.unavailable`. Equal
    arguments give equal answers, so a recorded verdict and its facts can be decided again.
    """
    looks = [_look(tier, facts, table) for tier in TIERS]
    case = _Case(verdict, facts, table, tuple(candidate for candidate, _ in looks))
    if facts.passthrough is not None:
        return _exactly(facts.passthrough, "passthrough", None, case)
    wanted, reason, order = _wish(verdict, facts, table)
    free = _stay(_search(order, reason, looks, case), case)
    if facts.pin is None or not _binds(facts.pin, facts, table):
        return free
    kept = _exactly(facts.pin, "pinned", wanted, case)
    if isinstance(kept, Obstruction):
        return kept if facts.open_tool_loop else free
    # A pin that changes nothing is no reason.
    return free if isinstance(free, Decision) and free.model == kept.model else kept


def stand_in(verdict: Verdict | None, obstruction: Obstruction) -> Decision:
    """The decision in the entry of a request that no model could take: where it wanted to go.

    Nothing was sent; like every decision it can be made again from what is recorded.
    """
    return Decision(
        tier=obstruction.wanted.tier,
        model=obstruction.wanted.model,
        reason=_MOVED[obstruction.obstacle],
        candidates=obstruction.candidates,
        verdict=verdict,
    )


def _search(
    order: tuple[Tier, ...],
    reason: Reason,
    looks: list[tuple[Candidate, Obstacle | None]],
    case: _Case,
) -> Decision | Obstruction:
    """The first tier of `order` that can serve. An open tool loop is not moved by an outage."""
    passed: Obstacle | None = None
    tried: list[Tier] = []
    for tier in order:
        candidate, skipped = looks[RANKS[tier]]
        passed = _graver(passed, skipped)
        tried.append(tier)
        if passed == "unavailable" and case.facts.open_tool_loop:
            break
        if candidate.obstacle is None:
            return case.choose(tier, candidate.model, _MOVED[passed] if passed else reason)
    profiles = [profile for tier in tried for profile in case.table.tiers[tier]]
    subject = _subject(case.facts)
    wanted = case.candidates[RANKS[order[0]]]
    return obstruct(subject, wanted, profiles, case.candidates, case.facts, case.table)


def _stay(found: Decision | Obstruction, case: _Case) -> Decision | Obstruction:
    """What was found, unless the conversation costs no more where it is cached."""
    if case.facts.warm is None or isinstance(found, Obstruction):
        return found
    model = model_to_stay_with(found, case.facts, case.table)
    if model is None:
        return found
    return case.choose(case.table.profiles[model].tier, model, "pinned")


def _wish(
    verdict: Verdict | None, facts: Facts, table: PolicyTable
) -> tuple[Tier, Reason, tuple[Tier, ...]]:
    """The tier that is wanted, why, and the tiers to look in, that one first."""
    if facts.forced is not None:
        return facts.forced, "forced", (facts.forced,)
    base, reason = _base(verdict, facts, table)
    if not facts.rules:
        return base, reason, SEARCH[base]
    tier, order = apply_rules(table.rules, facts.rules, base)
    return tier, reason if tier == base else "rule", order


def _base(verdict: Verdict | None, facts: Facts, table: PolicyTable) -> tuple[Tier, Reason]:
    policy = table.policy
    if verdict is None:
        return policy.no_verdict_tier, "no_verdict"
    if verdict.label == "needs_info":
        return policy.needs_info_tier, "needs_info"
    if facts.dial == "auto" and policy.by == "label":
        return verdict.label, "label"
    cutoffs = table.cutoffs[facts.dial]
    if verdict.success.easy >= cutoffs.easy:
        return "easy", "success"
    return "medium" if verdict.success.medium >= cutoffs.medium else "hard", "success"


def _look(tier: Tier, facts: Facts, table: PolicyTable) -> tuple[Candidate, Obstacle | None]:
    """The model of `tier` that can serve, and the gravest obstacle of those before it.

    Where none can, the candidate is the model that would have served without that obstacle.
    """
    profiles = table.tiers[tier]
    passed: Obstacle | None = None
    blocked = profiles[0].model
    for profile in profiles:
        obstacle = obstacle_of(profile, facts, table)
        if obstacle is None:
            return Candidate(tier=tier, model=profile.model), passed
        graver = _graver(passed, obstacle)
        if graver != passed:
            passed, blocked = graver, profile.model
    return Candidate(tier=tier, model=blocked, obstacle=passed), passed


def _graver(first: Obstacle | None, second: Obstacle | None) -> Obstacle | None:
    """An outage, where there is one: it moved the request last; else the first obstacle met."""
    return second if first is None or second == "unavailable" else first


def _binds(pin: ModelId, facts: Facts, table: PolicyTable) -> bool:
    """A forced tier is the caller's word of this moment: it outranks a pin to another tier."""
    return facts.forced is None or any(pin == p.model for p in table.tiers[facts.forced])


def _exactly(
    model: ModelId, reason: Reason, wanted: Tier | None, case: _Case
) -> Decision | Obstruction:
    """`model` and no other. It serves as `wanted` if it belongs to that tier."""
    profile = case.table.profiles.get(model)
    subject = _subject(case.facts)
    if profile is None:
        return Obstruction(
            message=f"{subject}: {model} is not configured.",
            outage=True,
            obstacle="unavailable",
            code="model_not_configured",
            wanted=Candidate(tier=wanted or "hard", model=model, obstacle="unavailable"),
            candidates=case.candidates,
        )
    within = wanted is not None and profile in case.table.tiers[wanted]
    tier = wanted if within and wanted else profile.tier
    obstacle = obstacle_of(profile, case.facts, case.table)
    if obstacle is None:
        return case.choose(tier, model, reason)
    blocked = Candidate(tier=tier, model=model, obstacle=obstacle)
    return obstruct(subject, blocked, [profile], case.candidates, case.facts, case.table)


def _subject(facts: Facts) -> str:
    """How the account of a refusal begins: what it was that could not be served."""
    if facts.passthrough is not None:
        return f"{facts.passthrough} cannot take this request"
    if facts.open_tool_loop and facts.pin is not None:
        return f"This tool loop has to go on with {facts.pin}, which cannot take the request"
    if facts.open_tool_loop:
        return "This tool loop cannot be moved to another model"
    if facts.forced is not None:
        return f"The {facts.forced} tier cannot take this request"
    return "No tier can take this request"
