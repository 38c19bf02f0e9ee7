"""OpenTelemetry's spans of generative AI, as OTLP JSON: one export a line, or one document.

By the semantic conventions of 2025 (`gen_ai.input.messages`, `gen_ai.usage.input_tokens`) and by
the older names that instrumentations still write (`gen_ai.prompt.0.content`,
`gen_ai.usage.prompt_tokens`). A span without the text of its request is a length.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from router.domain import Facts
from router.replay.formats.bodies import Who, bad
from router.replay.formats.counted import count, messages_of, request
from router.replay.formats.lengths import CHARACTERS_PER_TOKEN
from router.replay.logged import Answered, Bad, Logged, Read, moment_us
from router.wire.request import HINT_LENGTH

_CHATS: Final = ("chat", "text_completion", "generate_content")
_INDEXED: Final = re.compile(r"gen_ai\.prompt\.(\d+)\.(role|content)")
_NANO_PER_MICRO: Final = 1_000


class _Value(Struct, frozen=True):
    stringValue: str | None = None  # noqa: N815 # OTLP's names
    intValue: str | int | None = None  # noqa: N815
    doubleValue: float | None = None  # noqa: N815
    boolValue: bool | None = None  # noqa: N815


class _Attribute(Struct, frozen=True):
    key: str
    value: _Value = _Value()


class _Event(Struct, frozen=True):
    name: str = ""
    attributes: tuple[_Attribute, ...] = ()


class _Span(Struct, frozen=True):
    startTimeUnixNano: str | int = 0  # noqa: N815
    attributes: tuple[_Attribute, ...] = ()
    events: tuple[_Event, ...] = ()


class _Scope(Struct, frozen=True):
    spans: tuple[_Span, ...] = ()


class _Resource(Struct, frozen=True):
    scopeSpans: tuple[_Scope, ...] = ()  # noqa: N815


class _Export(Struct, frozen=True):
    resourceSpans: tuple[_Resource, ...]  # noqa: N815


_read: Final = msgspec.json.Decoder(_Export).decode


def read(document: bytes) -> Read:
    """The model calls among the spans of one export."""
    try:
        export = _read(document)
    except (ValueError, RecursionError) as error:
        return (bad(error),)
    return tuple(
        _logged(said, span)
        for resource in export.resourceSpans
        for scope in resource.scopeSpans
        for span in scope.spans
        if _is_chat(said := _attributes(span.attributes))
    )


def _is_chat(said: Mapping[str, object]) -> bool:
    """Whether the span is a call of a model: embeddings and tools are not."""
    operation = said.get("gen_ai.operation.name")
    if operation is not None:
        return operation in _CHATS
    return "gen_ai.request.model" in said or "gen_ai.response.model" in said


def _logged(said: Mapping[str, object], span: _Span) -> Logged | Bad:
    answer = Answered(
        model=str(said.get("gen_ai.response.model") or said.get("gen_ai.request.model") or ""),
        usage=count(
            _any(said, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
            _any(said, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
            _any(said, "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cached_tokens"),
            _any(said, "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        ),
    )
    who = Who(
        timestamp=_began(span.startTimeUnixNano),
        user=str(_any(said, "user.id", "enduser.id") or ""),
        session=str(_any(said, "gen_ai.conversation.id", "session.id") or ""),
    )
    if messages := _messages(said, span):
        cap = said.get("gen_ai.request.max_tokens")
        fields = {"max_tokens": cap} if isinstance(cap, int) and cap > 0 else {}
        return request(messages, who, answer, fields)
    return _length(who, answer)


def _began(nanoseconds: str | int) -> float | str | None:
    """When a span began; what is no number stays as it is, to be refused by its name."""
    try:
        return int(nanoseconds or 0) / _NANO_PER_MICRO or None
    except (ValueError, OverflowError):
        return str(nanoseconds)[:HINT_LENGTH]


def _length(who: Who, answer: Answered) -> Logged | Bad:
    taken = answer.usage.input
    if not taken:
        return bad("the span has neither text nor tokens")
    try:
        at_us = moment_us(who.timestamp)
    except ValueError as error:
        return bad(error)
    return Logged(
        at_us=at_us,
        user=str(who.user),
        session=str(who.session),
        facts=Facts(input_tokens=taken),
        characters=taken * CHARACTERS_PER_TOKEN,
        answer=answer,
        drawn=True,
    )


def _messages(said: Mapping[str, object], span: _Span) -> list[dict[str, object]]:
    """The request, wherever an instrumentation keeps it."""
    whole = _any(said, "gen_ai.input.messages", "gen_ai.prompt")
    if whole is not None:
        return messages_of(whole)
    events = {event.name: event for event in span.events}
    if told := events.get("gen_ai.client.inference.operation.details"):
        return messages_of(_attributes(told.attributes).get("gen_ai.input.messages"))
    if told := events.get("gen_ai.content.prompt"):
        return messages_of(_attributes(told.attributes).get("gen_ai.prompt"))
    return list(_indexed(said))


def _indexed(said: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Messages whose parts are attributes of their own: `gen_ai.prompt.0.role`."""
    found: dict[int, dict[str, object]] = {}
    for name, value in said.items():
        if match := _INDEXED.fullmatch(name):
            found.setdefault(int(match[1]), {})[match[2]] = value
    for at in sorted(found):
        yield {"role": "user", "content": ""} | found[at]


def _attributes(given: tuple[_Attribute, ...]) -> dict[str, object]:
    return {one.key: _value(one.value) for one in given}


def _value(value: _Value) -> object:
    if value.intValue is not None:
        return _whole(value.intValue)
    if value.stringValue is not None:
        return value.stringValue
    return value.doubleValue if value.doubleValue is not None else value.boolValue


def _whole(value: str | int) -> int | None:
    """A number as OTLP writes it, in a string; none for what is no number."""
    try:
        return int(value)
    except ValueError:
        return None


def _any(said: Mapping[str, object], *names: str) -> object:
    return next((said[name] for name in names if said.get(name) is not None), None)
