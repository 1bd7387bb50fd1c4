"""An INSERT that can say ON CONFLICT on the database at hand; SQLAlchemy spells it per dialect."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert_or(session: Session, table: Any) -> Any:
    """An `insert(table)` with `on_conflict_do_nothing` and `on_conflict_do_update`, for SQLite or PostgreSQL."""
    return insert_on(session.get_bind().dialect.name, table)


def insert_on(dialect: str, table: Any) -> Any:
    """The same for a dialect by its name, where a statement is made once for every session."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
