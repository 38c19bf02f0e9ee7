"""Tokens by estimate, for what no upstream has counted.

A quarter of a token for every byte of UTF-8. For ASCII that is the usual four characters a token;
for Chinese, Japanese and Korean, at three bytes a character, it is 0.75 a character; Cyrillic and
accented letters come to a half, emoji to one. A ratio learned from billed usage belongs to a model
and is applied elsewhere.
"""

from typing import Final

from router.domain import Usage

ESCAPE_EXCESS: Final = 3
r"""Bytes by which an escape such as `\u4e2d` is longer than the character that it stands for."""


def text_size(written: bytes) -> int:
    r"""Bytes of some JSON with its escapes taken for the characters that they stand for.

    In `"C:\\users"` the backslash is what is escaped, and `\u` no escape: pairs go first.
    """
    if b"\\u" not in written:
        return len(written)
    return len(written) - ESCAPE_EXCESS * written.replace(b"\\\\", b"").count(b"\\u")


def estimate_tokens(size: int) -> int:
    """Tokens in `size` bytes of text, rounded up; 0 for less than nothing."""
    return max(0, -(-size // 4))


def estimate_usage(input_tokens: int, output_bytes: int) -> Usage:
    """Usage of an answer that came without any: never zero, and marked as an estimate."""
    return Usage(input=input_tokens, output=estimate_tokens(output_bytes), source="estimated")
