"""Prompts on the command line: words, or lines of JSON. What is wrong with one spares the rest."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import IO, Annotated, Final, TypeAlias

import msgspec
import rich_click as click
from msgspec import Meta, Raw

from classifier.features import extract
from classifier.types import Prompt, Turn
from router.errors import BadRequest, GearshiftError, RequestError

Id: TypeAlias = str | int

DEFAULT: Final = "auto"
"""The `model` of what names none."""
NO_HUMAN_TEXT: Final = "no human text to score (the last `user` message is what is scored)"


SOURCE: Final = click.option(
    "--input", "source", metavar="F", help="JSONL of {prompt} or {messages}; - is standard input."
)
OUTPUT: Final = click.option(
    "--output", metavar="F", default="-", help="Write here instead of standard output."
)


class BadLines(GearshiftError):
    """Some prompts could not be read, or not be served; the others were answered."""


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str | list[_Part] | None = None


class _Line(msgspec.Struct, frozen=True):
    """One line of the input. Unknown fields are ignored: logs have more than we read."""

    id: Id | None = None
    prompt: str | None = None
    messages: Annotated[list[_Message], Meta(min_length=1)] | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt to look at, or why it cannot be."""

    id: Id
    where: str
    turns: tuple[Turn, ...] = ()
    body: bytes = b""
    """The request for a chat completion that asks this: all that a line of `messages` says."""
    wrong: str | None = None


def answer_all(
    texts: tuple[str, ...],
    source: str | None,
    output: str,
    answer: Callable[[Asked, Prompt], msgspec.Struct],
) -> None:
    """Write `answer` of every text and every line of `source` as one JSON object a line.

    `answer` may raise RequestError. Raises BadLines in the end where some prompts have no answer,
    UsageError where there are none to look at.
    """
    if not texts and source is None:
        raise click.UsageError("give a TEXT, or --input F.jsonl")
    with ExitStack() as files:
        lines = files.enter_context(click.open_file(source, "rb")) if source else ()
        out: IO[bytes] = files.enter_context(click.open_file(output, "wb", atomic=output != "-"))
        bad = 0
        for asked in _asked(texts, lines):
            try:
                out.write(msgspec.json.encode(answer(asked, _prompt(asked))) + b"\n")
            except RequestError as error:
                bad += 1
                click.echo(f"{asked.where}: {error}", err=True)
    if bad:
        msg = f"{bad} {'prompt' if bad == 1 else 'prompts'} could not be answered (named above)"
        raise BadLines(msg)


def _prompt(asked: Asked) -> Prompt:
    prompt = None if asked.wrong else extract(asked.turns)
    if prompt is None:
        raise BadRequest(asked.wrong or NO_HUMAN_TEXT)
    return prompt


def _asked(texts: tuple[str, ...], lines: Iterable[bytes]) -> Iterator[Asked]:
    for number, text in enumerate(texts, 1):
        yield _ask(number, f"text {number}", text)
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _read(line, number)


def _read(line: bytes, number: int) -> Asked:
    where = f"line {number}"
    try:
        read = msgspec.json.decode(line, type=_Line)
    except (ValueError, RecursionError) as error:
        return Asked(id=number, where=where, wrong=str(error))
    name = number if read.id is None else read.id
    if (read.prompt is None) == (read.messages is None):
        return Asked(id=name, where=where, wrong="needs `prompt` or `messages`, and not both")
    if read.messages is None:
        return _ask(name, where, read.prompt or "")
    body = msgspec.json.encode({"model": DEFAULT} | msgspec.json.decode(line, type=dict[str, Raw]))
    return Asked(id=name, where=where, turns=tuple(map(_turn, read.messages)), body=body)


def _ask(name: Id, where: str, text: str) -> Asked:
    """A lone prompt is a conversation of one message."""
    turn = Turn(role="user", text=text)
    body = {"model": DEFAULT, "messages": [{"role": turn.role, "content": text}]}
    return Asked(id=name, where=where, turns=(turn,), body=msgspec.json.encode(body))


def _turn(message: _Message) -> Turn:
    content = message.content or ""
    if not isinstance(content, str):
        content = "\n".join(part.text for part in content if part.type == "text" and part.text)
    return Turn(role=message.role, text=content)
