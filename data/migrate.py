"""Bring the tables of a database to the revision this program knows, and tell when they are not.

A migration runs in one transaction on both databases: killed in the middle, it leaves the old schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from data.db import Database, DatabaseUnavailable, open_database
from data.models import Base

# Any number will do as long as every migrator takes the same one.
MIGRATION_LOCK = 4_711_060_301


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate up to `revision`. Raises DatabaseUnavailable when the database is away or newer than this program."""
    with _transaction(database) as connection:
        _refuse_unknown(_current(connection))
        _run(connection, lambda config: command.upgrade(config, revision))


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to `revision` (`base` removes everything). Raises as `upgrade`, ValueError for no such revision."""
    with _transaction(database) as connection:
        _refuse_unknown(_current(connection))
        try:
            _run(connection, lambda config: command.downgrade(config, revision))
        except CommandError as error:
            raise ValueError(f"no revision {revision!r} to go down to") from error


def require_current(database: Database) -> None:
    """Do nothing when the tables are those this program knows; else raise DatabaseUnavailable saying what to do."""
    try:
        with database.engine.connect() as connection:
            current = _current(connection)
    except OperationalError as error:
        raise DatabaseUnavailable(f"the database cannot be reached: {error.orig}") from error
    _refuse_unknown(current)
    head = head_revision()
    if current != head:
        raise DatabaseUnavailable(f"the tables are at {current or 'nothing'}, not at {head}: run `nadir db upgrade`")


def head_revision() -> str:
    """The revision of the tables that this program knows."""
    head = _scripts().get_current_head()
    if head is None:
        raise RuntimeError("the program holds no migration")
    return head


def has_tables(url: str) -> bool:
    """Whether a database at `url` was ever migrated; makes none. Raises DatabaseUnavailable where it is away."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not (parsed.database and Path(parsed.database).is_file()):
        return False
    database = open_database(url, b"")
    try:
        with database.engine.connect() as connection:
            return _current(connection) is not None
    except OperationalError as error:
        raise DatabaseUnavailable(f"the database cannot be reached: {error.orig}") from error
    finally:
        database.close()


def check(database: Database) -> list[str]:
    """What is wrong with the schema and the files below it, one line each; an empty list is good.

    Raises DatabaseUnavailable as `require_current`.
    """
    require_current(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        faults = [
            f"the tables differ from the program: {difference}"
            for difference in compare_metadata(context, Base.metadata)
        ]
        if database.is_sqlite:
            answers = connection.execute(text("PRAGMA integrity_check")).scalars()
            faults += [f"integrity: {answer}" for answer in answers if answer != "ok"]
            broken = connection.execute(text("PRAGMA foreign_key_check")).all()
            faults += [f"row {row[1]} of {row[0]} points at a row of {row[2]} that is not there" for row in broken]
        connection.rollback()
    return faults


@contextmanager
def _transaction(database: Database) -> Iterator[Connection]:
    try:
        with database.engine.begin() as connection:
            if not database.is_sqlite:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            yield connection
    except OperationalError as error:
        raise DatabaseUnavailable(f"the database cannot be migrated: {error.orig}") from error


def _run(connection: Connection, action: Callable[[Config], None]) -> None:
    config = _config()
    config.attributes["connection"] = connection
    action(config)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_unknown(current: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if current is not None and current not in known:
        raise DatabaseUnavailable(
            f"the tables are at {current}, which this program does not know: it is too old for them"
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "data:migrations")
    return config
