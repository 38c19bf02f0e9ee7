"""What a simulation is asked: policies, the baseline, how intervals are drawn."""

from typing import Final

from msgspec import Struct

from classifier.types import Tier

SEED: Final = 20_261_126
ROUNDS: Final = 1_000
"""Replicates of the bootstrap."""

Names = tuple[str, str, str]
Ratios = tuple[float | None, float | None, float | None]


class Option(Struct, frozen=True, kw_only=True):
    """One policy that is tried."""

    name: str
    models: Names = ("", "", "")
    """First model of each tier: policies that name the same one share the doubt of its lengths."""
    cached_ratios: Ratios = (None, None, None)
    """By tier: the price of a cached input token for one of a fresh token; none where unknown."""


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of a log."""

    options: tuple[Option, ...]
    """In the order of `Columns.policies`; the first is the one that headlines."""
    baseline: Tier = "hard"
    seed: int = SEED
    rounds: int = ROUNDS
