"""Usage as hosts report it: how it is spelt, and where in a stream it stands."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import UNSET

from router.sandbox.answers import Answer
from router.sandbox.personas import Persona
from router.sandbox.replies import CachedTokens, ReasoningTokens, UsageBlock
from router.sandbox.settings import Quirk

Place: TypeAlias = Literal["choice", "filled", "empty"]
"""Inside `choices[0]` of the last chunk that has a choice; at top level of that same chunk; at top
level of a chunk of its own, whose `choices` are empty."""

_PLACES: Final[Mapping[Quirk, frozenset[Place]]] = {
    "usage_in_choice": frozenset({"choice"}),
    "usage_filled_choices": frozenset({"filled"}),
    "usage_empty_choices": frozenset({"empty"}),
    "usage_everywhere": frozenset({"choice", "filled", "empty"}),
    "no_usage": frozenset(),
}


def count_usage(
    answers: Sequence[Answer], prompt_tokens: int, cached: int, quirks: Sequence[Quirk]
) -> UsageBlock:
    """The tokens of a whole request; reasoning counts as completion."""
    completion = sum(answer.tokens for answer in answers)
    reasoning = sum(len(answer.reasoning) for answer in answers)
    return UsageBlock(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion,
        total_tokens=prompt_tokens + completion,
        cached_tokens=cached if "cached_details" not in quirks else UNSET,
        prompt_tokens_details=CachedTokens(cached) if "cached_flat" not in quirks else UNSET,
        completion_tokens_details=(
            ReasoningTokens(reasoning) if "reasoning_details" in quirks else UNSET
        ),
    )


def spelling_of(persona: Persona) -> tuple[Quirk, ...]:
    """How the persona spells cached tokens when no quirk says: Kimi in both ways."""
    return () if persona.kimi else ("cached_details",)


def places_for(persona: Persona, quirks: Sequence[Quirk], *, asked: bool) -> frozenset[Place]:
    """Where a stream reports usage; `asked` is the request's `include_usage`.

    Kimi always reports inside the choice, and once more on its own when asked.
    """
    for quirk in quirks:
        if quirk in _PLACES:
            return _PLACES[quirk]
    own: frozenset[Place] = frozenset({"choice"}) if persona.kimi else frozenset()
    return own | {"empty"} if asked else own
