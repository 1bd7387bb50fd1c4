"""A lock that dies with the process that holds it: a PostgreSQL advisory lock, or flock on a file beside SQLite.

It frees itself at `kill -9`, so a standby need not wait for the lease; SIGSTOP does not free it, so the lease decides.
"""

from __future__ import annotations

import fcntl
import os
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from data.db import Database

KEEPALIVE = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


class ProcessLock(Protocol):
    """What both kinds of lock can do."""

    def acquire(self) -> bool:
        """Take the lock, or keep it; False when another process has it. Never waits."""

    def release(self) -> None:
        """Give the lock back, if it is held."""


def process_lock(database: Database, name: str) -> ProcessLock:
    """The lock `name` of this database, not taken yet. Raises ValueError for SQLite without a file."""
    if not database.is_sqlite:
        return AdvisoryLock(database, name)
    path = database.engine.url.database
    if not path or path == ":memory:":
        raise ValueError("SQLite without a file cannot be shared by processes: there is nothing to lock")
    return FileLock(Path(f"{path}.{name}.lock"))


class FileLock:
    """flock on `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class AdvisoryLock:
    """A session-level advisory lock on a connection of its own: a pooled one would keep the lock after `close()`."""

    def __init__(self, database: Database, name: str) -> None:
        self._engine = create_engine(
            database.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=KEEPALIVE
        )
        self._key = int.from_bytes(sha256(f"nadir {name}".encode()).digest()[:8], signed=True)
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except SQLAlchemyError:
                self.release()  # the server ended the session, and with it the lock
            else:
                return True
        connection = self._engine.connect()
        if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}).scalar_one():
            self._connection = connection
            return True
        connection.close()
        return False

    def release(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()
