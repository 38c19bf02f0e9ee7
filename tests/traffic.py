"""Entries with kept prompts, and conversations, to learn from in tests."""

from collections.abc import Sequence

from msgspec.structs import replace

from classifier.features import extract
from classifier.types import Label, Probabilities, Success, Tier, Turn, Verdict
from router.domain import Attempt, Caller, Entry, Facts, Kept, ModelId, Outcome, Reason
from tests.ledgers import NOON_US, chosen, entry
from tests.verdicts import VERSION

MINUTE_US = 60_000_000
SESSION = Caller(key="default", session="s1")


def verdict_of(label: Label, confidence: float = 0.7) -> Verdict:
    """A verdict that says `label`, the rest shared by the others evenly."""
    others = (1 - confidence) / 3
    shares = dict.fromkeys(("easy", "medium", "hard", "needs_info"), others) | {label: confidence}
    return Verdict(
        label=label,
        probabilities=Probabilities(**shares),
        success=Success(easy=0.5, medium=0.6, hard=0.7),
        difficulty=0.5,
        confidence=confidence,
        truncated=False,
        model_version=VERSION,
    )


def asked(
    number: int,
    *turns: str,
    tier: Tier = "easy",
    label: Label | None = "easy",
    minute: float | None = None,
    caller: Caller = SESSION,
    **more: object,
) -> Entry:
    """Entry `number`: the human turns of a conversation, answered by `tier`."""
    prompt = extract([Turn(role="user", text=text) for text in turns])
    assert prompt is not None
    decision = replace(
        chosen(tier, f"{tier}-model"), verdict=None if label is None else verdict_of(label)
    )
    at_us = NOON_US + int((number if minute is None else minute) * MINUTE_US)
    fields: dict[str, object] = {
        "decision": decision,
        "caller": caller,
        "outcome": answered(tier),
        "prompt": prompt.text,
        "kept": Kept(context=prompt.context, length=prompt.length),
    }
    return entry(number, at_us=at_us, **(fields | more))


def answered(*tiers: Tier, status: int = 200) -> Outcome:
    """What came of a request that these tiers tried, the last one with success."""
    attempts = [
        Attempt(
            model=ModelId(f"{tier}-model"), tier=tier, status=200 if last else 503,
            fault=None if last else "server",
        )
        for last, tier in _marked(tiers)
    ]  # fmt: skip
    return Outcome(status=status, attempts=tuple(attempts))


def escalated(number: int, text: str, *tiers: Tier) -> Entry:
    """An entry whose answer was not good enough for the router, from tier to tier."""
    reason: Reason = "escalated"
    decision = replace(chosen(tiers[-1], "m", reason), verdict=verdict_of("easy"))
    attempts = tuple(Attempt(model=ModelId("m"), tier=tier, status=200) for tier in tiers)
    return asked(number, text, decision=decision, outcome=Outcome(status=200, attempts=attempts))


def in_loop(number: int, *turns: str) -> Entry:
    """A step of a tool loop that the last of `turns` opened."""
    return asked(number, *turns, facts=Facts(input_tokens=9, open_tool_loop=True))


def _marked(tiers: Sequence[Tier]) -> list[tuple[bool, Tier]]:
    return [(place == len(tiers) - 1, tier) for place, tier in enumerate(tiers)]
