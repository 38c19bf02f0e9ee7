"""Which format a log is in, by its first lines."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from router.replay.formats import (
    batch,
    exchange,
    langfuse,
    ledger,
    lengths,
    litellm,
    otel,
    prompts,
    sharegpt,
)
from router.replay.logged import FORMATS, Format, LogError, Reader
from router.replay.sources import BOM, Source, head, shown

_READERS: Final[Mapping[Format, Reader]] = {
    "exchange": exchange.read,
    "batch": batch.read,
    "ledger": ledger.read,
    "litellm": litellm.read,
    "langfuse": langfuse.read,
    "otel": otel.read,
    "sharegpt": sharegpt.read,
    "prompts": prompts.read,
    "text": prompts.read_text,
    "mooncake": lengths.read_mooncake,
    "azure": lengths.read_azure,
}
_MARKS: Final[tuple[tuple[Format, frozenset[str]], ...]] = (
    ("exchange", frozenset({"request"})),
    ("ledger", frozenset({"decision", "facts"})),
    ("batch", frozenset({"custom_id"})),
    ("mooncake", frozenset({"input_length", "output_length"})),
    ("otel", frozenset({"resourceSpans"})),
    ("litellm", frozenset({"spend", "startTime"})),
    ("langfuse", frozenset({"observations"})),
    ("langfuse", frozenset({"traceId", "type"})),
    ("langfuse", frozenset({"trace_id", "type"})),
    ("sharegpt", frozenset({"conversations"})),
    ("sharegpt", frozenset({"messages"})),
    ("prompts", frozenset({"prompt"})),
)
"""Fields that tell a format, the surest first."""
_NAME: Final = re.compile(rb'"([A-Za-z_][A-Za-z0-9_.]*)"\s*:')
_TRIED: Final = 5
"""Lines that are looked at: the first may be a bad one."""
_AZURE: Final = b"TIMESTAMP,ContextTokens,GeneratedTokens"


def reader_of(format_: Format) -> Reader:
    """What reads lines of that format."""
    return _READERS[format_]


def recognise(source: Source, named: Format | None = None) -> tuple[Format, bool]:
    """The format of `source`, and whether it is one document instead of lines.

    `named` outranks what the file looks like. Raises LogError that lists the formats.
    """
    start = head(source).removeprefix(BOM).lstrip()
    if not start:
        raise LogError(f"{shown(source.path)} is empty")
    if b"\0" in start:
        raise LogError(f"{shown(source.path)} is binary; a log is text: {_known()}")
    whole = _is_document(start)
    found = named or _guess(start, source.path)
    if found is None:
        place = shown(source.path)
        raise LogError(f"{place}: its format is not known; name it: --format {_known()}")
    return found, whole


def fields_of(source: Source) -> frozenset[str]:
    """The names of the fields that its first object has. Raises LogError."""
    return _fields(head(source).removeprefix(BOM).lstrip())


def _guess(start: bytes, path: str) -> Format | None:
    if start.startswith(_AZURE):
        return "azure"
    fields = _fields(start)
    for format_, marks in _MARKS:
        if marks <= fields:
            return format_
    plain = re.sub(r"\.(gz|zst)$", "", path)
    return "text" if plain.endswith((".txt", ".prompts")) else None


def _fields(start: bytes) -> frozenset[str]:
    """The names of the first object's fields, or all names where that cannot be told."""
    for line in start.split(b"\n", _TRIED)[:_TRIED]:
        if (object_ := _object(line)) is not None:
            return frozenset(object_)
    names = _NAME.findall(start[: 64 * 1024]) if start[:1] in {b"{", b"["} else ()
    return frozenset(name.decode() for name in names)


def _is_document(start: bytes) -> bool:
    """Whether it is a list, or one object over several lines, instead of an object a line."""
    if start.startswith(b"["):
        return True
    if not start.startswith(b"{") or b"\n" not in start:
        return False
    return all(_object(line) is None for line in start.split(b"\n", _TRIED)[:_TRIED])


def _object(line: bytes) -> dict[str, Raw] | None:
    try:
        return msgspec.json.decode(line, type=dict[str, Raw])
    except (ValueError, RecursionError):
        return None


def _known() -> str:
    return ", ".join(FORMATS)
