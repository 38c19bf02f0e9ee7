"""What the next human turn of a conversation says of the answer before it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from classifier.features import extract
from classifier.types import Turn
from router.domain import DecisionId, Entry
from router.traffic.complaints import complains, repeats

Reaction: TypeAlias = Literal["reasked", "repeated"]
WINDOW_US: Final = 30 * 60 * 1_000_000
"""Half an hour: as long as a conversation stays pinned. What is said later begins a new matter."""
_TELLING: Final = 20
"""Characters from which a turn says which conversation it belongs to: everyone begins with "hi"."""


class Reask(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that says that an answer would not do."""

    of: DecisionId
    """The decision whose answer it was."""
    by: DecisionId
    reaction: Reaction


def find_reasks(entries: Iterable[Entry]) -> Iterator[Reask]:
    """The re-asks among `entries` with text; the others are passed over.

    A turn belongs to the answer that its own context shows it to follow; where it shows none, and
    the client names its conversations, to the latest of the same conversation. Turns of a tool
    loop repeat the human turn that opened it, and are none of their own.
    """
    speakers: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.prompt and not entry.facts.open_tool_loop:
            caller = entry.caller
            speakers[caller.key, caller.user, caller.session].append(entry)
    for turns in speakers.values():
        yield from _reasks_of(sorted(turns, key=lambda entry: (entry.at_us, entry.id)))


def _reasks_of(turns: Sequence[Entry]) -> Iterator[Reask]:
    for place, turn in enumerate(turns):
        before = _answered_before(turn, turns, place)
        if before is None:
            continue
        if repeats(turn.prompt or "", before.prompt or ""):
            yield Reask(of=before.id, by=turn.id, reaction="repeated")
        elif complains(turn.prompt or "") and _follows(turn, before):
            yield Reask(of=before.id, by=turn.id, reaction="reasked")


def _answered_before(turn: Entry, turns: Sequence[Entry], place: int) -> Entry | None:
    """The entry whose answer the caller had just read at `place`, if it was a whole one."""
    for earlier in range(place - 1, -1, -1):
        entry = turns[earlier]
        if turn.at_us - entry.at_us > WINDOW_US:
            return None
        if _follows(turn, entry) or (entry.caller.user and not _context(turn)):
            return entry if _was_read(entry, turn) else None
    return None


def _follows(turn: Entry, entry: Entry) -> bool:
    """Whether `turn` continues the conversation of `entry`."""
    context = _context(turn)
    if not context:
        return bool(turn.caller.session)
    named = turn.caller.session or turn.caller.user
    told = len(entry.prompt or "") >= _TELLING
    return bool(named or told) and context.endswith(_as_context(entry.prompt or ""))


def _was_read(entry: Entry, turn: Entry) -> bool:
    """An answer that failed, or was not over yet, is no answer that somebody found wrong."""
    over_us = entry.at_us + entry.timings.total_ms * 1_000
    return entry.outcome.status < 300 and entry.outcome.fault is None and over_us <= turn.at_us  # noqa: PLR2004  HTTP's own line


def _context(entry: Entry) -> str:
    return entry.kept.context if entry.kept else ""


def _as_context(text: str) -> str:
    """How a turn looks in the context of the next."""
    prompt = extract((Turn(role="user", text=text), Turn(role="user", text="?")))
    return prompt.context if prompt else text
