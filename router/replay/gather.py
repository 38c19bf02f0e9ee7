"""Requests one by one into columns: the only place that touches every row in Python."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.types import TIERS, Tier
from router.columns import NOBODY, UNKNOWN, Codes
from router.domain import Capability, Dial, Facts, Modality
from router.replay.logged import Answered, Logged
from router.replay.part import (
    ABSENT,
    Asked,
    BadLine,
    Index,
    Judged,
    Keys,
    Part,
    Replied,
    Told,
)

MODALITIES: Final[tuple[Modality, ...]] = get_args(Modality)
CAPABILITIES: Final[tuple[Capability, ...]] = get_args(Capability)
DIALS: Final[tuple[Dial, ...]] = get_args(Dial)
_MODALITY_BITS: Final = {name: 1 << at for at, name in enumerate(MODALITIES)}
_CAPABILITY_BITS: Final = {name: 1 << at for at, name in enumerate(CAPABILITIES)}
_DIAL_CODES: Final = {name: at for at, name in enumerate(DIALS)}
_TIER_CODES: Final[dict[Tier | None, int]] = {
    None: NOBODY,
    **{name: at for at, name in enumerate(TIERS)},
}
_NO_ANSWER: Final = (ABSENT, ABSENT, ABSENT, ABSENT)
_EIGHT: Final = 8
_OPENING: Final = 2


class Verdicted(NamedTuple):
    """The columns of Judged that scoring makes."""

    label: Codes
    scores: Index
    key: Keys
    fresh: Codes


class Line(NamedTuple):
    """What is known of a request beside its log's own words."""

    at: int
    """Place of its line in the unit."""
    characters: int
    conversation: int
    loop: int
    matches: tuple[tuple[int, ...], ...]
    """By policy: the rules that it matches."""


