"""A line with an object, or a whole document with a list of them: each object on its own."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from router.replay.formats.bodies import bad
from router.replay.logged import Answered, Bad, Logged, Read

T = TypeVar("T")
_HOLDERS: Final = ("data", "observations", "items", "rows")
"""Fields under which services give lists of objects."""

_read_list: Final = msgspec.json.Decoder(list[Raw]).decode
_read_object: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def objects(
    document: bytes, kind: type[T], read: Callable[[T], Logged | Answered | Bad | None]
) -> Read:
    """What `read` makes of every object; none is nothing that a simulation counts."""
    for found in each(document, kind):
        made = found if isinstance(found, Bad) else read(found)
        if made is not None:
            yield made


def each(document: bytes, kind: type[T]) -> Iterator[T | Bad]:
    """Every object in `document`. One that is no `kind` is bad, and no matter to the others."""
    try:
        for raw in _each(document):
            try:
                yield msgspec.json.decode(raw, type=kind)
            except (ValueError, RecursionError) as error:
                yield bad(error)
    except (ValueError, RecursionError) as error:
        yield bad(error)


def _each(document: bytes) -> Iterator[Raw | bytes]:
    if document.lstrip()[:1] == b"[":
        yield from _read_list(document)
        return
    fields = _read_object(document)
    for name in _HOLDERS:
        if bytes(fields.get(name, b""))[:1] == b"[":
            yield from _read_list(fields[name])
            return
    yield document
