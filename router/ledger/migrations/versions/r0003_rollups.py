"""Doubts and shadows as columns of entries; tables of sums by hour, by user and by tag.

The tables are empty: `router.ledger.rebuild` fills them in the same transaction.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NAME = sa.String(256)
_COUNTS = ("requests", "priced", "estimated")
_AMOUNTS = ("input", "cached", "output", "actual")
_PAIRS = ("easy", "medium", "hard", "routed")


def upgrade() -> None:
    """Make both."""
    for column in _doubts():
        op.add_column("entry", column)
    # What is there will be in the rollups. What a process of the version before stores from now
    # on is not; only PostgreSQL lets one go on.
    op.add_column(
        "entry", sa.Column("rolled", sa.Boolean, nullable=False, server_default=sa.true())
    )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("entry", "rolled", server_default=sa.false())
    unrolled = sa.text("NOT rolled")
    op.create_index(
        "entry_unrolled", "entry", ["at_us"], sqlite_where=unrolled, postgresql_where=unrolled
    )
    words = ("model", "tier", "label", "caller_key")
    _make("rollup_hour", *words)
    _make("rollup_user", *words, "caller_user")
    _make("rollup_tag", *words, "tag")


def _doubts() -> list[sa.Column[Any]]:
    columns: list[sa.Column[Any]] = [
        sa.Column("cost_routed", sa.BigInteger),
        sa.Column("shadow_tier", sa.String(8)),
    ]
    for tier in ("easy", "medium", "hard"):
        columns += [sa.Column(f"{doubt}_{tier}", sa.BigInteger) for doubt in ("shared", "own")]
    return columns


def _make(name: str, *words: str) -> None:
    op.create_table(
        name,
        sa.Column("start_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(16), primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        *(sa.Column(word, _NAME) for word in words),
        *_sums(),
        sqlite_with_rowid=False,
    )


def _sums() -> list[sa.Column[Any]]:
    columns = [_whole(name) for name in _COUNTS]
    for name in _AMOUNTS:
        columns += _amount(name)
    for pair in _PAIRS:
        columns.append(_whole(f"{pair}_requests"))
        for name in ("actual", "control", "shared"):
            columns += _amount(f"{pair}_{name}")
        columns.append(sa.Column(f"{pair}_own", sa.Double, nullable=False))
    return columns


def _amount(name: str) -> list[sa.Column[Any]]:
    return [_whole(f"{name}_high"), _whole(f"{name}_low")]


def _whole(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False)
