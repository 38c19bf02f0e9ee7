"""The policy, compiled: what deciding needs of the configuration, looked up once."""

from hashlib import blake2b
from typing import TypeAlias

import msgspec
from msgspec import Struct

from classifier.types import Tier
from router.config.schema import Config, Model, Policy
from router.domain import Capability, Facts, Modality, ModelId, Obstacle
from router.policy.rules import CompiledRule, compile_rules

Demand: TypeAlias = tuple[int, int]
"""Tokens that a request needs of a window: its input with the margin, and room for the answer."""


class Profile(Struct, frozen=True, kw_only=True):
    """One model as the policy sees it: what it can take."""

    model: ModelId
    tier: Tier
    """The lowest tier that it belongs to; hard for one that is only passed through, so that no
    saving is claimed for what the caller chose."""
    context: int
    modalities: frozenset[Modality]
    capabilities: frozenset[Capability]
    min_output: int
    """Least cap of the caller that leaves room for an answer, tokens."""
    reserve: int
    """Room kept for the answer where the caller gives no cap, tokens."""


class PolicyTable(Struct, frozen=True, kw_only=True):
    """Everything that `decide` reads. Immutable: a new configuration makes a new one."""

    version: str
    """Digest of the policy, the tiers and the model profiles; 16 hex digits."""
    policy: Policy
    scale: int
    """Input tokens are counted with the margin: times this, per ten thousand. Whole numbers do not
    overflow."""
    rules: tuple[CompiledRule, ...]
    tiers: dict[Tier, tuple[Profile, ...]]
    profiles: dict[ModelId, Profile]


def compile_policy(config: Config) -> PolicyTable:
    """The table of a checked configuration: every tier has models, and every model a profile."""
    profiles = {
        model: _profile(model, config.tier_of(model) or "hard", settings)
        for model, settings in config.model.items()
    }
    return PolicyTable(
        version=_digest(config),
        policy=config.policy,
        scale=round((1.0 + config.policy.context_margin) * 10_000),
        rules=compile_rules(config.policy.rule),
        tiers={
            tier: tuple(profiles[model] for model in models)
            for tier, models in config.tiers.items()
        },
        profiles=profiles,
    )


def demand(profile: Profile, facts: Facts, table: PolicyTable) -> Demand:
    """What `facts` need of the window of `profile`, tokens."""
    output = profile.reserve if facts.max_tokens is None else facts.max_tokens
    return facts.input_tokens * table.scale // 10_000, output


def obstacle_of(profile: Profile, facts: Facts, table: PolicyTable) -> Obstacle | None:
    """Why the model of `profile` cannot serve `facts`, the first reason found; none when it can.

    That it is down comes last: "unavailable" means that it could serve if it were up.
    """
    cap = facts.max_tokens
    if sum(demand(profile, facts, table)) > profile.context:
        return "context"
    if not profile.modalities.issuperset(facts.modalities):
        return "modality"
    if not profile.capabilities.issuperset(facts.capabilities):
        return "capability"
    if cap is not None and cap < profile.min_output:
        return "max_tokens"
    return "unavailable" if profile.model in facts.unavailable else None


def _profile(model: ModelId, tier: Tier, settings: Model) -> Profile:
    return Profile(
        model=model,
        tier=tier,
        context=settings.context,
        modalities=frozenset(settings.modalities),
        capabilities=frozenset(settings.capabilities),
        min_output=settings.min_output_tokens,
        reserve=settings.max_tokens or settings.min_output_tokens,
    )


def _digest(config: Config) -> str:
    parts = (config.policy, config.tiers, config.model)
    return blake2b(msgspec.json.encode(parts, order="sorted"), digest_size=8).hexdigest()
