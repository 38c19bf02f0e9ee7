"""By what entries are told apart in reports, and how long such a word may be."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import product
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from router.domain import Entry

Dimension: TypeAlias = Literal["model", "tier", "label", "key", "user", "tag", "day"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
Key: TypeAlias = tuple[str | None, ...]
"""Values of the dimensions that were asked for, in their order; null where an entry has none."""

WIDTH: Final = 256
"""Characters kept of a name in the columns that reports group by. Callers choose their names, and
PostgreSQL refuses to index long ones; the document beside the columns has them whole."""

_DAY_US: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Part of the ledger by time of arrival, microseconds since the epoch; null is open."""

    since_us: int | None = None
    """The first microsecond that belongs to it."""
    until_us: int | None = None
    """The first that no longer does."""

    def holds(self, at_us: int) -> bool:
        """Whether an entry of `at_us` belongs to it."""
        after = self.since_us is None or self.since_us <= at_us
        return after and (self.until_us is None or at_us < self.until_us)


EVER: Final = Span()


def facet(entry: Entry, dimension: Dimension) -> str | None:
    """What an entry says for a dimension; null where it says nothing. Tags are apart."""
    match dimension:
        case "model":
            return _word(entry.decision.model)
        case "tier":
            return entry.decision.tier
        case "label":
            verdict = entry.decision.verdict
            return verdict.label if verdict else None
        case "key":
            return _word(entry.caller.key)
        case "user":
            return _word(entry.caller.user)
        case "day":
            return day_of(entry.at_us)
        case "tag":
            raise ValueError("an entry has any number of tags")


def tags_of(entry: Entry) -> tuple[str, ...]:
    """The entry's tags, each once."""
    return tuple(dict.fromkeys(word for tag in entry.caller.tags if (word := _word(tag))))


def keys_of(entry: Entry, by: Sequence[Dimension]) -> Iterator[Key]:
    """The groups an entry belongs to: one, or with `tag` one for each of its tags."""
    return product(
        *(tags_of(entry) or (None,) if name == "tag" else (facet(entry, name),) for name in by)
    )


def is_estimated(entry: Entry) -> bool:
    """Whether its tokens were estimated instead of billed, and its cost with them."""
    return entry.estimated or entry.usage.source == "estimated"


def day_of(at_us: int) -> str:
    """The UTC day, YYYY-MM-DD. Raises OverflowError beyond the calendar."""
    return _day(at_us // _DAY_US)


@lru_cache(maxsize=512)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).date().isoformat()


def _word(text: str) -> str | None:
    """A name as a column takes it: bounded, and without the NUL that PostgreSQL refuses."""
    return text[:WIDTH].replace("\0", "\ufffd") or None
