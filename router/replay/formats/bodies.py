"""What formats share: a chat completion's request and answer, as they went over the wire."""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from classifier.types import TIERS, Tier
from router.domain import Dial, Facts
from router.errors import RequestError
from router.replay.logged import Answered, Bad, Logged, moment_us
from router.wire.answer import Body, find_finish, find_usage, said_bytes
from router.wire.request import HINT_LENGTH, HINT_TAGS, ChatRequest, parse_chat
from router.wire.tokens import estimate_usage

MOST_MESSAGES: Final = 5_000
LONGEST_REASON: Final = 300
"""Characters of a reason: it may quote the line, and a line can be a megabyte."""
_DIALS: Final[dict[str, Dial]] = {"auto:cheap": "cheap", "auto:best": "best"}
_FORCED: Final[dict[str, Tier]] = {f"gearshift/{tier}": tier for tier in TIERS}
Name: TypeAlias = str | int | None


class Who(Struct, frozen=True, gc=False):
    """Who asked and when, as the line beside the body says it."""

    timestamp: str | float | int | None = None
    user: Name = None
    session: Name = None
    key: Name = None
    tags: list[str] | str | None = None


class _Said(Body, gc=False):
    model: object = None


NOBODY: Final = Who()
_read_said: Final = msgspec.json.Decoder(_Said).decode


def chat(
    body: bytes, who: Who = NOBODY, *, answer: Answered | None = None, custom_id: str = ""
) -> Logged | Bad:
    """The request in `body`; what `who` says goes before what the body says."""
    try:
        request = parse_chat(body, max_messages=MOST_MESSAGES)
        at_us = moment_us(who.timestamp)
    except (RequestError, ValueError) as error:
        return bad(error)
    return Logged(
        at_us=at_us,
        key=hint(who.key),
        user=hint(who.user) or request.user,
        session=hint(who.session) or request.session,
        tags=_tags(who.tags) or request.tags,
        turns=request.turns,
        facts=facts_of(request),
        answer=_counted(answer, request.input_tokens),
        custom_id=custom_id,
    )


def facts_of(request: ChatRequest) -> Facts:
    """What the policy sees. A log asks what routing would do, so a model's name binds nobody.

    Only our own words for a dial and for a tier do, because they were said to a router.
    """
    return Facts(
        input_tokens=request.input_tokens,
        max_tokens=request.max_tokens,
        modalities=request.modalities,
        capabilities=request.capabilities,
        open_tool_loop=request.open_tool_loop,
        dial=_DIALS.get(request.model, "auto"),
        forced=_FORCED.get(request.model),
    )


def compose(messages: object, **fields: object) -> bytes:
    """The body of a request, for logs that keep its parts. Raises ValueError for no JSON."""
    given = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode({"model": "", "messages": messages} | given)


def answered(body: bytes) -> Answered | None:
    """What `body`, a chat completion, says; none where it is none."""
    try:
        read = _read_said(body)
    except (ValueError, RecursionError):
        return None
    if read.choices is None:
        return None
    usage = find_usage(read)
    uncounted = usage.source == "none"
    return Answered(
        model=read.model if isinstance(read.model, str) else "",
        usage=usage,
        output_bytes=sum(said_bytes(one.message) for one in read.choices) if uncounted else 0,
        called_tools=find_finish(read.choices) == "tool_calls",
    )


def _counted(answer: Answered | None, input_tokens: int) -> Answered | None:
    """An answer whose tokens nobody counted, counted by its text."""
    if answer is None or not answer.output_bytes:
        return answer
    usage = estimate_usage(input_tokens, answer.output_bytes)
    return msgspec.structs.replace(answer, usage=usage, output_bytes=0)


def hint(name: Name) -> str:
    """A name as text, bounded."""
    return "" if name is None else str(name)[:HINT_LENGTH]


def bad(error: Exception | str) -> Bad:
    """Why nothing could be read, in one bounded line."""
    return Bad(reason=" ".join(str(error).split())[:LONGEST_REASON])


def is_null(raw: bytes) -> bool:
    """Whether a field is absent or null."""
    return len(raw) <= len(b"null") and raw in {b"", b"null"}


def _tags(tags: Sequence[str] | str | None) -> tuple[str, ...]:
    if not tags:
        return ()
    given = tags.split(",") if isinstance(tags, str) else tags
    stripped = (tag.strip()[:HINT_LENGTH] for tag in given)
    return tuple(dict.fromkeys(tag for tag in stripped if tag))[:HINT_TAGS]
