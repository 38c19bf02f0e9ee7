"""The policy, compiled: what deciding needs of the configuration, looked up once."""

from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from classifier import types
from classifier.types import Tier
from router.config.schema import UNCALIBRATED, Config, Cutoffs, Model, Policy
from router.domain import Capability, Dial, Facts, Modality, ModelId, Obstacle
from router.policy.rules import CompiledRule, compile_rules
from router.prices.book import Book
from router.prices.lengths import Lengths

NOT_CALIBRATED: Final[Mapping[str, types.Cutoffs]] = MappingProxyType({})

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


class Switching(Struct, frozen=True, kw_only=True):
    """What the price of leaving a warm prefix cache follows from."""

    book: Book
    lengths: Lengths
    gaining: frozenset[ModelId]
    """Models that read cached tokens more cheaply than fresh ones."""


class PolicyTable(Struct, frozen=True, kw_only=True):
    """Everything that `decide` reads. Immutable: a new configuration makes a new one."""

    version: str
    """Digest of the policy, its cut-offs, the tiers and the model profiles; 16 hex digits."""
    policy: Policy
    cutoffs: dict[Dial, Cutoffs]
    scale: int
    """Input tokens are counted with the margin: times this, per ten thousand. Whole numbers do not
    overflow."""
    rules: tuple[CompiledRule, ...]
    tiers: dict[Tier, tuple[Profile, ...]]
    profiles: dict[ModelId, Profile]
    switching: Switching | None = None
    """None where switching models costs nothing, or nobody knows what."""


def compile_policy(
    config: Config, calibrated: Mapping[str, types.Cutoffs] = NOT_CALIBRATED
) -> PolicyTable:
    """The table of a checked configuration: every tier has models, and every model a profile.

    `calibrated` are the cut-offs of the classifier that judges: a table serves with it alone.
    """
    auto = auto_cutoffs(config, calibrated)
    policy = msgspec.structs.replace(config.policy, auto=auto)
    profiles = {
        model: _profile(model, config.tier_of(model) or "hard", settings)
        for model, settings in config.model.items()
    }
    return PolicyTable(
        version=_digest((policy, config.tiers, config.model)),
        policy=policy,
        cutoffs={"auto": auto, "cheap": policy.cheap, "best": policy.best},
        scale=round((1.0 + config.policy.context_margin) * 10_000),
        rules=compile_rules(config.policy.rule),
        tiers={
            tier: tuple(profiles[model] for model in models)
            for tier, models in config.tiers.items()
        },
        profiles=profiles,
    )


def auto_cutoffs(config: Config, calibrated: Mapping[str, types.Cutoffs]) -> Cutoffs:
    """Those of the file, else those of the classifier, else the placeholders."""
    if config.policy.auto is not None:
        return config.policy.auto
    own = calibrated.get("auto")
    return UNCALIBRATED if own is None else Cutoffs(easy=own.easy, medium=own.medium)


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


def _digest(parts: tuple[object, ...]) -> str:
    return blake2b(msgspec.json.encode(parts, order="sorted"), digest_size=8).hexdigest()
