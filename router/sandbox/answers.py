"""What the models say: lengths and words that follow from a digest of the request alone."""

import math
import random
from hashlib import blake2b
from statistics import NormalDist
from typing import Final

from msgspec import Struct

from router.sandbox.checks import thinks
from router.sandbox.examples import SIMULATED, example_json
from router.sandbox.personas import Persona
from router.sandbox.replies import Finish
from router.sandbox.requests import Call, ChatRequest
from router.sandbox.settings import Scenario
from router.sandbox.tools import calls_for

SPREAD: Final = 0.7
"""Standard deviation of the logarithm of a length: nine in ten are under 2.5 times the median."""
SHARED: Final = 0.8
"""Correlation of a length with what every model would write: some questions need long answers."""
LONGEST: Final = 16_384
_PIECE: Final = 4
"""Characters of JSON in one token."""
_SENTENCE: Final = 13
_WORDS: Final = tuple(
    word
    for line in (
        "the gear turns while a slope rises and this road bends under light rain",
        "so each wheel finds its own pace before another hill begins then engine notes grow calm",
        "as distance folds into evening air with no real thought behind any word here",
    )
    for word in line.split()
)


class Answer(Struct, frozen=True, kw_only=True):
    """One choice of an answer, token by token."""

    reasoning: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    finish: Finish

    @property
    def tokens(self) -> int:
        """Everything that is billed as output, reasoning included."""
        called = sum(1 + len(pieces_of(call.function.arguments)) for call in self.calls)
        return len(self.reasoning) + len(self.content) + called


def compose(request: ChatRequest, persona: Persona, scenario: Scenario, index: int = 0) -> Answer:
    """Choice number `index` of the answer that `persona` gives to `request`, capped as asked.

    Streamed or not, the answer to the same messages and tools is the same.
    """
    dice = _Dice(prompt=request.prompt, purpose=f"{request.model}/{index}")
    calls = calls_for(request, scenario)
    answer = Answer(
        reasoning=_reason(dice, persona, scenario) if thinks(request, persona) else (),
        content=_speak(request, dice, persona, scenario) if not calls else _announce(calls),
        calls=calls,
        finish="tool_calls" if calls else "stop",
    )
    return answer if request.cap is None else _cut(answer, request.cap)


def pieces_of(text: str) -> tuple[str, ...]:
    """`text` in pieces of a token each."""
    return tuple(text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _cut(answer: Answer, cap: int) -> Answer:
    """Stop at `cap` tokens. Reasoning comes first, so a small cap leaves no content at all."""
    if answer.tokens <= cap:
        return answer
    reasoning = answer.reasoning[:cap]
    return Answer(
        reasoning=reasoning,
        content=answer.content[: cap - len(reasoning)],
        finish="length",
    )


class _Dice(Struct, frozen=True, kw_only=True):
    """Chance that always falls alike for the same prompt and purpose."""

    prompt: bytes
    purpose: str

    def seed(self, purpose: str) -> int:
        """64 bits."""
        digest = blake2b(self.prompt, digest_size=8, key=blake2b(purpose.encode()).digest())
        return int.from_bytes(digest.digest())

    def normal(self, purpose: str) -> float:
        """Draw from the standard normal distribution."""
        return NormalDist().inv_cdf(((self.seed(purpose) >> 12) + 0.5) / 2**52)

    def length(self, median: int) -> int:
        """Draw from a log-normal distribution around `median`."""
        own = self.normal(f"{self.purpose}/{median}")
        deviation = SPREAD * (SHARED * self.normal("shared") + math.sqrt(1 - SHARED**2) * own)
        return min(LONGEST, max(1, round(median * math.exp(deviation))))

    def prose(self, opening: str, length: int) -> tuple[str, ...]:
        """`length` words, the first of which say that they are simulated."""
        start = _words(f"{SIMULATED} {opening}")
        drawn = random.Random(self.seed(self.purpose)).choices(_WORDS, k=max(0, length))
        said = (*start, *(_inflect(place, word) for place, word in enumerate(drawn)))
        return said[:length]


def _reason(dice: _Dice, persona: Persona, scenario: Scenario) -> tuple[str, ...]:
    asked = scenario.reasoning
    length = dice.length(persona.reasoning_tokens) if asked is None else asked
    return dice.prose("Thinking it over.", length)


def _speak(
    request: ChatRequest, dice: _Dice, persona: Persona, scenario: Scenario
) -> tuple[str, ...]:
    wanted = request.response_format
    if wanted is not None and wanted.type == "json_object":
        return pieces_of(f'{{"note": "{SIMULATED} No model wrote this."}}')
    if wanted is not None and wanted.type == "json_schema":
        return pieces_of(example_json(wanted.json_schema.schema))
    asked = scenario.tokens
    length = dice.length(persona.answer_tokens) if asked is None else asked
    return dice.prose(f"The sandbox plays {request.model}; no model wrote this.", length)


def _announce(calls: tuple[Call, ...]) -> tuple[str, ...]:
    names = " and ".join(call.function.name for call in calls)
    return _words(f"{SIMULATED} Calling {names}.")


def _words(text: str) -> tuple[str, ...]:
    first, *others = text.split(" ")
    return (first, *(f" {word}" for word in others))


def _inflect(place: int, word: str) -> str:
    """The word as it stands at `place` of a text made of sentences of equal length."""
    start, end = place % _SENTENCE == 0, place % _SENTENCE == _SENTENCE - 1
    return f" {word.capitalize() if start else word}{'.' if end else ''}"
