"""Changes to a prompt that should not change how hard it is. Pure: the seed decides all of them.

Five kinds of noise as people make it, and, apart from them, wrappers that people put round what
they ask. The preambles and wrappers are English.
"""

import re
from collections.abc import Callable
from random import Random
from typing import Final

TYPO_SHARE: Final = 0.02
"""Letters with a typo, and at least one: about what people leave in what they type in haste."""
SPACE_SHARE: Final = 0.2
"""Gaps that are doubled."""

PREAMBLES: Final = (
    "Hi! ",
    "Hello, I hope you are well. ",
    "Hi there, I would be grateful for your help. ",
    "Good morning! Sorry to bother you. ",
    "Thank you in advance for your time. ",
)
TEMPLATES: Final = (
    "Could you help me with this: {prompt}",
    "I have a question for you.\n\n{prompt}",
    "{prompt}\n\nThank you!",
    "Here is what I need:\n\n---\n{prompt}\n---",
    "Please have a look at the following and answer it. {prompt}",
)
"""Wrappers; `{prompt}` stands for the text."""

_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS: Final = {
    row[at]: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in _ROWS
    for at in range(len(row))
}
_GAP: Final = re.compile(r"(?<=\S)[ \n](?=\S)")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")  # noqa: RUF001 (Chinese)


def typos(text: str, draw: Random) -> str:
    """TYPO_SHARE of the letters swapped with the next, dropped, doubled, or a neighbour key's."""
    letters = [at for at, sign in enumerate(text) if sign.isalpha()]
    if not letters:
        return text
    signs = list(text)
    for at in draw.sample(letters, max(1, round(TYPO_SHARE * len(letters)))):
        slip = draw.choice(("swap", "drop", "double", "neighbour"))
        if slip == "swap" and at + 1 < len(signs):
            signs[at], signs[at + 1] = signs[at + 1], signs[at]
        else:
            signs[at] = _slip(signs[at], slip, draw)
    return "".join(signs)


def case(text: str, draw: Random) -> str:
    """All small or all capital letters, whichever changes something."""
    ways = [changed for changed in (text.lower(), text.upper()) if changed != text]
    return draw.choice(ways) if ways else text


def white_space(text: str, draw: Random) -> str:
    """Some spaces and line ends doubled, a space before and a line end after."""

    def widen(gap: re.Match[str]) -> str:
        return gap[0] * (2 if draw.random() < SPACE_SHARE else 1)

    return f" {_GAP.sub(widen, text)}\n"


def preamble(text: str, draw: Random) -> str:
    """A few polite words before it."""
    return draw.choice(PREAMBLES) + text


def sentence_order(text: str, draw: Random) -> str:
    """Its sentences in another order; a single one stays as it is."""
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if sentence]
    moved = draw.sample(sentences, len(sentences))
    return " ".join(moved if moved != sentences else moved[::-1]) if len(sentences) > 1 else text


def wrap(template: str, text: str) -> str:
    """`text` in one of TEMPLATES."""
    return template.replace("{prompt}", text)


NOISES: Final[dict[str, Callable[[str, Random], str]]] = {
    "typos": typos,
    "case": case,
    "white space": white_space,
    "polite preamble": preamble,
    "sentence order": sentence_order,
}


def disturb(name: str, text: str, seed: int) -> str:
    """`text` with the noise of that name; the same for the same seed and text."""
    return NOISES[name](text, Random(f"{seed} {name} {text}"))


def _slip(sign: str, slip: str, draw: Random) -> str:
    """What stands where one letter stood: nothing, it twice, or a neighbour key."""
    near = _NEIGHBOURS.get(sign.lower())
    if slip == "drop":
        return ""
    if slip == "double" or near is None:
        return sign * 2
    other = draw.choice(near)
    return other.upper() if sign.isupper() else other
