"""Backups: one sealed file with every row, made while everybody works, restored whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.audit import verify, write_audit
from data.copying.frames import Damaged, Reader, write
from data.copying.restoring import Totals, empty, pour, require_empty, settle
from data.copying.rows import at_one_moment, unlimited
from data.copying.sealing import sealed, unsealed
from data.db import Database, open_database
from data.migrate import head_revision, require_current, upgrade
from data.people import Actor


@dataclass(frozen=True, slots=True)
class Report:
    """What was backed up or restored: by table its rows; mails held for a person, where some were."""

    file: str
    made_at: datetime
    revision: str
    tables: dict[str, int]
    held_mails: int = 0

    @property
    def rows(self) -> int:
        """All rows together."""
        return sum(self.tables.values())

    def as_json(self) -> dict[str, Any]:
        """The same as a document."""
        return {**msgspec.to_builtins(self), "rows": self.rows}


def back_up(database: Database, file: Path, secret: bytes, actor: Actor, *, now: datetime) -> Report:
    """Write every row as it is at this moment to a new file that only `secret` opens, and put it on the audit trail.

    Raises FileExistsError, and OSError where the file cannot be written; then there is none.
    """
    revision = head_revision()
    with at_one_moment(database) as connection, sealed(file, secret) as out:
        totals = write(out, connection, made_at=now, revision=revision)
    report = Report(file.name, now, revision, _counts(totals))
    with database.write() as session:
        detail = {"rows": report.rows, "bytes": file.stat().st_size}
        write_audit(session, actor, "backup.make", now=now, object=f"backup {file.name}", detail=detail)
    return report


def restore(database: Database, file: Path, secret: bytes, actor: Actor, *, replace: bool, now: datetime) -> Report:
    """Put the rows of a backup into the database, all or none.

    Raises Damaged for a file that is not whole or not readable with `secret`, or is of another revision than this
    program's; NotEmpty where something is there and `replace` is False. Then the database is as it was.
    """
    with _opened(file, secret) as reader:
        if database.is_sqlite:
            totals, held = _restore_sqlite(database, reader, file, actor, replace=replace, now=now)
        else:
            totals, held = _restore_postgresql(database, reader, file, actor, replace=replace, now=now)
        return Report(file.name, reader.head.made_at, reader.head.revision, _counts(totals), held)


def drill(file: Path, secret: bytes, audit_key: bytes, previous_audit_keys: tuple[bytes, ...] = ()) -> Report:
    """Restore a backup into a scratch database that is thrown away, and hold rows and audit chain against it.

    Raises Damaged as `restore`, and where the audit chain in it does not hold.
    """
    with _opened(file, secret) as reader, tempfile.TemporaryDirectory() as folder:
        scratch = open_database(f"sqlite:///{folder}/drill.db", audit_key, previous_audit_keys)
        try:
            upgrade(scratch)
            with scratch.engine.begin() as connection:
                totals = pour(connection, reader)
            with scratch.read() as session:
                chain = verify(session)
        finally:
            scratch.close()
        if not chain.ok:
            raise Damaged(f"{file}: the audit chain in it does not hold: {chain.why}")
        return Report(file.name, reader.head.made_at, reader.head.revision, _counts(totals))


@contextmanager
def _opened(file: Path, secret: bytes) -> Iterator[Reader]:
    with unsealed(file, secret) as content:
        reader = Reader(content)
        if reader.head.revision != head_revision():
            raise Damaged(
                f"{file}: the backup is of tables at {reader.head.revision}, this program's are at {head_revision()}: "
                "restore it with the version that made it, then upgrade"
            )
        yield reader


def _restore_sqlite(
    database: Database, reader: Reader, file: Path, actor: Actor, *, replace: bool, now: datetime
) -> tuple[Totals, int]:
    """Beside the database first; only what was found whole is copied over it, in one transaction of SQLite's."""
    place = Path(str(database.engine.url.database)).resolve()
    if not replace and _has_tables(database):
        require_current(database)
        with database.read() as session:
            require_empty(session.connection())
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".restoring-") as folder:
        scratch = open_database(f"sqlite:///{folder}/nadir.db", database.audit_key)
        try:
            upgrade(scratch)
            with scratch.write() as session:
                totals = pour(session.connection(), reader)
                held = _settle(session, reader, file, actor, totals, now)
            _copy_pages(scratch, database)
        finally:
            scratch.close()
    return totals, held


def _restore_postgresql(
    database: Database, reader: Reader, file: Path, actor: Actor, *, replace: bool, now: datetime
) -> tuple[Totals, int]:
    upgrade(database)
    with database.write() as session:
        connection = session.connection()
        unlimited(connection)
        if replace:
            empty(connection)
        else:
            require_empty(connection)
        totals = pour(connection, reader)
        held = _settle(session, reader, file, actor, totals, now)
    return totals, held


def _settle(session: Session, reader: Reader, file: Path, actor: Actor, totals: Totals, now: datetime) -> int:
    rows = sum(_counts(totals).values())
    return settle(session, actor, made_at=reader.head.made_at, now=now, file=file.name, rows=rows)


def _copy_pages(source: Database, target: Database) -> None:
    with source.engine.connect() as ours, target.engine.connect() as theirs:
        ours.connection.driver_connection.backup(theirs.connection.driver_connection)  # type: ignore[union-attr]


def _has_tables(database: Database) -> bool:
    with database.engine.connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one())


def _counts(totals: Totals) -> dict[str, int]:
    return {table: rows for table, (rows, _) in totals.items()}
