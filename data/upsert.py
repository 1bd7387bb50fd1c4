"""An INSERT that can say ON CONFLICT on the database at hand; SQLAlchemy spells it per dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from data.journeys import tell
from data.models.base import Base


def insert_or(session: Session, table: Any) -> Any:
    """An `insert(table)` with `on_conflict_do_nothing` and `on_conflict_do_update`, for SQLite or PostgreSQL."""
    return insert_on(session.get_bind().dialect.name, table)


def insert_on(dialect: str, table: Any) -> Any:
    """The same for a dialect by its name: for a statement that is put together once."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def put(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows by column name, all of the same columns in the same order, each in the place of the one with its
    primary key. A sweep writes two a patient, so the values go to the driver in one pass."""
    if not rows:
        return
    table, dialect = cast(Table, model.__table__), session.get_bind().dialect
    names, key = list(rows[0]), [column.name for column in table.primary_key]
    taken = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    text = (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"  # noqa: S608  # nosec B608
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {taken}"
    )
    columns = [[row[name] for row in rows] for name in names]
    for at, name in enumerate(names):
        as_stored = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if as_stored is not None:
            columns[at] = [as_stored(value) for value in columns[at]]
    tell(session, [(text, list(zip(*columns, strict=True)))])
