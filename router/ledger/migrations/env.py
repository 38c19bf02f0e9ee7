"""Alembic runs this file for every migration; the caller hands over an open transaction."""

from alembic import context

from router.ledger.schema import METADATA


def run() -> None:
    """Migrate on the connection that `router.ledger.upgrade` put into the configuration."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        # SQLite alters a table by copying it.
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


# Alembic's contract: the module is the entry point.
run()
