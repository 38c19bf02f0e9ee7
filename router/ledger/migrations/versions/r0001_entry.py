"""The table of entries and that of their tags."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NAME = sa.String(256)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "entry",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("tier", sa.String(8), nullable=False),
        sa.Column("label", sa.String(16)),
        sa.Column("model", _NAME, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("caller_key", _NAME),
        sa.Column("caller_user", _NAME),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_actual", sa.BigInteger),
        sa.Column("cost_easy", sa.BigInteger),
        sa.Column("cost_medium", sa.BigInteger),
        sa.Column("cost_hard", sa.BigInteger),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_index("entry_at", "entry", ["at_us", "id"])
    op.create_table(
        "entry_tag",
        sa.Column(
            "entry_id",
            sa.String(64),
            sa.ForeignKey("entry.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("tag", _NAME, primary_key=True),
    )
