"""The body for one upstream: the caller's fields, changed only where the model's profile says so.

A field that no rule touches leaves in the bytes in which it came. Rendering a rendered body for
the same profile changes nothing. The system prompt and the tools are never written anew: it would
cost the host's prefix cache.
"""

from typing import Final

import msgspec
from msgspec import Raw

from router.config.schema import Model
from router.wire.request import ChatRequest

SAMPLING: Final = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
"""What a host with fixed sampling refuses. `n` is not among them: it is the number of answers, and
whoever asks for three must not get one without a word."""
REASONING: Final = ("reasoning_content", "reasoning", "reasoning_details")
"""Names under which hosts put a model's thinking beside the content of its message."""

_ASSISTANT: Final = Raw(b'"assistant"')
_NULL: Final = Raw(b"null")
_NOTHING: Final = (_NULL, Raw(b'""'), Raw(b"[]"))
_BLANK: Final = " "
_read_fields: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_read_list: Final = msgspec.json.Decoder(list[Raw]).decode
_write: Final = msgspec.json.Encoder().encode


def render(request: ChatRequest, profile: Model, *, keep_reasoning: bool = False) -> bytes:
    """The body that `profile`'s host gets for `request`.

    `keep_reasoning` is for the model that wrote the conversation's reasoning and needs it back.
    """
    fields: dict[str, object] = {**request.fields, "model": profile.name}
    if request.stream:
        fields["stream_options"] = _ask_usage(request)
    tend = _complete_reasoning if keep_reasoning else _strip_reasoning
    fields["messages"] = tend(request.fields["messages"])
    _set_sampling(fields, request, profile)
    if profile.max_tokens and request.max_tokens is None:
        name = "max_completion_tokens" if "max_completion_tokens" in fields else "max_tokens"
        fields[name] = profile.max_tokens
    if profile.tool_choice and request.tool_choice not in ("", *profile.tool_choice):
        fields["tool_choice"] = "auto"
    fields |= {n: v for n, v in profile.defaults.items() if _given(request, n) is None}
    return _write(fields)


def render_as_is(request: ChatRequest, body: bytes) -> bytes:
    """The caller's own `body`, byte for byte; of a stream the usage is asked for too."""
    if not request.stream or request.include_usage:
        return body
    return _write({**request.fields, "stream_options": _ask_usage(request)})


def _set_sampling(fields: dict[str, object], request: ChatRequest, profile: Model) -> None:
    if profile.fixed_sampling:
        for name in SAMPLING:
            fields.pop(name, None)
    elif request.temperature is None:
        if profile.temperature is not None:
            fields["temperature"] = profile.temperature
    elif request.temperature > profile.temperature_max:
        fields["temperature"] = profile.temperature_max


def _ask_usage(request: ChatRequest) -> object:
    """The caller's stream options, with the usage asked for: it is what gets billed."""
    raw = _given(request, "stream_options")
    if raw is None:
        return {"include_usage": True}
    return raw if request.include_usage else {**_read_fields(raw), "include_usage": True}


def _given(request: ChatRequest, name: str) -> Raw | None:
    """The caller's value of a field; null is the same as none, as it is at OpenAI."""
    raw = request.fields.get(name)
    return None if raw == _NULL else raw


def _strip_reasoning(messages: Raw) -> object:
    """The messages without what assistants thought; those that hold none keep their bytes."""
    if b'"reasoning' not in bytes(messages):
        return messages
    return [_strip_message(message) for message in _read_list(messages)]


def _strip_message(message: Raw) -> object:
    if b'"reasoning' not in bytes(message):
        return message
    fields = _read_fields(message)
    if fields["role"] != _ASSISTANT:
        return message
    kept = {name: value for name, value in fields.items() if name not in REASONING}
    return kept if len(kept) < len(fields) else message


def _complete_reasoning(messages: Raw) -> object:
    """The messages with a reasoning beside every tool call, as a thinking model demands.

    Another model may have made the call, in a loop that is over: it has no reasoning to show, and
    Kimi answers 400 to a missing or empty one, wherever in the conversation. A blank is accepted.
    """
    if b'"tool_calls"' not in bytes(messages):
        return messages
    return [_complete_message(message) for message in _read_list(messages)]


def _complete_message(message: Raw) -> object:
    if b'"tool_calls"' not in bytes(message):
        return message
    fields = _read_fields(message)
    shown = (fields.get(name, _NULL) for name in REASONING)
    if fields["role"] != _ASSISTANT or any(each not in _NOTHING for each in shown):
        return message
    return {**fields, "reasoning_content": _BLANK}
