"""The request for a chat completion: from the caller's bytes to the values that routing needs.

The body is scanned twice in C: once into raw fields, which are forwarded as they came, and once
into the few values that are read. The first scan finds what is not JSON, the second what has the
wrong shape; both answer BadRequest with the field's name. Fields that are not named here are
never looked at.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Raw

from classifier.types import Turn
from router.domain import Capability, Modality
from router.errors import BadRequest
from router.wire.refusal import check_text, refusal
from router.wire.tokens import estimate_tokens, text_size

Count: TypeAlias = Annotated[int, Meta(gt=0, le=2**31 - 1)]
Id: TypeAlias = str | int | None

MEDIA_TOKENS: Final = 1_000
"""What a picture, a recording or a file counts for, whatever its length in base64: the order of
the largest picture at OpenAI (1,105) and of a page or two of a document."""
HINT_LENGTH: Final = 256
"""Characters kept of a user, a session or a tag: they are names, and stand in every entry."""
HINT_TAGS: Final = 32
"""Tags kept of one request."""

_MEDIA: Final[dict[str, Modality]] = {
    "image_url": "image",
    "input_audio": "audio",
    "video_url": "video",
    "file": "file",
}
_NOTHING: Final = Raw()


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A chat completion as it was asked for: the raw fields, and what was read from them."""

    fields: dict[str, Raw]
    """Every field of the body, in the caller's own bytes."""
    model: str
    stream: bool
    include_usage: bool
    """Whether the caller asked for a usage chunk at the end of the stream."""
    turns: tuple[Turn, ...]
    """All messages; of a list of parts only the text, one part a line."""
    input_tokens: int
    """Estimate over messages and tools, see `router.wire.tokens`."""
    max_tokens: int | None
    """The cap on output, from `max_completion_tokens`, else from `max_tokens`."""
    answers: int
    """How many answers are asked for at once, `n`: each has its own output, up to the cap."""
    temperature: float | None
    tool_choice: str
    """Its value, or the type of the object it is; empty where none is given."""
    modalities: tuple[Modality, ...]
    capabilities: tuple[Capability, ...]
    open_tool_loop: bool
    user: str
    session: str
    tags: tuple[str, ...]


