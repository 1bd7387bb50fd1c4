"""An INSERT that can say ON CONFLICT on the database at hand; SQLAlchemy spells it per dialect."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert_or(session: Session, table: Any) -> Any:
    """An `insert(table)` with `on_conflict_do_nothing` and `on_conflict_do_update`, for SQLite or PostgreSQL."""
    return sqlite.insert(table) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(table)
