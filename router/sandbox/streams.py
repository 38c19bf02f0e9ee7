"""An answer as an event stream: reasoning, content, tool calls, finish, usage, `[DONE]`."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from router.sandbox.answers import Answer, pieces_of
from router.sandbox.replies import (
    CallDelta,
    Chunk,
    ChunkChoice,
    Delta,
    FunctionDelta,
    UsageBlock,
)
from router.sandbox.requests import Call
from router.sandbox.scripts import Step
from router.sandbox.usage import Place

_TOKENS_PER_CHUNK: Final = 4
"""Hosts send one to several tokens in a chunk; four keep a long answer affordable."""


class Envelope(Struct, frozen=True, kw_only=True):
    """What is the same in every chunk of a stream, and how the stream is told."""

    head: Chunk
    """A chunk without choices; the others are made from it."""
    usage: UsageBlock
    places: frozenset[Place]
    s_per_token: float
    keep_alive: bool = False
    done: bool = True


def stream_steps(answers: Sequence[Answer], envelope: Envelope) -> Iterator[Step]:
    """The events of all `answers`, one choice after the other, each when its tokens are written."""
    if envelope.keep_alive:
        yield Step(b": keep-alive\n\n")
    for index, answer in enumerate(answers):
        for delta, tokens in _deltas(answer):
            choice = ChunkChoice(index=index, delta=delta)
            yield Step(_event(envelope, choice), tokens * envelope.s_per_token)
            if envelope.keep_alive:
                yield Step(b": keep-alive\n\n")
        yield Step(_last_event(envelope, index, answer, last=index == len(answers) - 1))
    if "empty" in envelope.places:
        yield Step(_encode(msgspec.structs.replace(envelope.head, usage=envelope.usage)))
    if envelope.done:
        yield Step(b"data: [DONE]\n\n")


def _last_event(envelope: Envelope, index: int, answer: Answer, *, last: bool) -> bytes:
    """The chunk with the finish_reason; the last choice's carries the usage where it stands so."""
    choice = ChunkChoice(
        index=index,
        delta=Delta(),
        finish_reason=answer.finish,
        usage=envelope.usage if last and "choice" in envelope.places else UNSET,
    )
    if last and "filled" in envelope.places:
        head = msgspec.structs.replace(envelope.head, usage=envelope.usage)
        return _encode(msgspec.structs.replace(head, choices=(choice,)))
    return _event(envelope, choice)


def _deltas(answer: Answer) -> Iterator[tuple[Delta, int]]:
    yield Delta(role="assistant", content=""), 0
    for text, tokens in _chunked(answer.reasoning):
        yield Delta(reasoning_content=text), tokens
    for text, tokens in _chunked(answer.content):
        yield Delta(content=text), tokens
    for index, call in enumerate(answer.calls):
        for piece, tokens in _call_deltas(index, call):
            yield Delta(tool_calls=(piece,)), tokens


def _call_deltas(index: int, call: Call) -> Iterator[tuple[CallDelta, int]]:
    """Id and name first, then the arguments piece by piece."""
    opening = FunctionDelta("", call.function.name)
    yield CallDelta(index=index, id=call.id, type=call.type, function=opening), 1
    for text, tokens in _chunked(pieces_of(call.function.arguments)):
        yield CallDelta(index=index, function=FunctionDelta(text)), tokens


def _chunked(tokens: Sequence[str]) -> Iterator[tuple[str, int]]:
    for start in range(0, len(tokens), _TOKENS_PER_CHUNK):
        group = tokens[start : start + _TOKENS_PER_CHUNK]
        yield "".join(group), len(group)


def _event(envelope: Envelope, choice: ChunkChoice) -> bytes:
    return _encode(msgspec.structs.replace(envelope.head, choices=(choice,)))


def _encode(chunk: Chunk) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
