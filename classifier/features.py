"""The one place that decides what is scored, and how it becomes numbers.

Serving and training both go turns → `extract` → `matrix`; nothing else feeds a model.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.embed import Embedder
from classifier.reminders import strip_reminders
from classifier.surface import describe
from classifier.types import Prompt, Turn

FEATURE_SPEC: Final = "gearshift-features/1"
"""Name and version of everything in this module; an artifact made under another is refused."""

MAX_CHARS: Final = 4_000
"""Longest scored turn. About 1,000 tokens: the median prompt has 50, and cost grows with length."""
CONTEXT_CHARS: Final = 600
"""Longest earlier turn that is scored with a short one."""
SHORT_CHARS: Final = 200
"""Below this a turn may lean on what was said before ("and in French?")."""
CONTEXT_TURNS: Final = 2
SCAN_CHARS: Final = 200_000
"""Longer turns (50,000 tokens) lose their middle before reminder blocks are looked for."""

_GAP: Final = "\n…\n"


def extract(turns: Sequence[Turn]) -> Prompt | None:
    """What is scored of a conversation: its last human turn, and earlier ones if that is short.

    None where no human turn has text of its own. Time is linear in the text that is looked at,
    which is the human turns from the end until enough was found. Never raises.
    """
    human = _human_texts(turns)
    last = next(human, None)
    if last is None:
        return None
    raw, dropped = last
    text = _bound(raw, MAX_CHARS)
    context = ""
    if len(text) < SHORT_CHARS:
        earlier = [_bound(said, CONTEXT_CHARS) for said, _ in _first(human, CONTEXT_TURNS)]
        context = "\n".join(reversed(earlier))
    length = len(raw) + dropped
    return Prompt(
        text=text, context=context, truncated=length > len(raw[:MAX_CHARS]), length=length
    )


def canonical(prompt: Prompt) -> bytes:
    """Every field of `prompt` as bytes: equal for equal prompts only. For cache keys."""
    return msgspec.msgpack.encode(msgspec.structs.astuple(prompt))


def scored_text(prompt: Prompt) -> str:
    """The text that is read: context first, as it was said."""
    return f"{prompt.context}\n{prompt.text}" if prompt.context else prompt.text


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt as numbers."""

    vector: NDArray[np.float32]
    """Its embedding, shape (dims,)."""
    terms: NDArray[np.int64]
    """Its words and pairs of words: distinct, rising."""
    surface: NDArray[np.float32]
    """Its measures, shape (len(classifier.surface.NAMES),)."""

    @property
    def terms_weight(self) -> float:
        """What each term counts: their squares add up to 1, so long texts speak no louder."""
        return 1.0 / math.sqrt(max(1, self.terms.size))


def matrix(prompts: Sequence[Prompt], embedder: Embedder) -> list[Row]:
    """`prompts` as numbers, for serving and training alike.

    Rows are made one by one, so a prompt has the same row alone and in any batch.
    """
    rows = []
    for prompt in prompts:
        text = scored_text(prompt)
        seen = embedder.embed(text)
        length = prompt.length + len(prompt.context)
        surface = describe(text, length, truncated=prompt.truncated)
        rows.append(Row(vector=seen.vector, terms=seen.terms, surface=surface))
    return rows


def _human_texts(turns: Sequence[Turn]) -> Iterator[tuple[str, int]]:
    """Human turns with text left, last first: the text, and how many characters were cut unseen."""
    for turn in reversed(turns):
        if turn.role != "user":
            continue
        text, dropped = turn.text, 0
        if len(text) > SCAN_CHARS:
            dropped = len(text) - SCAN_CHARS
            text = text[: SCAN_CHARS // 2] + text[-SCAN_CHARS // 2 :]
        text = strip_reminders(text)
        if text:
            yield text, dropped


def _first(texts: Iterator[tuple[str, int]], count: int) -> list[tuple[str, int]]:
    return [found for found, _ in zip(texts, range(count), strict=False)]


def _bound(text: str, limit: int) -> str:
    """At most `limit` characters: three quarters head, the rest tail. Always encodable."""
    if len(text) > limit:
        head = limit * 3 // 4
        tail = limit - head - len(_GAP)
        text = text[:head].rstrip() + _GAP + text[-tail:].lstrip()
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: JSON can carry it, UTF-8 cannot
        text = text.encode("utf-8", "replace").decode()
    return text


def unbound(text: str, length: int) -> str:
    """A turn of `length` characters that `extract` cuts to `text`: blanks stand for its middle."""
    cut = text.rfind(_GAP, 0, MAX_CHARS * 3 // 4 + len(_GAP))
    missing = min(length, SCAN_CHARS) - len(text) + len(_GAP)
    if length <= MAX_CHARS or cut < 0 or missing <= 0:
        return text
    return text[:cut] + " " * missing + text[cut + len(_GAP) :]
