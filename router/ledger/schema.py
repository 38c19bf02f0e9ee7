"""The store's tables. Migrations make them; here they are named for statements."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

from router.ledger.facets import WIDTH
from router.ledger.numbers import NUMBERS

REVISION: Final = "0003"
"""The migration that these tables are the result of."""

METADATA: Final = MetaData()
_UNROLLED: Final = text("NOT rolled")

ENTRY: Final = Table(
    "entry",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("day", String(10), nullable=False),
    Column("tier", String(8), nullable=False),
    Column("label", String(16)),
    Column("model", String(WIDTH), nullable=False),
    Column("reason", String(16), nullable=False),
    # `key` and `user` are words of SQL, and a bare `user` means something else to PostgreSQL.
    Column("caller_key", String(WIDTH)),
    Column("caller_user", String(WIDTH)),
    Column("status", Integer, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("cost_actual", BigInteger),
    Column("cost_easy", BigInteger),
    Column("cost_medium", BigInteger),
    Column("cost_hard", BigInteger),
    Column("document", JSON, nullable=False),
    Column("cost_routed", BigInteger),
    Column("shadow_tier", String(8)),
    Column("shared_easy", BigInteger),
    Column("own_easy", BigInteger),
    Column("shared_medium", BigInteger),
    Column("own_medium", BigInteger),
    Column("shared_hard", BigInteger),
    Column("own_hard", BigInteger),
    Column("rolled", Boolean, nullable=False),
    Index("entry_at", "at_us", "id"),
    Index("entry_unrolled", "at_us", sqlite_where=_UNROLLED, postgresql_where=_UNROLLED),
)
"""One row an entry: what reports group by and add up (costs in pico-USD), and the entry itself.

`rolled` is false where the rollups lack it: a process of an earlier version stored it, which was
still running when another brought the store up to date.
"""

PROMPT: Final = Table(
    "prompt",
    METADATA,
    Column("entry_id", String(64), ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
    Index("prompt_at", "at_us"),
)
"""The text of an entry, where it is kept: apart, so that it can go and the entry stay."""

FEEDBACK: Final = Table(
    "feedback",
    METADATA,
    # Not a foreign key: feedback may be stored before its entry, and of what has none.
    Column("decision_id", String(64), primary_key=True),
    Column("witness", String(16), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("opinion", String(16)),
    Column("label", String(16)),
    Column("model", String(WIDTH)),
)
"""What was said of a decision: one row a decision and witness, the latest."""

ENTRY_TAG: Final = Table(
    "entry_tag",
    METADATA,
    Column("entry_id", String(64), ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(WIDTH), primary_key=True),
)


def _rollup(name: str, *split: str) -> Table:
    """A table of sums, a row for each period and each group of the words of `split`."""
    return Table(
        name,
        METADATA,
        Column("start_us", BigInteger, primary_key=True, autoincrement=False),
        # Of the words: together they are too long for an index of PostgreSQL's.
        Column("digest", LargeBinary(16), primary_key=True),
        Column("day", String(10), nullable=False),
        Column("simulated", Boolean, nullable=False),
        *(Column(word, String(WIDTH)) for word in split),
        *(
            Column(column, Double if number.kind == "square" else BigInteger, nullable=False)
            for number in NUMBERS
            for column in number.columns
        ),
        # Rows are found by their key alone, and lie in the order of time.
        sqlite_with_rowid=False,
    )


ROLLUP_HOUR: Final = _rollup("rollup_hour", "model", "tier", "label", "caller_key")
"""Sums by hour. Few rows: whatever callers name themselves is not in it."""

ROLLUP_USER: Final = _rollup("rollup_user", "model", "tier", "label", "caller_key", "caller_user")
"""Sums by day and user: by the hour they would be nearly as many rows as there are entries."""

ROLLUP_TAG: Final = _rollup("rollup_tag", "model", "tier", "label", "caller_key", "tag")
"""Sums by day and tag; an entry counts in the row of each of its tags, or in one without."""
