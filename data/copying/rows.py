"""The rows of a whole database as they are stored: read at one moment, written as they were, told apart by digests.

Numbers, texts, bytes and truth values only: times stay the milliseconds and JSON the text that the column holds, so a
row is the same row in SQLite and in PostgreSQL. Tables come in an order in which nothing points ahead, rows by primary
key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Connection, Date, Float, String, Table, Text, cast, func, select, text
from sqlalchemy import type_coerce as as_type
from sqlalchemy.sql.elements import ColumnElement

from data.db import Database
from data.models import AuditHead, Base
from data.models.base import Instant

CHUNK: Final = 1000
_UNLIMITED: Final = ("SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0")
_ENCODE: Final = msgspec.msgpack.Encoder().encode

Rows = Sequence[Sequence[Any]]


@dataclass(slots=True)
class Digest:
    """Grows with the rows of one table, CHUNK of them at a time: how many there were, and their SHA-256."""

    rows: int = 0
    _sum: Any = field(default_factory=sha256)

    def add(self, rows: Rows) -> None:
        """Take in the next chunk."""
        self.rows += len(rows)
        self._sum.update(_ENCODE(rows))

    def total(self) -> tuple[int, str]:
        """The number of rows and the hexadecimal digest of all."""
        return self.rows, self._sum.hexdigest()


def tables() -> list[Table]:
    """Every table, none before one it points at."""
    return Base.metadata.sorted_tables


@contextmanager
def at_one_moment(database: Database) -> Iterator[Connection]:
    """A connection to which the database stands still, while everybody else goes on writing."""
    options: dict[str, Any] = (
        {"nadir_read_only": True}
        if database.is_sqlite
        else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )
    with database.engine.connect().execution_options(**options) as connection:
        unlimited(connection)
        yield connection
        connection.rollback()


def unlimited(connection: Connection) -> None:
    """Let the statements of this transaction take as long as they need."""
    if connection.dialect.name == "postgresql":
        for setting in _UNLIMITED:
            connection.execute(text(setting))


def stored(connection: Connection, table: Table) -> Iterator[Rows]:
    """The rows of a table, CHUNK at a time."""
    on_postgresql = connection.dialect.name == "postgresql"
    columns = [_as_stored(column, on_postgresql=on_postgresql) for column in table.columns]
    order = [_in_bytes(column, on_postgresql=on_postgresql) for column in table.primary_key]
    found = connection.execute(select(*columns).order_by(*order), execution_options={"yield_per": CHUNK})
    for part in found.partitions(CHUNK):
        yield [tuple(row) for row in part]


def digest(connection: Connection, table: Table) -> tuple[int, str]:
    """The number of rows a table holds and their digest."""
    counted = Digest()
    for rows in stored(connection, table):
        counted.add(rows)
    return counted.total()


def fill(connection: Connection, table: Table, chunks: Iterable[Rows]) -> None:
    """Write rows of `stored` into an empty table; afterwards its next number follows the highest."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        places = ", ".join("?" for _ in table.columns)
        for rows in chunks:
            # Names of our own tables and columns alone.
            statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({places})'  # noqa: S608  # nosec B608
            connection.exec_driver_sql(statement, _tuples(rows))
        return
    cursor = connection.connection.cursor()
    with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for rows in chunks:
            for row in rows:
                copy.write_row(row)
    _go_on_counting(connection, table)


def is_empty(connection: Connection) -> bool:
    """Whether no table holds a row but those that migrations put there."""
    asked = (table for table in tables() if table.name != AuditHead.__tablename__)
    return not any(connection.execute(select(1).select_from(table).limit(1)).first() for table in asked)


def _as_stored(column: Column[Any], *, on_postgresql: bool) -> ColumnElement[Any]:
    if isinstance(column.type, Instant):
        return as_type(column, BigInteger())
    if isinstance(column.type, JSON | Date):
        return cast(column, Text) if on_postgresql else as_type(column, Text())
    if isinstance(column.type, Float):
        # PostgreSQL keeps -0.0, SQLite makes it 0.0; the sum is 0.0 everywhere.
        return column + 0.0
    return column


def _in_bytes(column: Column[Any], *, on_postgresql: bool) -> ColumnElement[Any]:
    """The column ordered byte by byte, as SQLite orders it, whatever the language of the database."""
    return column.collate("C") if on_postgresql and isinstance(column.type, String) else column


def _tuples(rows: Rows) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def _go_on_counting(connection: Connection, table: Table) -> None:
    for column in table.primary_key:
        if isinstance(column.type, BigInteger):
            owned = func.pg_get_serial_sequence(table.name, column.name)
            sequence, highest = connection.execute(select(owned, func.max(column))).one()
            if sequence is not None and highest is not None:
                connection.execute(select(func.setval(sequence, highest)))
