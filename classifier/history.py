"""What served when: the registry's record of promotions, and what may be returned to.

history.jsonl is only ever appended to. Which version serves is said by the marker, not by this
file; where the two differ, someone changed the marker by hand, and the marker is believed.
"""

import fcntl
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

HISTORY: Final = "history.jsonl"
BUILTIN: Final = "builtin"
TWO_STAGE: Final = "two-stage"
SHIPPED: Final = (BUILTIN, TWO_STAGE)
"""Stand for the models that come with the package, whichever versions of them those are; they lie
in no registry. The first serves where nothing is promoted."""


class RegistryError(Exception):
    """The registry cannot be read or written; the message names the place and the fix."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A change of what serves."""

    at: datetime
    """UTC."""
    action: Literal["promote", "rollback"]
    version: str
    """What serves from then on."""
    before: str
    """What served until then."""
    forced: bool = False
    """Whether it was promoted in spite of its comparison, or without one."""
    comparison: msgspec.Raw = msgspec.Raw(b"null")
    """A `promotion.Comparison` as JSON; null where nothing was compared."""


def read(registry: Path) -> list[Event]:
    """Every event, oldest first. Raises RegistryError."""
    file = registry / HISTORY
    try:
        lines = file.read_bytes().split(b"\n")[:-1]  # what follows the last was never all written
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RegistryError(f"{file} cannot be read: {error.strerror}") from error
    events = []
    for number, line in enumerate(lines, 1):
        try:
            events.append(msgspec.json.decode(line, type=Event))
        except msgspec.DecodeError as error:
            raise RegistryError(f"{file}, line {number}: {error}") from error
    return events


def append(registry: Path, event: Event) -> None:
    """Add one line, on disk when this returns. Raises RegistryError."""
    file = registry / HISTORY
    try:
        registry.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as lines:
            fcntl.flock(lines, fcntl.LOCK_EX)  # another's line that is half there is not cut short
            lines.truncate(file.read_bytes().rfind(b"\n") + 1)  # a line that was cut short
            lines.write(msgspec.json.encode(event) + b"\n")
            lines.flush()
            os.fsync(lines.fileno())
    except OSError as error:
        raise RegistryError(f"{file} cannot be written: {error.strerror}") from error


def served(events: Iterable[Event], serving: str) -> list[str]:
    """What served before `serving`, oldest first, as far as one may still go back.

    A promotion puts a version on top, a rollback takes it off again: so repeated rollbacks lead
    further and further back, and end at the first. Nothing is gone back to twice.
    """
    stack = [BUILTIN]
    for event in events:
        _reach(stack, event.before)
        if event.action == "rollback":
            _reach(stack, event.version)
        elif event.version != event.before:  # what served already has nothing new to go back from
            stack.append(event.version)
    _reach(stack, serving)
    return stack[:-1]


def _reach(stack: list[str], version: str) -> None:
    """Take off what is above `version`. What was never recorded was set by hand: it goes on top."""
    if version in stack:
        while stack[-1] != version:
            stack.pop()
    else:
        stack.append(version)
