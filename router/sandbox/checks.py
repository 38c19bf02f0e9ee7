"""What the models refuse: requests that a real host would answer with 400."""

from collections.abc import Sequence
from typing import Final

from router.sandbox.personas import Persona
from router.sandbox.refusals import Refusal, invalid
from router.sandbox.requests import ChatRequest, Message

NEAR_ZERO: Final = 0.05
"""Temperatures below this give one answer only, so `n` must be 1."""
MOST_ANSWERS: Final = 5
"""Kimi's bound on `n`."""


def thinks(request: ChatRequest, persona: Persona) -> bool:
    """Whether the answer starts with reasoning: the newer models can be told not to."""
    told_not_to = request.thinking is not None and request.thinking.type == "disabled"
    return persona.thinking and not (persona.fixed_sampling and told_not_to)


def check_request(request: ChatRequest, persona: Persona, *, multimodal: bool) -> None:
    """Raise the Refusal that the model would give to `request`, if it would."""
    if not request.messages:
        raise invalid("Invalid request: messages must not be empty")
    if request.cap is not None and request.cap < 1:
        raise invalid("Invalid request: max_tokens must be at least 1")
    if not multimodal:
        _check_text_only(request.messages)
    _check_sampling(request, persona)
    _check_tool_choice(request, persona)
    if thinks(request, persona):
        _check_reasoning(request.messages)
    _check_tool_loop(request.messages)


def check_window(input_tokens: int, cap: int | None, persona: Persona) -> None:
    """Raise a Refusal when input and the cap on output do not fit the window together."""
    if input_tokens + (cap or 0) > persona.context:
        raise invalid(f"Your request exceeded model token limit: {persona.context}")


def _check_text_only(messages: Sequence[Message]) -> None:
    for message in messages:
        for part in message.parts:
            if part.type != "text":
                raise invalid(f"Invalid request: this model does not take {part.type} parts")


def _check_sampling(request: ChatRequest, persona: Persona) -> None:
    temperature, count = request.temperature, request.count
    if not 1 <= count <= MOST_ANSWERS:
        raise invalid(f"Invalid request: n must be between 1 and {MOST_ANSWERS}")
    if temperature is None:
        return
    if persona.fixed_sampling and temperature != 1:
        raise invalid("invalid temperature: only 1 is allowed for this model")
    highest = 1 if persona.kimi else 2
    if not 0 <= temperature <= highest:
        raise invalid(f"invalid temperature: must be between 0 and {highest}")
    if persona.kimi and count > 1 and temperature < NEAR_ZERO:
        raise invalid("invalid n: only 1 is allowed when temperature is near 0")


def _check_tool_choice(request: ChatRequest, persona: Persona) -> None:
    choice = request.tool_choice
    if choice is None or choice in {"auto", "none"}:
        return
    if persona.fixed_sampling:
        raise invalid("tool_choice: only auto and none are allowed for this model")
    offered = {tool.function.name for tool in request.tools or ()}
    wanted = None if isinstance(choice, str) else choice.function.name
    if choice == "required" and offered:
        return
    if wanted not in offered:
        raise invalid("Invalid request: tool_choice names no tool of this request")


def _check_reasoning(messages: Sequence[Message]) -> None:
    """Every tool call of the history counts, and an empty trace counts as a missing one.

    Seen in reports against Kimi's own API, where "" is refused and a single space is taken.
    """
    for index, message in enumerate(messages):
        if message.tool_calls and not message.reasoning_content:
            raise _missing_reasoning(index)


def _missing_reasoning(index: int) -> Refusal:
    return invalid(
        "thinking is enabled but reasoning_content is missing "
        f"in assistant tool call message at index {index}"
    )


def _check_tool_loop(messages: Sequence[Message]) -> None:
    """A tool's answer must name a call that an earlier message made."""
    made: set[str] = set()
    for message in messages:
        made.update(call.id for call in message.tool_calls or ())
        if message.role == "tool" and message.tool_call_id not in made:
            raise invalid(f"tool_call_id not found: {message.tool_call_id}")
