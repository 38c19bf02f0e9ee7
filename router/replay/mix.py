"""Labels for traces without text: drawn from a stated mix, the same in every run."""

from hashlib import blake2b
from itertools import accumulate
from typing import Final, TypeAlias

from classifier.types import LABELS
from router.replay.logged import LogError

Mix: TypeAlias = tuple[float, float, float, float]
"""Share of each label, in the order of LABELS; they sum to 1."""

DEFAULT: Final[Mix] = (0.6, 0.3, 0.1, 0.0)
"""An assumption, and named as such in every summary: no trace says how hard its prompts were."""
SEED: Final = b"gearshift mix 1"
_CLOSE: Final = 0.001


def parse_mix(said: str) -> Mix:
    """The mix in `easy=.6,medium=.3,hard=.1`. Raises LogError that says what is wrong."""
    shares = dict.fromkeys(LABELS, 0.0)
    for part in said.split(","):
        name, _, share = (word.strip() for word in part.partition("="))
        label = next((label for label in LABELS if label == name), None)
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if label is None or not 0.0 <= value <= 1.0:
            msg = f"--mix: {part.strip()!r} is no share of a label; say easy=.6,medium=.3,hard=.1"
            raise LogError(msg)
        shares[label] = value
    total = sum(shares.values())
    if abs(total - 1.0) > _CLOSE:
        raise LogError(f"--mix: the shares add up to {total:g}; they must add up to 1")
    easy, medium, hard, needs_info = (share / total for share in shares.values())
    return easy, medium, hard, needs_info


def draw(mix: Mix, line: bytes) -> int:
    """Position in LABELS of the label of a trace's `line`: chance that falls alike every time."""
    digest = blake2b(line, digest_size=8, key=SEED).digest()
    chance = int.from_bytes(digest) / 2**64
    return next((at for at, end in enumerate(accumulate(mix)) if chance < end), mix.index(max(mix)))
