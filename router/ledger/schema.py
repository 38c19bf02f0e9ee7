"""The store's tables. Migrations make them; here they are named for statements."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

from router.ledger.facets import WIDTH

REVISION: Final = "0002"
"""The migration that these tables are the result of."""

METADATA: Final = MetaData()

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
    Index("entry_at", "at_us", "id"),
)
"""One row an entry: what reports group by and add up (costs in pico-USD), and the entry itself."""

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