class _Part(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    image_url: Raw = _NOTHING
    input_audio: Raw = _NOTHING
    video_url: Raw = _NOTHING
    file: Raw = _NOTHING


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | list[_Part] | None = None


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class _ResponseFormat(msgspec.Struct, gc=False):
    type: str


class _ToolChoice(msgspec.Struct, gc=False):
    type: str


class _Metadata(msgspec.Struct, gc=False):
    user_id: Id = None
    session_id: Id = None
    tags: list[str] | str | None = None


class _Body(msgspec.Struct, gc=False):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Count | None = None
    temperature: float | None = None
    tools: list[Raw] | None = None
    functions: list[Raw] | None = None
    tool_choice: str | _ToolChoice | None = None
    response_format: _ResponseFormat | None = None
    logprobs: bool | None = None
    user: Id = None
    prompt_cache_key: Id = None
    metadata: _Metadata | None = None


class _Batch(msgspec.Struct, gc=False):
    requests: list[Raw] | None = None


_read_fields: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_read_body: Final = msgspec.json.Decoder(_Body).decode
_read_batch: Final = msgspec.json.Decoder(_Batch).decode


def parse_chat(body: bytes, *, max_messages: int) -> ChatRequest:
    """Read the body of `POST /v1/chat/completions`.

    Raises BadRequest for anything that is not UTF-8, not JSON, not the API's shape, or longer
    than `max_messages`.
    """
    check_text(body)
    fields: dict[str, Raw] | None = None
    try:
        fields = _read_fields(body)
        read = _read_body(body)
    except (ValueError, RecursionError) as error:
        raise refusal(error, fields) from None
    _check_number(read.messages, max_messages)
    turns, media, hidden = _read_messages(read.messages)
    metadata = read.metadata or _Metadata()
    return ChatRequest(
        fields=fields,
        model=read.model,
        stream=bool(read.stream),
        include_usage=bool(read.stream_options and read.stream_options.include_usage),
        turns=turns,
        input_tokens=_count_tokens(fields, turns, hidden) + MEDIA_TOKENS * len(media),
        max_tokens=read.max_completion_tokens or read.max_tokens,
        answers=read.n or 1,
        temperature=read.temperature,
        tool_choice=_name_choice(read.tool_choice),
        modalities=tuple(dict.fromkeys(media)),
        capabilities=_read_capabilities(read),
        open_tool_loop=turns[-1].role in {"tool", "function"},
        user=_first_hint(read.user, metadata.user_id),
        session=_first_hint(metadata.session_id, read.prompt_cache_key),
        tags=_read_tags(metadata.tags),
    )


def split_batch(body: bytes, *, max_requests: int) -> tuple[bytes, ...] | None:
    """The bodies in a batch `{"requests": […]}`; none where `body` is a single request.

    The bodies are not looked into: each gets an answer, or an error, of its own.
    Raises BadRequest where the batch itself is wrong.
    """
    check_text(body)
    try:
        requests = _read_batch(body).requests
    except (ValueError, RecursionError) as error:
        raise refusal(error, None) from None
    if requests is None:
        return None
    if not 0 < len(requests) <= max_requests:
        message = f"`requests` holds {len(requests)}; expected 1 to {max_requests}"
        raise BadRequest(message, param="requests")
    return tuple(map(bytes, requests))


def prefix_digest(request: ChatRequest) -> bytes | None:
    """Name the conversation up to and including its last human turn; none without such a turn.

    What follows in a tool loop, the assistant's calls and the tools' answers, does not change it.
    Only an open tool loop can have been seen before, so nobody else need look for a pin.
    """
    return prefix_digests(request)[1]


def prefix_digests(request: ChatRequest) -> tuple[bytes | None, bytes | None]:
    """Name the conversation up to and including the human turn before the last, and the last one.

    The first is what the second was when the turn before was asked; none on a first turn.

    16 bytes of BLAKE2b over role and text of those messages, system prompt included, each human
    turn with what leads to it. Text rather than bytes is digested, so that a client may write a
    message differently the second time, as those do that move a cache marker to the newest message.
    They are unkeyed: who stores one where others can read must key it.
    """
    turns = request.turns
    human = [at for at, turn in enumerate(turns, 1) if turn.role == "user"]
    state, begin = blake2b(digest_size=16), 0
    before: bytes | None = None
    for end in human:
        if end == human[-1] and len(human) > 1:
            before = state.digest()
        state.update(msgspec.msgpack.encode(turns[begin:end]))
        begin = end
    return before, state.digest() if human else None


def _read_messages(
    messages: list[_Message],
) -> tuple[tuple[Turn, ...], list[Modality], list[Raw]]:
    """The turns, the media in their order, and the bytes of the body that the media took."""
    turns: list[Turn] = []
    media: list[Modality] = []
    hidden: list[Raw] = []
    for message in messages:
        text = message.content
        if isinstance(text, list):
            parts = text
            text = "\n".join(part.text for part in parts if part.type == "text" and part.text)
            media += [_MEDIA[part.type] for part in parts if part.type in _MEDIA]
            for part in parts:
                hidden += (part.image_url, part.input_audio, part.video_url, part.file)
        turns.append(Turn(role=message.role, text=text or ""))
    return tuple(turns), media, hidden


def _count_tokens(fields: dict[str, Raw], turns: Iterable[Turn], hidden: list[Raw]) -> int:
    """Tokens in messages and tools; never 0, as what is hidden is a part of what is read.

    Escapes are looked for only where some text is not ASCII: the search takes longer than all
    the rest of the parsing, and without it the estimate errs on the safe side.
    """
    read = [fields[name] for name in ("messages", "tools", "functions") if name in fields]
    if all(turn.text.isascii() for turn in turns):
        return estimate_tokens(sum(map(len, read)) - sum(map(len, hidden)))
    return estimate_tokens(
        sum(text_size(bytes(raw)) for raw in read) - sum(text_size(bytes(raw)) for raw in hidden)
    )


def _read_capabilities(read: _Body) -> tuple[Capability, ...]:
    needed: list[Capability] = []
    if read.tools or read.functions:
        needed.append("tools")
    if read.response_format is not None and read.response_format.type == "json_schema":
        needed.append("json_schema")
    if read.logprobs:
        needed.append("logprobs")
    return tuple(needed)


def _name_choice(choice: str | _ToolChoice | None) -> str:
    return choice.type if isinstance(choice, _ToolChoice) else choice or ""


def _first_hint(*hints: Id) -> str:
    return next((str(hint)[:HINT_LENGTH] for hint in hints if hint not in (None, "")), "")


def _read_tags(tags: list[str] | str | None) -> tuple[str, ...]:
    given: Iterable[str] = tags.split(",") if isinstance(tags, str) else tags or ()
    stripped = (tag.strip()[:HINT_LENGTH] for tag in given)
    return tuple(dict.fromkeys(tag for tag in stripped if tag))[:HINT_TAGS]


def _check_number(messages: list[_Message], most: int) -> None:
    if not messages:
        raise BadRequest("`messages` is empty; expected at least one message", param="messages")
    if len(messages) > most:
        message = f"`messages` holds {len(messages)} messages; the limit is {most}"
        raise BadRequest(message, param="messages")
