"""How Alembic runs here: on the connection and in the transaction that `data.migrate` opened, never on its own."""

from __future__ import annotations

from alembic import context

from data.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
