"""What is said of decisions; and the text of entries, out of their documents into a table."""

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_PAGE = 500
_ENTRY = sa.table(
    "entry", sa.column("id"), sa.column("at_us"), sa.column("document", type_=sa.JSON())
)


def upgrade() -> None:
    """Make both tables, and move what there is to move."""
    op.create_table(
        "feedback",
        sa.Column("decision_id", sa.String(64), primary_key=True),
        sa.Column("witness", sa.String(16), primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("opinion", sa.String(16)),
        sa.Column("label", sa.String(16)),
        sa.Column("model", sa.String(256)),
    )
    prompt = op.create_table(
        "prompt",
        sa.Column(
            "entry_id",
            sa.String(64),
            sa.ForeignKey("entry.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_index("prompt_at", "prompt", ["at_us"])
    after = ""
    while rows := _page(after):
        after = rows[-1][0]
        for name, at_us, document in rows:
            fields = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
            text = msgspec.json.encode({"prompt": fields.pop("prompt")}).decode()
            rest = msgspec.json.encode(fields).decode()
            op.execute(prompt.insert().values(entry_id=name, at_us=at_us, document=text))
            op.execute(_ENTRY.update().where(_ENTRY.c.id == name).values(document=rest))


def _page(after: str) -> list[tuple[str, int, str]]:
    """The next entries whose document holds their text: no other key of it has that name."""
    holds = sa.cast(_ENTRY.c.document, sa.Text).like('%,"prompt":"%')
    query = sa.select(_ENTRY.c.id, _ENTRY.c.at_us, _ENTRY.c.document)
    query = query.where(_ENTRY.c.id > after, holds).order_by(_ENTRY.c.id).limit(_PAGE)
    return [(name, at_us, document) for name, at_us, document in op.get_bind().execute(query)]