class Gathered:
    """Columns that grow."""

    def __init__(self, policies: int) -> None:
        """`policies` is how many sets of rules every row is matched with."""
        self._policies = policies
        self._asked: list[tuple[int, ...]] = []
        self._told: list[tuple[int, ...]] = []
        self._loop: list[tuple[int, int]] = []
        self._replied: list[tuple[int, ...]] = []
        self._rules: list[tuple[int, ...]] = []
        self._characters: list[int] = []
        self._blocks: list[int] = []
        self._blocks_end: list[int] = []
        self._names: dict[str, int] = {}
        self._facts: dict[bytes, int] = {}
        self._matches: dict[tuple[int, ...], int] = {}
        self._answers: dict[str, bytes] = {}
        self._simulated = 0
        self._drawn = 0

    def add(self, logged: Logged, line: Line) -> None:
        """Another row."""
        facts = logged.facts
        name = self._name
        self._asked.append(
            (
                facts.input_tokens,
                ABSENT if facts.max_tokens is None else facts.max_tokens,
                sum(_MODALITY_BITS[one] for one in facts.modalities) if facts.modalities else 0,
                sum(_CAPABILITY_BITS[one] for one in facts.capabilities)
                if facts.capabilities
                else 0,
                _DIAL_CODES[facts.dial],
                _TIER_CODES[facts.forced],
                facts.open_tool_loop,
                self._record(facts),
                logged.whole,
            )
        )
        self._rules.append(tuple(map(self._match, line.matches)))
        self._told.append(
            (
                logged.at_us,
                line.at,
                name(logged.user),
                name(logged.key),
                name(logged.custom_id) if logged.custom_id else ABSENT,
            )
        )
        self._loop.append((line.conversation, line.loop))
        self._reply(logged.answer)
        self._characters.append(line.characters)
        self._blocks += logged.prefix
        self._blocks_end.append(len(self._blocks))
        self._simulated += logged.simulated
        self._drawn += logged.drawn

    def join(self, custom_id: str, answer: Answered) -> None:
        """An answer whose request stands elsewhere."""
        self._answers[custom_id] = msgspec.msgpack.encode(answer)

    def part(self, unit: int, lines: int, bad: Sequence[BadLine], verdicted: Verdicted) -> Part:
        """The columns as they are now."""
        return Part(
            unit=unit,
            lines=lines,
            bad=tuple(bad),
            simulated=self._simulated,
            drawn=self._drawn,
            names=tuple(self._names),
            facts=tuple(self._facts),
            matches=tuple(self._matches),
            answers=self._answers,
            asked=self._asked_columns(),
            judged=Judged(
                label=verdicted.label,
                scores=verdicted.scores,
                key=verdicted.key,
                fresh=verdicted.fresh,
                characters=np.array(self._characters, np.int64),
            ),
            replied=self._replied_columns(),
            told=self._told_columns(),
        )

    def _asked_columns(self) -> Asked:
        asked = _matrix(self._asked, 9)
        codes = asked.astype(np.uint8)
        return Asked(
            input_tokens=asked[:, 0],
            max_tokens=asked[:, 1],
            modalities=codes[:, 2],
            capabilities=codes[:, 3],
            dial=codes[:, 4],
            forced=codes[:, 5],
            open_loop=codes[:, 6],
            recorded=asked[:, 7].astype(np.int32),
            whole=codes[:, 8],
            rules=np.array(self._rules, np.int32).reshape(len(asked), self._policies),
        )

    def _replied_columns(self) -> Replied:
        replied = _matrix(self._replied, 7)
        return Replied(
            model=replied[:, 0].astype(np.int32),
            tokens=replied[:, 1:5],
            called_tools=replied[:, 5].astype(np.uint8),
            cost=replied[:, 6],
        )

    def _told_columns(self) -> Told:
        told = _matrix(self._told, 5)
        names = np.array(self._loop, np.uint64).reshape(-1, 2)
        return Told(
            at_us=told[:, 0],
            line=told[:, 1].astype(np.int32),
            conversation=names[:, 0],
            loop=names[:, 1],
            user=told[:, 2].astype(np.int32),
            key=told[:, 3].astype(np.int32),
            custom_id=told[:, 4].astype(np.int32),
            blocks=np.array(self._blocks, np.int64),
            blocks_end=np.array(self._blocks_end, np.int64),
        )

    def _name(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))

    def _match(self, rules: tuple[int, ...]) -> int:
        return self._matches.setdefault(rules, len(self._matches))

    def _record(self, facts: Facts) -> int:
        """What no column says: where a ledger kept what stood around the request."""
        if not (facts.pin or facts.unavailable or facts.warm or facts.passthrough or facts.thrift):
            return ABSENT
        return self._facts.setdefault(msgspec.msgpack.encode(facts), len(self._facts))

    def _reply(self, answer: Answered | None) -> None:
        if answer is None:
            self._replied.append((ABSENT, *_NO_ANSWER, 0, UNKNOWN))
            return
        usage = answer.usage
        counted = usage.source != "none"
        tokens = (usage.input, usage.cached, usage.output, usage.reasoning)
        self._replied.append(
            (
                self._name(answer.model),
                *(tokens if counted else _NO_ANSWER),
                answer.called_tools,
                UNKNOWN if answer.cost is None else answer.cost,
            )
        )


def name_conversation(logged: Logged, first: str, line: bytes) -> int:
    """64 bits that the requests of one conversation share.

    Its session where the log has one, else how its first human turn reads, `first`; always with
    the caller: two may open theirs with the same words. A request of which nothing of that is known
    is a conversation of its own, named by its `line`.
    """
    known = logged.session or _opening(logged) or first
    alone = "" if known else line.hex()
    said = "\0".join((logged.key, logged.user, known, alone))
    digest = blake2b(said.encode("utf-8", "replace"), digest_size=_EIGHT).digest()
    return int.from_bytes(digest)


def _opening(logged: Logged) -> str:
    """The blocks that tell conversations apart: the first is often a system prompt of them all."""
    return str(logged.prefix[:_OPENING]) if logged.prefix else ""


def _matrix(rows: list[tuple[int, ...]], columns: int) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(-1, columns)
