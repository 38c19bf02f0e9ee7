"""What identifies people or opens doors, blanked out of text before any of it is kept.

A net with small meshes, not a proof: names and street addresses pass through it. Every pattern
takes time linear in the text. A match becomes a word in brackets, so a prompt keeps its shape.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from router.config.schema import Redaction

Replace: TypeAlias = Callable[[re.Match[str]], str]

_KEY: Final = re.compile(
    # Vendors' prefixes, JSON web tokens, headers, PEM blocks, and `secret = "…"` assignments.
    r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bAIza[A-Za-z0-9_-]{35}|\bhf_[A-Za-z0-9]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,10000}"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
    r"|(?i:\bbearer\s{1,3})[A-Za-z0-9._~+/=-]{16,}"
    r"|(?i:\b(?:api[-_ ]?key|secret|token|passw(?:or)?d|pwd)\b[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
    r"[^\s\"'<>,;]{6,200}"
)
_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"
)
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD: Final = re.compile(
    # In one piece, in groups of four, or as American Express prints them.
    r"(?<![\w.-])(?:\d{13,19}|\d{4}(?:[ -]\d{4}){3}|\d{4}[ -]\d{6}[ -]\d{5})(?![\w-])"
)
_IP: Final = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)"
    r"|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"
)
_PHONE: Final = re.compile(
    # With a + or a trunk 0 and separators, or in the North American form. A bare number is none.
    r"(?<![\w.+])(?:\+|00)[1-9]\d{0,2}(?:[ ./()-]{0,2}\d){6,12}(?!\w)"
    r"|(?<![\w.+-])\(?0\d{1,4}\)?(?: ?/ ?|[ -])\d{2,4}(?:[ /-]?\d{2,4}){1,4}(?!\w)"
    r"|(?<![\w.+-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?!\w)"
)
_ALWAYS: Final = 97


class Blank(Struct, frozen=True, kw_only=True):
    """One kind of thing to blank out."""

    pattern: re.Pattern[str]
    replace: Replace


class Redactor(Struct, frozen=True, kw_only=True):
    """Blanks, in order."""

    blanks: tuple[Blank, ...] = ()

    def __call__(self, text: str) -> str:
        """`text` with everything blanked out that was recognised."""
        for blank in self.blanks:
            text = blank.pattern.sub(blank.replace, text)
        return text


def compile_redactor(kinds: Sequence[Redaction], patterns: Sequence[str]) -> Redactor:
    """Blanks out `patterns` of a checked configuration, then `kinds`, in an order of their own.

    Keys first, whose digits are no phone number; then what has a check sum, before what has none.
    """
    own = [_blank(re.compile(pattern), "redacted") for pattern in patterns]
    return Redactor(blanks=(*own, *(blank for kind, blank in _BLANKS.items() if kind in kinds)))


def _blank(
    pattern: re.Pattern[str], word: str, holds: Callable[[str], bool] = lambda text: True
) -> Blank:
    return Blank(
        pattern=pattern,
        # An expression of the operator's may match nothing at all, between any two characters.
        replace=lambda match: f"[{word}]" if match[0] and holds(match[0]) else match[0],
    )


def _is_card(text: str) -> bool:
    """Luhn's check: every second digit from the right doubled, the sum of digits divisible by 10.

    ISO/IEC 7812-1, annex B.
    """
    digits = [int(character) for character in reversed(text) if character.isdecimal()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0 and any(digits)


def _is_iban(text: str) -> bool:
    """ISO 7064's check: country and check digits moved to the end, letters as 10 to 35, mod 97."""
    plain = text.replace(" ", "")
    number = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return int(number) % _ALWAYS == 1


_BLANKS: Final[dict[Redaction, Blank]] = {
    "api_key": _blank(_KEY, "api_key"),
    "email": _blank(_EMAIL, "email"),
    "iban": _blank(_IBAN, "iban", _is_iban),
    "card": _blank(_CARD, "card", _is_card),
    "ip": _blank(_IP, "ip"),
    "phone": _blank(_PHONE, "phone"),
}
