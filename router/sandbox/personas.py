"""The models that the sandbox plays: how they think, how fast they are, what they refuse."""

from typing import Final

from msgspec import Struct


class Persona(Struct, frozen=True, kw_only=True):
    """One kind of model. Speeds and lengths are plausible, not measured at any host."""

    kimi: bool
    """Has Kimi's manners: temperature in [0, 1], usage inside the choice, a flat cached count."""
    thinking: bool
    """Writes `reasoning_content` first, and wants it back with every tool call."""
    fixed_sampling: bool = False
    """Takes no temperature but 1, and no `tool_choice` but auto and none."""
    context: int
    """Window in tokens, input and output together."""
    tokens_per_s: float
    first_byte_s: float
    answer_tokens: int
    """Median length of the answer's text."""
    reasoning_tokens: int = 0
    """Median length of the reasoning."""

    @property
    def output_tokens(self) -> int:
        """Median of everything that is billed as output."""
        return self.answer_tokens + self.reasoning_tokens


SMALL: Final = Persona(
    kimi=False,
    thinking=False,
    context=32_768,
    tokens_per_s=150.0,
    first_byte_s=0.25,
    answer_tokens=200,
)
INSTRUCT: Final = Persona(
    kimi=True,
    thinking=False,
    context=131_072,
    tokens_per_s=60.0,
    first_byte_s=0.5,
    answer_tokens=320,
)
THINKING: Final = Persona(
    kimi=True,
    thinking=True,
    context=262_144,
    tokens_per_s=75.0,
    first_byte_s=0.6,
    answer_tokens=340,
    reasoning_tokens=1_160,
)
FIXED: Final = Persona(
    kimi=True,
    thinking=True,
    fixed_sampling=True,
    context=262_144,
    tokens_per_s=75.0,
    first_byte_s=0.6,
    answer_tokens=340,
    reasoning_tokens=1_160,
)

_BY_MARK: Final = (
    ("kimi-k2.6", FIXED),
    ("kimi-k2.7", FIXED),
    ("kimi-k3", FIXED),
    ("thinking", THINKING),
    ("k2", INSTRUCT),
    ("kimi", INSTRUCT),
)


def persona_of(model: str) -> Persona:
    """Who plays `model`: the first mark that its id contains decides, else the small model."""
    name = model.lower()
    return next((persona for mark, persona in _BY_MARK if mark in name), SMALL)
