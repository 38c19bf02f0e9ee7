"""Prompts on the command line: words, or lines of JSON. What is wrong with one spares the rest."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import IO, Annotated, Final, TypeAlias

import msgspec
import rich_click as click
from msgspec import Meta

from classifier.features import extract
from classifier.types import Prompt, Turn
from router.errors import GearshiftError

Id: TypeAlias = str | int

NO_HUMAN_TEXT: Final = "no human text to score (the last `user` message is what is scored)"


SOURCE: Final = click.option(
    "--input", "source", metavar="F", help="JSONL of {prompt} or {messages}; - is standard input."
)
OUTPUT: Final = click.option(
    "--output", metavar="F", default="-", help="Write here instead of standard output."
)


class BadLines(GearshiftError):
    """Some lines of the input could not be read; the others were answered."""


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


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
    wrong: str | None = None


def answer_all(
    texts: tuple[str, ...],
    source: str | None,
    output: str,
    answer: Callable[[Asked, Prompt], msgspec.Struct],
) -> None:
    """Write `answer` of every text and every line of `source` as one JSON object a line.

    Raises BadLines in the end where some could not be read, UsageError where there are none.
    """
    if not texts and source is None:
        raise click.UsageError("give a TEXT, or --input F.jsonl")
    with ExitStack() as files:
        lines = files.enter_context(click.open_file(source, "rb")) if source else ()
        out: IO[bytes] = files.enter_context(click.open_file(output, "wb", atomic=output != "-"))
        bad = 0
        for asked in _asked(texts, lines):
            prompt = None if asked.wrong else extract(asked.turns)
            if prompt is None:
                bad += 1
                click.echo(f"{asked.where}: {asked.wrong or NO_HUMAN_TEXT}", err=True)
            else:
                out.write(msgspec.json.encode(answer(asked, prompt)) + b"\n")
    if bad:
        msg = f"{bad} {'prompt' if bad == 1 else 'prompts'} could not be read (named above)"
        raise BadLines(msg)


def _asked(texts: tuple[str, ...], lines: Iterable[bytes]) -> Iterator[Asked]:
    for number, text in enumerate(texts, 1):
        yield Asked(id=number, where=f"text {number}", turns=(Turn(role="user", text=text),))
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _read(line, number)


def _read(line: bytes, number: int) -> Asked:
    where = f"line {number}"
    try:
        read = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Asked(id=number, where=where, wrong=str(error))
    name = number if read.id is None else read.id
    if (read.prompt is None) == (read.messages is None):
        return Asked(id=name, where=where, wrong="needs `prompt` or `messages`, and not both")
    messages = read.messages or [_Message(role="user", content=read.prompt)]
    return Asked(id=name, where=where, turns=tuple(map(_turn, messages)))


def _turn(message: _Message) -> Turn:
    content = message.content or ""
    if not isinstance(content, str):
        content = "\n".join(part.text for part in content if part.type == "text")
    return Turn(role=message.role, text=content)
