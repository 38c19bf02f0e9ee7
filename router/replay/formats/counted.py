"""Observations of other tools: requests and answers in parts, each tool with names of its own."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from router.domain import PICO, Usage
from router.replay.formats.bodies import Who, bad, chat, compose
from router.replay.logged import MOST_PICO, Answered, Bad, Logged

ROLES: Final[Mapping[str, str]] = {
    "human": "user",
    "ai": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
}
"""Other words for the roles."""
_HOLDERS: Final = ("messages", "input", "prompt")
_TEXT: Final = ("content", "text", "value")


def count(taken: object, written: object, cached: object = None, reasoning: object = None) -> Usage:
    """Usage of tokens that were counted; source `none` where they were not."""
    numbers = [max(0, int(n)) if isinstance(n, int | float) else 0 for n in (taken, written)]
    if not any(numbers):
        return Usage()
    extra = [max(0, int(n)) if isinstance(n, int | float) else 0 for n in (cached, reasoning)]
    return Usage(
        input=numbers[0],
        output=numbers[1],
        cached=min(extra[0], numbers[0]),
        reasoning=min(extra[1], numbers[1]),
        source="billed",
    )


def pico(usd: object) -> int | None:
    """US dollars as logs write them, in pico-USD; none where there is no such number."""
    if not isinstance(usd, int | float) or not 0 <= usd * PICO <= MOST_PICO:
        return None
    return round(usd * PICO)


def plain(value: object) -> object:
    """What is kept as a JSON document inside of a string, read; anything else as it is."""
    if not isinstance(value, str) or value[:1] not in {"{", "[", '"'}:
        return value
    try:
        read: object = msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return value
    return read


def messages_of(value: object) -> list[dict[str, object]]:
    """The messages in whatever a tool kept as input: a list, an object that has one, or a text."""
    found = plain(value)
    if isinstance(found, dict):
        lone = [found] if "content" in found else None
        found = plain(next((found[n] for n in _HOLDERS if n in found), lone))
    if isinstance(found, str):
        return [{"role": "user", "content": found}] if found else []
    if not isinstance(found, Sequence):
        return []
    return [message for message in map(_message, found) if message]


def request(
    messages: list[dict[str, object]],
    who: Who,
    answer: Answered | None,
    fields: Mapping[str, object],
) -> Logged | Bad:
    """A request that was kept in parts."""
    if not messages:
        return bad("there is no text of the request in it")
    try:
        body = compose(messages, **fields)
    except (ValueError, TypeError, RecursionError) as error:
        return bad(error)
    return chat(body, who, answer=answer)


def _message(value: object) -> dict[str, object] | None:
    """One message in OpenAI's shape; none for what says nothing."""
    if not isinstance(value, dict):
        return None
    role = str(value.get("role") or value.get("from") or "user")
    parts = value.get("parts")
    content = _joined(parts) if isinstance(parts, list) else _first(value)
    kept: dict[str, object] = {"role": ROLES.get(role, role), "content": content}
    return kept


def _first(value: Mapping[str, object]) -> object:
    content = next((value[name] for name in _TEXT if value.get(name) is not None), None)
    if isinstance(content, list):
        # Parts of a type that is no string would be refused whole; what is text is what is read.
        return [part for part in content if isinstance(part, dict) and "type" in part]
    return content if isinstance(content, str) else None


def _joined(parts: Sequence[object]) -> str:
    """The text of parts as OpenTelemetry has them: `{"type": "text", "content": …}`."""
    texts = (part.get("content") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def raw(value: Raw) -> object:
    """A field whose shape is not known."""
    try:
        read: object = msgspec.json.decode(value) if bytes(value) else None
    except (ValueError, RecursionError):
        return None
    return read
