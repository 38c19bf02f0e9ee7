"""What can be seen of a text without reading it: its size, its marks, its numbers, its shape.

Counts of characters come from one histogram over the UTF-8 bytes, so the cost is a few
microseconds for a short prompt and linear for a long one.
"""

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

_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("options", re.compile(r"^\(?[A-J][).:] ", re.MULTILINE)),
    ("commands", re.compile(r"\\[a-zA-Z]+")),
    ("code", re.compile(r"\b(?:def|class|import|return|function|include|public|void|SELECT)\b")),
    ("bullets", re.compile(r"^ *(?:[-*•]|\d+[.)]) ", re.MULTILINE)),
    ("indents", re.compile(r"^(?: {2}|\t)", re.MULTILINE)),
    ("self", re.compile(r"\b(?:I|me|my|we|our|us)\b")),
    ("pointers", re.compile(r"\b(?:it|its|this|that|these|those|they|them|he|she|his|her)\b")),
    ("wh", re.compile(r"\b(?:[Ww]hat|[Ww]ho|[Ww]hen|[Ww]here|[Ww]hich|[Ww]hose)\b")),
    ("how", re.compile(r"\b(?:[Hh]ow|[Ww]hy)\b")),
    ("if", re.compile(r"\b(?:[Ii]f|[Ll]et|[Gg]iven|[Ss]uppose|[Ss]uch that|[Aa]ssum\w{1,5})\b")),
    ("all", re.compile(r"\b(?:all|each|every|any|only|exactly|at least|at most|no|not)\b")),
)

_NUMBER: Final = re.compile(r"\d+")

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
    "truncated",
)

NAMES: Final = (
    *_SCALARS,
    *(f"n_{name}" for name, _ in _CLASSES),
    *(f"share_{name}" for name, _ in _CLASSES),
    *(f"n_{name}" for name, _ in _PATTERNS),
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
    hits = [len(pattern.findall(text)) for _, pattern in _PATTERNS]
    scalars = _scalars(text, length)
    row = np.empty(len(NAMES), np.float32)
    at = len(scalars)
    row[:at] = scalars
    row[at] = truncated
    row[at + 1 : at + 1 + counts.size] = np.log1p(counts)
    row[at + 1 + counts.size : at + 1 + 2 * counts.size] = counts / max(1, raw.size)
    row[at + 1 + 2 * counts.size :] = np.log1p(hits)
    return row


def _scalars(text: str, length: int) -> list[float]:
    words = text.split()
    lines = text.splitlines() or [""]
    numbers = _NUMBER.findall(text)
    total = max(1, len(words))
    return [
        float(np.log1p(length)),
        float(np.log1p(len(words))),
        sum(map(len, words)) / total,
        len(set(words)) / total,
        float(np.log1p(len(text) / len(lines))),
        float(np.log1p(len(lines[-1]))),
        float(np.log1p(len(numbers))),
        len(set(numbers)) / max(1, len(numbers)),
        float(max(map(len, numbers), default=0)),
        float(text[:1].islower()),
        float(text.rstrip()[-1:] in "?\uff1f"),
    ]
