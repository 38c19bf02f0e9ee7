"""Any tokeniser's vocabulary as word pieces of the kind that serving cuts (`classifier.pieces`).

A piece keeps its vector and changes its spelling: lower case, no accents, `##` before what stands
inside a word. Pieces that serving can never cut (several words, half a character) are dropped.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.pieces import UNKNOWN, WORD, normalise

INNER: Final = "##"

Spelling: TypeAlias = tuple[str, bool]
"""What a piece says, and whether it can begin a word."""


class PieceVectors(msgspec.Struct, frozen=True, kw_only=True):
    """What a static encoder is made of: `table` has shape (len(vocabulary), dims), float32."""

    vocabulary: tuple[str, ...]
    table: NDArray[np.float32]


def respell(tokenizer: Mapping[str, Any], table: NDArray[np.float32]) -> PieceVectors:
    """The vectors, shape (pieces, dims), under the pieces of a `tokenizer.json` as serving cuts.

    Uncased word pieces stay as they are. Raises ValueError for a tokeniser that cannot be
    respelled, and KeyError or TypeError for what is no tokeniser.
    """
    pieces = _pieces(tokenizer["model"]["vocab"])
    if len(pieces) != len(table):
        raise ValueError(f"{len(pieces)} pieces and {len(table)} vectors")
    if _is_ours(tokenizer):
        return PieceVectors(vocabulary=tuple(pieces), table=table)
    spelled = _choose(_spell(tokenizer, pieces), loose=_kind(tokenizer) != "WordPiece")
    letters = [letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in spelled]
    if letters:
        raise ValueError(f"its vocabulary lacks the letters {', '.join(letters)}")
    rows = table[list(spelled.values())]
    nothing = np.zeros((1, table.shape[1]), np.float32)
    return PieceVectors(
        vocabulary=(UNKNOWN, *spelled), table=np.concatenate([nothing, rows.astype(np.float32)])
    )


def _pieces(vocabulary: Mapping[str, int] | Sequence[Sequence[Any]]) -> list[str]:
    """In the order of their ids; unigram models list them with their scores."""
    if isinstance(vocabulary, Mapping):
        return sorted(vocabulary, key=vocabulary.__getitem__)
    return [str(piece[0]) for piece in vocabulary]


def _is_ours(tokenizer: Mapping[str, Any]) -> bool:
    """Whether it cuts as we do: word pieces, in lower case."""
    rules = json.dumps(tokenizer.get("normalizer"))
    lower = '"lowercase": true' in rules or '"Lowercase"' in rules
    model = tokenizer["model"]
    return _kind(tokenizer) == "WordPiece" and lower and UNKNOWN in model["vocab"]


def _kind(tokenizer: Mapping[str, Any]) -> str:
    """WordPiece, SentencePiece or bytes. Raises ValueError for others."""
    model = tokenizer["model"]
    rules = json.dumps([tokenizer.get(part) for part in ("normalizer", "pre_tokenizer")])
    plain = not (model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"))
    if model["type"] == "WordPiece" and model.get("continuing_subword_prefix", INNER) == INNER:
        return "WordPiece"
    if model["type"] == "BPE" and plain and "ByteLevel" in rules:
        return "bytes"
    if (
        model["type"] in {"BPE", "Unigram"}
        and plain
        and ("Metaspace" in rules or "\\u2581" in rules)
    ):
        return "SentencePiece"
    msg = (
        f"its tokeniser ({model['type']}) is of no kind that can be respelled: "
        "WordPiece, SentencePiece (Unigram, BPE), byte-level BPE"
    )
    raise ValueError(msg)


def _spell(tokenizer: Mapping[str, Any], pieces: Sequence[str]) -> Iterator[Spelling | None]:
    kind = _kind(tokenizer)
    for piece in pieces:
        if kind == "WordPiece":
            yield piece.removeprefix(INNER), not piece.startswith(INNER)
        else:
            text = _from_bytes(piece) if kind == "bytes" else piece.replace("▁", " ")
            yield None if text is None else (text.removeprefix(" "), text.startswith(" "))


def _choose(spelled: Iterator[Spelling | None], *, loose: bool) -> dict[str, int]:
    """Piece as we spell it → the row that it comes from.

    Of several ("Paris", "paris") the one that needed no change is taken, else the commonest. A
    single character stands at the start and inside of words, so that every word can be cut; where
    the tokeniser is `loose`, it marks spaces and not words, and any piece may follow a symbol.
    """
    exact: dict[Spelling, int] = {}
    changed: dict[Spelling, int] = {}
    for row, spelling in enumerate(spelled):
        if spelling is not None:
            text = normalise(spelling[0])
            found = exact if text == spelling[0] else changed
            if WORD.fullmatch(text):
                found.setdefault((text, spelling[1]), row)
    kept = changed | exact
    spare = {
        (text, not first): row
        for (text, first), row in kept.items()
        if len(unicodedata.normalize("NFC", text)) == 1 or (loose and not first)
    }
    return {
        text if first else INNER + text: row
        for (text, first), row in (spare | kept).items()
        if first or WORD.fullmatch(f"a{text}")
    }


def _from_bytes(piece: str) -> str | None:
    """The text of a piece of bytes; none where it ends inside a character."""
    try:
        return bytes(map(_bytes().__getitem__, piece)).decode()
    except (KeyError, UnicodeDecodeError):
        return None


@cache
def _bytes() -> dict[str, int]:
    """The characters that byte-level tokenisers write for bytes (source: GPT-2's encoder.py)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    hidden = (byte for byte in range(256) if byte not in shown)
    return {chr(byte): byte for byte in shown} | {
        chr(256 + number): byte for number, byte in enumerate(hidden)
    }
