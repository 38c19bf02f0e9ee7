"""Lists of prompts: a prompt a line, as text or as `{"prompt": …}`."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from router.replay.formats.bodies import Who, bad, chat, compose
from router.replay.logged import Read


class _Line(Who, frozen=True, gc=False, kw_only=True):
    prompt: Annotated[str, Meta(min_length=1)]
    model: str | None = None
    max_tokens: int | None = None


_read: Final = msgspec.json.Decoder(_Line).decode


def read(line: bytes) -> Read:
    """The prompt in a line of JSON."""
    try:
        said = _read(line)
    except (ValueError, RecursionError) as error:
        return (bad(error),)
    body = compose(_alone(said.prompt), model=said.model, max_tokens=said.max_tokens)
    return (chat(body, said),)


def read_text(line: bytes) -> Read:
    """The prompt that a line of text is."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return (bad(f"not UTF-8 (byte {error.start})"),)
    return (chat(compose(_alone(text.strip()))),)


def _alone(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]
