"""What can be seen of a text without reading it: its size, its marks, its numbers, its shape.

Counts of characters come from one histogram over the UTF-8 bytes, so the cost is a few
microseconds for a short prompt and linear for a long one.
"""

import math
import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

_CLASSES: Final[tuple[tuple[str, bytes], ...]] = (
    ("digit", b"0123456789"),
    ("upper", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("lower", b"abcdefghijklmnopqrstuvwxyz"),
    ("line", b"\n"),
    ("space", b" \t"),
    ("stop", b"."),
    ("comma", b",;"),
    ("question", b"?"),
    ("exclamation", b"!"),
    ("colon", b":"),
    ("quote", b"\"'"),
    ("round", b"()"),
    ("square", b"[]"),
    ("curly", b"{}"),
    ("equals", b"="),
    ("operator", b"+-*/%^<>|&~"),
    ("backslash", b"\\"),
    ("dollar", b"$"),
    ("backtick", b"`"),
    ("underscore", b"_"),
    ("hash", b"#@"),
    ("cjk", bytes(range(0xE3, 0xEA))),  # first bytes of kana, Han and Hangul
    ("other", bytes(range(0xC2, 0xE3)) + bytes(range(0xEA, 0xF5))),  # of every other script
)

_NUMBER: Final = re.compile(r"\d+")
_OPTION: Final = re.compile(r"\(?[A-Ja-j][).:] ")
_BULLET: Final = re.compile(r" *(?:[-*\u2022]|\d{1,3}[.)]) ")

_SCALARS: Final = (
    "log_length",
    "log_words",
    "word_length",
    "distinct_words",
    "line_length",
    "last_line",
    "numbers",
    "distinct_numbers",
    "longest_number",
    "starts_lower",
    "ends_question",
    "options",
    "bullets",
    "indents",
    "truncated",
)

NAMES: Final = (
    *_SCALARS,
    *(f"n_{name}" for name, _ in _CLASSES),
    *(f"share_{name}" for name, _ in _CLASSES),
)
"""What each column is, in order."""


def _class_table() -> NDArray[np.float64]:
    """Byte → class, shape (256, classes), one or zero."""
    table = np.zeros((256, len(_CLASSES)))
    for column, (_, members) in enumerate(_CLASSES):
        table[list(members), column] = 1
    return table


_TABLE: Final = _class_table()


def describe(text: str, length: int, *, truncated: bool) -> NDArray[np.float32]:
    """The surface of `text` (bounded, at least one character), shape (len(NAMES),), finite.

    `length` counts the characters of the turn before it was bounded. Counts are log1p.
    """
    raw = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    counts = np.bincount(raw, minlength=256) @ _TABLE
    row = np.empty(len(NAMES), np.float32)
    at = len(_SCALARS)
    row[: at - 1] = _scalars(text, length)
    row[at - 1] = truncated
    row[at : at + counts.size] = np.log1p(counts)
    row[at + counts.size :] = counts / max(1, raw.size)
    return row


def _scalars(text: str, length: int) -> list[float]:
    """All of `_SCALARS` but the last."""
    words = text.split()
    lines = text.splitlines() or [""]
    numbers = _NUMBER.findall(text)
    total = max(1, len(words))
    return [
        math.log1p(length),
        math.log1p(len(words)),
        sum(map(len, words)) / total,
        len(set(words)) / total,
        math.log1p(len(text) / len(lines)),
        math.log1p(len(lines[-1])),
        math.log1p(len(numbers)),
        len(set(numbers)) / max(1, len(numbers)),
        max(map(len, numbers), default=0),
        text[:1].islower(),
        text[-1:] in "?\uff1f",
        math.log1p(sum(map(bool, map(_OPTION.match, lines)))),
        math.log1p(sum(map(bool, map(_BULLET.match, lines)))),
        math.log1p(sum(line.startswith(("  ", "\t")) for line in lines)),
    ]
