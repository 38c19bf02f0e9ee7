"""A kept prompt back as the turns it came from: `extract` makes of them what was scored then."""

from typing import Final

from classifier.features import CONTEXT_CHARS, unbound
from router.domain import Entry, Kept

_NOTHING: Final = Kept()


def turns_of(entry: Entry) -> tuple[str, ...]:
    """The human turns of an entry, oldest first, the last one the prompt; none without text.

    Scored again they give the prompt that was scored: to the letter where nothing was redacted,
    but for the length of turns beyond `SCAN_CHARS`.
    """
    if entry.prompt is None:
        return ()
    kept = entry.kept or _NOTHING
    return (*_earlier(kept.context), unbound(entry.prompt, kept.length))


def _earlier(context: str) -> tuple[str, ...]:
    """The turns of a context: cut at a line end, so that none is longer than a turn may be.

    At which one does not matter, as they are joined again by one, if only no blank is at the cut.
    """
    if not context:
        return ()
    if len(context) <= CONTEXT_CHARS:
        return (context,)
    ends = (place for place, character in enumerate(context) if character == "\n")
    halves = ((context[:end], context[end + 1 :]) for end in ends)
    return next((pair for pair in halves if all(map(_is_turn, pair))), (context,))


def _is_turn(text: str) -> bool:
    return bool(text) and len(text) <= CONTEXT_CHARS and text == text.strip()
