"""One request of somebody's log, whatever the log looks like: what every format is read into."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

from classifier.types import Turn, Verdict
from router.domain import Facts, Usage
from router.errors import GearshiftError

Format: TypeAlias = Literal[
    "exchange",
    "batch",
    "ledger",
    "litellm",
    "langfuse",
    "otel",
    "sharegpt",
    "prompts",
    "text",
    "mooncake",
    "azure",
]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
UNTIMED: Final = -1
"""The time of a request whose log has none."""
NO_USAGE: Final = Usage()
MOST_TOKENS: Final = 2**31 - 1
"""A larger count is nonsense, and would not fit where requests are priced by the million."""
MOST_PICO: Final = 10**18
"""So is a request for more than a million dollars."""

_SECONDS_END: Final = 1e11
"""Numbers below are seconds (until the year 5138), then milliseconds, microseconds, nanoseconds."""
_UNITS: Final = (
    (_SECONDS_END, 1_000_000),
    (_SECONDS_END * 1e3, 1_000),
    (_SECONDS_END * 1e6, 1),
    (_SECONDS_END * 1e9, 0),
)


class LogError(GearshiftError):
    """A log cannot be read at all; the message names the file and the fix."""


class Answered(Struct, frozen=True, kw_only=True, gc=False):
    """What the log says of the answer."""

    model: str = ""
    """As the log names it; empty where it does not."""
    usage: Usage = NO_USAGE
    """Source `none` where the log has no count."""
    output_bytes: int = 0
    """Text of the answer, where its tokens were not counted."""
    called_tools: bool = False
    """It ended in tool calls: the next request of the conversation goes on with them."""
    cost: int | None = None
    """What the log says that it cost, pico-USD, where it does."""
    custom_id: str = ""
    """Names the request where that stands in another line."""


class Logged(Struct, frozen=True, kw_only=True):
    """One request, as far as its log tells of it."""

    at_us: int = UNTIMED
    """Microseconds since the epoch, UTC."""
    key: str = ""
    user: str = ""
    session: str = ""
    tags: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    """The messages; none where the log kept no text."""
    facts: Facts
    """What the policy would have seen of the request."""
    verdict: Verdict | None = None
    """Where the log kept one instead of the text."""
    characters: int = 0
    """Length of the human turn, where there is no text to count; else 0."""
    answer: Answered | None = None
    prefix: tuple[int, ...] = ()
    """Digests of the blocks that the input begins with, where a trace has them."""
    custom_id: str = ""
    """Joins a request with its answer that stands in another line."""
    simulated: bool = False
    """The sandbox answered: no real money."""
    whole: bool = False
    """The facts are all that was known when it was decided: nothing is added to them."""
    drawn: bool = False
    """A trace of lengths: its label is drawn from the stated mix."""


class Bad(Struct, frozen=True, kw_only=True):
    """A line, or a part of one, that says nothing that could be used."""

    reason: str


def nonsense(found: Logged | Answered) -> str | None:
    """What no request can have had, in words for whoever keeps the log; none for most."""
    answer, counts = (found, ()) if isinstance(found, Answered) else (found.answer, _asked(found))
    usage = NO_USAGE if answer is None else answer.usage
    counts = (*counts, usage.input, usage.cached, usage.output, usage.reasoning)
    odd = next((count for count in counts if not 0 <= count <= MOST_TOKENS), None)
    if odd is not None:
        return f"{odd} is no number of tokens"
    cost = None if answer is None else answer.cost
    if cost is not None and not 0 <= cost <= MOST_PICO:
        return f"{cost} pico-USD is no cost of a request"
    return None


def _asked(found: Logged) -> tuple[int, ...]:
    return found.facts.input_tokens, found.facts.max_tokens or 0


Read: TypeAlias = Iterable[Logged | Answered | Bad]
Reader: TypeAlias = Callable[[bytes], Read]
"""From one line, or one whole document, to the requests in it. Never raises."""


def moment_us(said: str | float | None) -> int:
    """A time as logs write it: ISO 8601 (UTC where it says no zone) or a count since the epoch.

    Raises ValueError for anything else.
    """
    if said is None or said == "":
        return UNTIMED
    if not isinstance(said, str):
        return _count_us(said)
    if "-" not in said[1:]:
        return _count_us(float(said))
    said = said.removesuffix(" UTC")  # as data warehouses write it
    moment = datetime.fromisoformat(_shorten(said) if "." in said else said)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000)


def _count_us(number: float) -> int:
    if not 0 <= number < _SECONDS_END * 10**9:
        msg = f"no time: {number}"
        raise ValueError(msg)
    factor = next(factor for end, factor in _UNITS if number < end)
    return round(number * factor) if factor >= 1 else int(number) // 1_000


def _shorten(said: str) -> str:
    """Python reads six decimals of a second; traces write seven."""
    head, point, tail = said.partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return head + point + tail[: min(digits, 6)].ljust(6, "0") + tail[digits:] if point else said
