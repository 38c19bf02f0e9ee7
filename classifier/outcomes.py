"""What single models made of a prompt → the share of each tier, and the label that follows."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from classifier.types import TIERS, Label, Tier

Models: TypeAlias = Mapping[Tier, tuple[str, ...]]
"""The models that stand for each tier; tiers without any are absent."""

EASY: Final = 0.6
"""Least share of the easy tier's models that makes a prompt easy: more than a coin's luck."""
SOLVED: Final = 0.5
"""Least share of a harder tier's models that counts as solved."""
HALF_KNOWN: Final = 0.5
"""Trust in "easy" where the medium tier was not asked: nothing confirms it."""


def models_of(options: Sequence[str]) -> Models:
    """`easy=model-a,model-c` and the like, tier by tier. Raises ValueError."""
    found: dict[Tier, tuple[str, ...]] = {}
    for option in options:
        name, _, listed = option.partition("=")
        tier = next((tier for tier in TIERS if tier == name.strip().lower()), None)
        models = tuple(model.strip() for model in listed.split(",") if model.strip())
        if tier is None or not models:
            msg = f"{option!r}: write TIER=MODEL,MODEL with a tier of {', '.join(TIERS)}"
            raise ValueError(msg)
        found[tier] = (*found.get(tier, ()), *models)
    named = [model for models in found.values() for model in models]
    twice = sorted({model for model in named if named.count(model) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)}: a model belongs to one tier")
    return found


def shares(outcomes: Mapping[str, float], models: Models) -> tuple[float | None, ...]:
    """The mean outcome of each tier's models, easy to hard; none where no model was asked."""
    asked = [[outcomes[m] for m in models.get(tier, ()) if m in outcomes] for tier in TIERS]
    return tuple(sum(known) / len(known) if known else None for known in asked)


def label_of(shares: Sequence[float | None]) -> tuple[Label, float | None] | None:
    """The label that the easy, medium and hard tier's shares speak for, and its trust if lower.

    None where they do not decide. A prompt is easy when the small models solve it and the larger
    do not contradict, medium when only the medium tier does, hard when only the hard tier does.
    """
    small, mid, top = shares
    if mid is None:
        return ("easy", HALF_KNOWN) if small is not None and small >= EASY else None
    if mid < SOLVED:
        return ("hard", None) if top is not None and top >= SOLVED else None
    if small is None:
        return None
    return ("easy" if small >= EASY else "medium"), None
