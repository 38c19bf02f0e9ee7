"""The operator's rules: which of them a request matches, and what they leave of its tiers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from classifier.types import TIERS, Tier
from router.config.schema import Rule

RANKS: Final[dict[Tier, int]] = {tier: rank for rank, tier in enumerate(TIERS)}

SEARCH: Final[dict[Tier, tuple[Tier, ...]]] = {
    "easy": ("easy", "medium", "hard"),
    "medium": ("medium", "hard", "easy"),
    "hard": ("hard", "medium", "easy"),
}
"""Where to look for a tier that can serve: the wanted one, then harder ones, then easier ones.

Harder first: a better answer than was asked for is a smaller harm than a worse one.
"""


class CompiledRule(Struct, frozen=True, kw_only=True):
    """A rule with its expression compiled and its tiers as ranks, 0 (easy) to 2 (hard)."""

    key: str | None
    header: str | None
    value: str | None
    pattern: re.Pattern[str] | None
    low: int
    high: int

    def matches(self, key: str, headers: Mapping[str, str], text: str) -> bool:
        """Whether every condition that is given holds. `headers` have lower-case names."""
        if self.key is not None and self.key != key:
            return False
        if self.header is not None and not self._header_matches(headers):
            return False
        return self.pattern is None or self.pattern.search(text) is not None

    def _header_matches(self, headers: Mapping[str, str]) -> bool:
        found = headers.get(self.header or "")
        return found is not None and (self.value is None or self.value == found)


def compile_rules(rules: Sequence[Rule]) -> tuple[CompiledRule, ...]:
    """`rules` of a checked configuration, ready to match."""
    return tuple(
        CompiledRule(
            key=rule.key,
            header=rule.header,
            value=rule.value,
            pattern=None if rule.pattern is None else re.compile(rule.pattern),
            low=RANKS[rule.tier or rule.at_least or "easy"],
            high=RANKS[rule.tier or rule.at_most or "hard"],
        )
        for rule in rules
    )


def match_rules(
    rules: Sequence[CompiledRule], key: str, headers: Mapping[str, str], text: str
) -> tuple[int, ...]:
    """Positions of the rules that a request matches, in order: the value of `facts.rules`.

    `key` is the name of the caller's API key, `headers` have lower-case names, and `text` is the
    scored text of the last human turn, empty where there is none. The scored text is bounded, and
    so is the time of any expression without nested repetition.
    """
    if not rules:
        return ()
    return tuple(at for at, rule in enumerate(rules) if rule.matches(key, headers, text))


def bounds(rules: Sequence[CompiledRule], matched: Sequence[int]) -> tuple[int, int]:
    """The lowest and the highest rank that the matched rules leave."""
    return [(0, len(TIERS) - 1), *_narrowed(rules, matched)][-1]


def apply_rules(
    rules: Sequence[CompiledRule], matched: Sequence[int], tier: Tier
) -> tuple[Tier, tuple[Tier, ...]]:
    """The tier that the matched rules make of `tier`, and the order in which to look from there.

    Rules narrow one another; one that contradicts what earlier ones left has the last word. The
    tiers that are allowed come first in the order: the others are for when none of those can serve.
    """
    rank = RANKS[tier]
    low, high = 0, len(TIERS) - 1
    for low, high in _narrowed(rules, matched):
        rank = min(max(rank, low), high)
    allowed = TIERS[low : high + 1]
    chosen = TIERS[rank]
    return chosen, tuple(sorted(SEARCH[chosen], key=lambda other: other not in allowed))


def _narrowed(rules: Sequence[CompiledRule], matched: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The bounds after each matched rule. One that contradicts the others has the last word."""
    low, high = 0, len(TIERS) - 1
    for at in matched:
        if not 0 <= at < len(rules):
            continue  # facts that were recorded under another configuration
        rule = rules[at]
        if rule.low > high or rule.high < low:
            low, high = rule.low, rule.high
        else:
            low, high = max(low, rule.low), min(high, rule.high)
        yield low, high
