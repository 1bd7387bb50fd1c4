"""Statements that go to the database together: on PostgreSQL one journey there and back, however many they are.

Each waits for the one before it, sees what that one did and fails with it. SQLite is in the same process; there they
run one after the other. Values are marked `%s` and go in, and rows come out, as the driver has them: moments as
milliseconds, JSON as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

Row = tuple[Any, ...]
Question = tuple[str, Row]
"""A statement that gives rows, and its values."""
Statement = tuple[str, Sequence[Row]]
"""A statement that gives none, to be run once for each of the rows of values."""


def ask(session: Session, *questions: Question) -> list[Sequence[Any]]:
    """The rows that answer each of the questions, in the transaction of `session`."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return [connection.exec_driver_sql(_marked(text), given).all() for text, given in questions]
    with _together(connection) as driver:
        cursors = [driver.execute(text, given) for text, given in questions]
    return [cursor.fetchall() for cursor in cursors]


def tell(session: Session, statements: Sequence[Statement]) -> None:
    """Run the statements in the transaction of `session`."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        for text, rows in statements:
            if rows:
                connection.exec_driver_sql(_marked(text), list(rows))
        return
    with _together(connection) as driver, driver.cursor() as cursor:
        for text, rows in statements:
            for row in rows:
                cursor.execute(text, row)


def one_of(session: Session, values: Sequence[int] | Sequence[str]) -> tuple[str, Any]:
    """What stands behind a column that is to be one of `values`, and the value that goes in for its mark."""
    if session.get_bind().dialect.name == "sqlite":
        return "IN (SELECT value FROM json_each(%s))", json.dumps(values)
    return "= ANY(%s)", array(values)


def array(values: Sequence[int | str | bytes | None]) -> str:
    """PostgreSQL's text for an array: the driver takes longer to make one than the server to look up what is in it."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: int | str | bytes | None) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return "NULL" if value is None else str(value)


@contextmanager
def _together(connection: Connection) -> Iterator[psycopg.Connection]:
    """The driver's connection; what is executed on it within the block travels together. Errors are SQLAlchemy's."""
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline():
            yield driver
    except psycopg.Error as error:
        lost = bool(driver.closed)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, connection_invalidated=lost, dialect=connection.dialect
        ) from error


def _marked(text: str) -> str:
    return text.replace("%s", "?")
