"""A unit of a log after it was read: columns without text, small enough to travel and to keep.

Row i of every array is the same request. Names stand in tables, once each.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.columns import Codes, Money

Array: TypeAlias = NDArray[Any]  # what is packed is known by name, and checked where it is unpacked
Keys: TypeAlias = NDArray[np.uint64]
Index: TypeAlias = NDArray[np.int32]

ABSENT: Final = -1
"""A count or an index that is not there."""
SCORES: Final = ("easy", "medium", "hard", "difficulty", "needs_info")
"""What is kept of a verdict beside its label: success by tier, and what lengths go by."""
MICRO: Final = 1_000_000
"""Verdicts are rounded to six decimals when made: whole millionths lose nothing."""


class Asked(Struct, frozen=True, kw_only=True):
    """What the policy sees, but the verdict."""

    input_tokens: NDArray[np.int64]
    max_tokens: NDArray[np.int64]
    modalities: Codes
    """Bit i: element i of MODALITIES."""
    capabilities: Codes
    """Bit i: element i of CAPABILITIES."""
    dial: Codes
    """Position in DIALS."""
    forced: Codes
    """Position in TIERS; NOBODY where nothing is forced."""
    open_loop: Codes
    """1: the last message is a tool's answer."""
    recorded: Index
    """Position in `Part.facts`, for what no other column says; ABSENT for most."""
    whole: Codes
    """1: nothing is to be added from the conversation, because a ledger kept what was known."""
    rules: Index
    """(n, policies) Position in `Part.matches` of the rules that matched."""


class Judged(Struct, frozen=True, kw_only=True):
    """How hard the requests are."""

    label: Codes
    """Position in LABELS; NOBODY without a verdict."""
    scores: Index
    """(n, 5) By SCORES, millionths; ABSENT without a verdict, or where only a label was drawn."""
    characters: NDArray[np.int64]
    key: Keys
    """(n, 2) Digest of what was scored; zeros where nothing was."""
    fresh: Codes
    """1: scored in this run."""


class Replied(Struct, frozen=True, kw_only=True):
    """What the log says of its answers."""

    model: Index
    """Position in `Part.names`; ABSENT where nothing answered."""
    tokens: NDArray[np.int64]
    """(n, 4) Input, of it cached, output, of it reasoning; ABSENT where they were not counted."""
    called_tools: Codes
    cost: Money
    """What the log says that it cost, pico-USD; UNKNOWN where it does not."""


class Told(Struct, frozen=True, kw_only=True):
    """Who asked, when, and in which conversation."""

    at_us: NDArray[np.int64]
    line: Index
    """Place of its line among those of the unit, from 0."""
    conversation: Keys
    loop: Keys
    """Digest of the conversation up to its last human turn, where a tool loop goes through it."""
    user: Index
    """Positions in `Part.names`, as that of the API key."""
    key: Index
    custom_id: Index
    blocks: NDArray[np.int64]
    """Digests of the blocks that inputs begin with, end to end."""
    blocks_end: NDArray[np.int64]
    """Where those of row i end in `blocks`."""


class BadLine(Struct, frozen=True):
    """A line, or a part of one, that could not be read."""

    line: int
    """Place among the lines of the unit, from 0."""
    reason: str


class Part(Struct, frozen=True, kw_only=True):
    """The requests of one unit."""

    unit: int
    lines: int
    """How many lines the unit has, blank ones too."""
    bad: tuple[BadLine, ...]
    simulated: int
    """Requests that the sandbox answered."""
    drawn: int
    """Requests whose label is drawn from a mix."""
    names: tuple[str, ...]
    facts: tuple[bytes, ...]
    """Facts of a ledger's entries, as msgpack, where columns cannot say them."""
    matches: tuple[tuple[int, ...], ...]
    asked: Asked
    judged: Judged
    replied: Replied
    told: Told
    answers: Mapping[str, bytes]
    """Answers whose requests stand elsewhere: custom id → msgpack of an Answered."""

    @property
    def rows(self) -> int:
        """Number of requests."""
        return len(self.told.at_us)


class _Packed(Struct, frozen=True):
    """A part as it travels."""

    unit: int
    lines: int
    bad: tuple[BadLine, ...]
    simulated: int
    drawn: int
    names: tuple[str, ...]
    facts: tuple[bytes, ...]
    matches: tuple[tuple[int, ...], ...]
    answers: dict[str, bytes]
    arrays: dict[str, tuple[str, tuple[int, ...], bytes]]


_GROUPS: Final[Mapping[str, type[Struct]]] = {
    "asked": Asked,
    "judged": Judged,
    "replied": Replied,
    "told": Told,
}


def pack(part: Part) -> bytes:
    """`part` as bytes: inert, and the same on every machine of one byte order."""
    arrays = {
        f"{group}.{name}": _flat(getattr(getattr(part, group), name))
        for group, kind in _GROUPS.items()
        for name in kind.__struct_fields__
    }
    packed = _Packed(
        part.unit,
        part.lines,
        part.bad,
        part.simulated,
        part.drawn,
        part.names,
        part.facts,
        part.matches,
        dict(part.answers),
        arrays,
    )
    return msgspec.msgpack.encode(packed)


def unpack(data: bytes) -> Part:
    """What `pack` packed."""
    packed = msgspec.msgpack.decode(data, type=_Packed)
    groups = {group: _group(group, kind, packed) for group, kind in _GROUPS.items()}
    return Part(
        unit=packed.unit,
        lines=packed.lines,
        bad=packed.bad,
        simulated=packed.simulated,
        drawn=packed.drawn,
        names=packed.names,
        facts=packed.facts,
        matches=packed.matches,
        answers=packed.answers,
        asked=cast("Asked", groups["asked"]),
        judged=cast("Judged", groups["judged"]),
        replied=cast("Replied", groups["replied"]),
        told=cast("Told", groups["told"]),
    )


def is_complete(part: Part) -> NDArray[np.bool_]:
    """Which requests come with all that was known when they were decided: those of a ledger."""
    return part.asked.whole.astype(bool)


def _group(group: str, kind: type[Struct], packed: _Packed) -> Struct:
    return kind(**{n: _array(*packed.arrays[f"{group}.{n}"]) for n in kind.__struct_fields__})


def _flat(array: Array) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes()


def _array(dtype: str, shape: tuple[int, ...], data: bytes) -> Array:
    return np.frombuffer(data, np.dtype(dtype)).reshape(shape)
