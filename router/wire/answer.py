"""The answer of an upstream that comes in one piece, and the parts it shares with a stream.

Nothing in here trusts the upstream: a field that is missing or of another type counts as absent,
because an odd answer is still relayed. Usage is read from every place where a host may put it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from router.domain import Usage

MOST_TOKENS: Final = 2**40
"""A larger count is nonsense, and would not fit where costs are stored."""

NO_USAGE: Final = Usage()


class Said(msgspec.Struct, gc=False):
    """What a model wrote: a whole message, or a stream's piece of one."""

    content: object = None
    reasoning_content: object = None
    reasoning: object = None
    tool_calls: object = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers asked for, whole (`message`) or in pieces (`delta`)."""

    index: object = 0
    message: Said | None = None
    delta: Said | None = None
    finish_reason: object = None
    usage: object = None


class Body(msgspec.Struct, gc=False):
    """An answer, or one event of a streamed one."""

    choices: list[Choice] | None = None
    usage: object = None
    error: object = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer says of itself."""

    usage: Usage
    """Source `none` where the upstream sent no usage."""
    finish: str | None
    """The first choice's finish_reason."""
    output_bytes: int
    """UTF-8 bytes of text, reasoning and tool calls: the ground for an estimate."""
    reasoning_bytes: int
    """Of them reasoning."""


read_body: Final = msgspec.json.Decoder(Body).decode


def parse_answer(body: bytes) -> Answer | None:
    """Read a chat completion; none where `body` is anything else. Never raises."""
    try:
        read = read_body(body)
    except (ValueError, RecursionError):
        return None
    if read.choices is None:
        return None
    return Answer(
        usage=find_usage(read),
        finish=find_finish(read.choices),
        output_bytes=sum(said_bytes(choice.message) for choice in read.choices),
        reasoning_bytes=sum(thought_bytes(choice.message) for choice in read.choices),
    )


def find_finish(choices: Sequence[Choice]) -> str | None:
    """The first finish_reason among `choices`."""
    return next(filter(None, map(finish_of, choices)), None)


def finish_of(choice: Choice) -> str | None:
    """Why this choice ended; none while it goes on."""
    reason = choice.finish_reason
    return reason if isinstance(reason, str) and reason else None


def said_bytes(said: Said | None) -> int:
    """UTF-8 bytes of what was written: text, reasoning once, names and arguments of tool calls."""
    if said is None:
        return 0
    size = _text_bytes(said.content) if said.content else 0
    size += thought_bytes(said)
    if said.tool_calls:
        size += _text_bytes(said.tool_calls)
    return size


def thought_bytes(said: Said | None) -> int:
    """UTF-8 bytes of reasoning, which some hosts send twice under two names; counted once."""
    thought = None if said is None else said.reasoning_content or said.reasoning
    return _text_bytes(thought) if thought else 0


def find_usage(body: Body) -> Usage:
    """Usage from the top and from every choice: Kimi's streams have it in `choices[0]`."""
    usage = read_usage(body.usage)
    for choice in body.choices or ():
        if choice.usage is not None:
            usage = merge_usage(usage, read_usage(choice.usage))
    return usage


def read_usage(value: object) -> Usage:
    """One usage object. Without a single token it counts as none: nothing is ever free."""
    if not isinstance(value, dict):
        return NO_USAGE
    prompt = value.get("prompt_tokens_details")
    completion = value.get("completion_tokens_details")
    taken = _count(value, "prompt_tokens")
    written = _count(value, "completion_tokens")
    if not taken and not written:
        return NO_USAGE
    cached = max(_count(value, "cached_tokens"), _count(prompt, "cached_tokens"))
    reasoning = max(_count(value, "reasoning_tokens"), _count(completion, "reasoning_tokens"))
    return Usage(
        input=taken,
        cached=min(cached, taken),
        output=written,
        reasoning=min(reasoning, written),
        source="billed",
    )


def merge_usage(one: Usage, other: Usage) -> Usage:
    """Two accounts of the same tokens: each figure from whichever place has more of it.

    Nothing is added: hosts repeat themselves, and their running counts only grow.
    """
    if other.source == "none":
        return one
    if one.source == "none":
        return other
    return Usage(
        input=max(one.input, other.input),
        cached=max(one.cached, other.cached),
        output=max(one.output, other.output),
        reasoning=max(one.reasoning, other.reasoning),
        source="billed",
    )


def _count(value: object, name: str) -> int:
    """A number of tokens, wherever it is one."""
    count = value.get(name) if isinstance(value, dict) else None
    return min(max(0, int(count)), MOST_TOKENS) if isinstance(count, int | float) else 0


_TEXTS: Final = ("text", "thinking", "name", "arguments", "function")


def _text_bytes(value: object) -> int:
    """Bytes of the text in a string, in a list of parts, or in a list of tool calls."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, list):
        return sum(map(_text_bytes, value))
    if isinstance(value, dict):
        return sum(_text_bytes(value.get(name)) for name in _TEXTS)
    return 0
