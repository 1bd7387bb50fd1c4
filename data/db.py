"""Engines and sessions: SQLite as it must be set to be safe, PostgreSQL with time limits.

`open_database(url)` gives a `Database`; `database.write()` is one transaction that holds the write lock from its start
(SQLite `BEGIN IMMEDIATE`), `database.read()` one that cannot write.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
import pysqlite3
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.orm import Session

from data.errors import BadInput

BUSY_TIMEOUT_MS = 10_000
# Pages of the database all connections of a process to SQLite may hold together. The kernel holds the rest: four times
# as much spares an import into a million records 2 % of its processor time, and lets every process grow by that much.
CACHE_KB = 8_000
STATEMENT_TIMEOUT_MS = 15_000
IDLE_IN_TRANSACTION_MS = 30_000
# A pooled connection that nobody used for so long is asked whether it still lives before it is used.
IDLE_S = 1.0
_USED = "last used"
SAFE_SQLITE = (3, 51, 3)
log = logging.getLogger("nadir.db")


class UnusableUrl(BadInput):
    """A database URL that names neither SQLite nor PostgreSQL."""


class DatabaseUnavailable(RuntimeError):
    """The database cannot be used: away, too new, or not migrated. The message says which."""


class DatabaseAway(DatabaseUnavailable):
    """Nothing answers at the address of the database; that may pass by itself."""


@dataclass(frozen=True, slots=True)
class Database:
    """An engine and its two kinds of transaction."""

    engine: Engine
    audit_key: bytes
    previous_audit_keys: tuple[bytes, ...] = ()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite rather than PostgreSQL."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One read-write transaction: committed at the end of the block, rolled back when it raises."""
        with Session(self.engine, expire_on_commit=False, info=self._info()) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One transaction that only reads; it takes no write lock and is rolled back at the end."""
        options: dict[str, Any] = {"nadir_read_only": True} if self.is_sqlite else {"postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection:
            with Session(connection, info=self._info()) as session:
                yield session
            connection.rollback()

    def _info(self) -> dict[str, Any]:
        return {"audit_key": self.audit_key, "previous_audit_keys": self.previous_audit_keys}

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def open_database(url: str, audit_key: bytes, previous_audit_keys: tuple[bytes, ...] = ()) -> Database:
    """Open SQLite or PostgreSQL at `url`; `audit_key` signs the audit rows its transactions write.

    Rows that were signed before a rotation are verified with `previous_audit_keys`.

    Nothing is contacted until the first transaction. Raises UnusableUrl for anything else.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UnusableUrl("NADIR_DATABASE_URL is no database URL; write sqlite:///file or postgresql://...") from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise UnusableUrl(f"NADIR_DATABASE_URL: {backend!r} is not supported; SQLite and PostgreSQL are")
    engine = _sqlite(parsed) if backend == "sqlite" else _postgresql(parsed)
    return Database(engine, audit_key, previous_audit_keys)


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT, 0o600))
    engine = create_engine(url, module=pysqlite3, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    if pysqlite3.sqlite_version_info < SAFE_SQLITE:
        log.warning(
            "SQLite %s can corrupt a write-ahead log (fixed in %s): writing without one, more slowly",
            pysqlite3.sqlite_version,
            ".".join(map(str, SAFE_SQLITE)),
        )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        cursor.execute(f"PRAGMA soft_heap_limit={CACHE_KB * 1024}")
        if pysqlite3.sqlite_version_info >= SAFE_SQLITE:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
        else:
            cursor.execute("PRAGMA journal_mode=DELETE")
            cursor.execute("PRAGMA synchronous=EXTRA")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        read_only = connection.get_execution_options().get("nadir_read_only", False)
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL) -> Engine:
    limits = (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS} "
        f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c timezone=UTC"
    )
    query = dict(url.query)
    query["options"] = f"{query.get('options', '')} {limits}".strip()
    engine = create_engine(url.set(drivername="postgresql+psycopg", query=query))

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: Any, record: Any) -> None:
        record.info[_USED] = monotonic()

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get(_USED, monotonic()) < IDLE_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise DisconnectionError("the connection was lost while nobody used it") from error

    return engine
