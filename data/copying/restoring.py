"""Writing a copy into a database that holds nothing, and holding it against the digests of what was copied."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, delete, text, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.copying.frames import Damaged, Reader
from data.copying.rows import digest, fill, is_empty, tables
from data.errors import BadInput
from data.models import AuditHead, Gap, Outbox
from data.models import Session as SignIn
from data.people import Actor

UNDER_WAY: Final = ("pending", "retry", "sending")
Totals = dict[str, tuple[int, str]]


class NotEmpty(BadInput):
    """A database that already holds something."""


def require_empty(connection: Connection) -> None:
    """Raises NotEmpty when a table of the connection's database holds a row."""
    if not is_empty(connection):
        raise NotEmpty("the database is not empty")


def empty(connection: Connection) -> None:
    """Remove every row of a PostgreSQL database, those that nobody may change too."""
    names = [f'"{table.name}"' for table in tables()]
    for name in names:
        connection.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
    connection.execute(text(f"TRUNCATE {', '.join(names)}"))
    for name in names:
        connection.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))


def begin(connection: Connection) -> None:
    """Take away what migrations alone put into an empty database."""
    connection.execute(delete(AuditHead))


def pour(connection: Connection, reader: Reader) -> Totals:
    """Write all that the reader holds and read it back; the counts and digests. Raises Damaged where they differ."""
    known = {table.name: table for table in tables()}
    begin(connection)
    for name, columns, chunks in reader.parts():
        if name not in known or columns != tuple(column.name for column in known[name].columns):
            raise Damaged(f"the backup holds a table {name!r} that this program does not know so")
        fill(connection, known[name], chunks)
    compare(connection, reader.foot.tables)
    return reader.foot.tables


def compare(connection: Connection, totals: Totals) -> None:
    """Raises Damaged naming the first table whose rows are not those of `totals`."""
    for table in tables():
        found, wanted = digest(connection, table), totals.get(table.name)
        if wanted is None or found != tuple(wanted):
            rows = "no" if wanted is None else wanted[0]
            raise Damaged(f"table {table.name} holds {found[0]} rows that are not the {rows} copied")


def settle(session: Session, actor: Actor, *, made_at: datetime, now: datetime, file: str, rows: int) -> int:
    """Make a restored database safe to go on with; how many mails are held.

    A mail that was under way when the backup was made may have gone out since: a person decides about it. Who was
    signed in signs in again. The time since the backup is a stretch without surveillance.
    """
    held = session.execute(
        update(Outbox)
        .where(Outbox.state.in_(UNDER_WAY))
        .values(
            state="held",
            last_error=f"held: from a backup of {made_at.isoformat(timespec='seconds')}, it may have been sent since",
            lease_until=None,
            lease_token=None,
        )
        .returning(Outbox.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(update(SignIn).where(SignIn.ended_at.is_(None)).values(ended_at=now))
    session.add(Gap(from_at=made_at, to_at=now, reason="restored from a backup"))
    write_audit(
        session,
        actor,
        "backup.restore",
        now=now,
        object=f"backup {file}",
        detail={"made_at": made_at.isoformat(), "rows": rows, "held_mails": len(held), "restore": str(uuid4())},
    )
    return len(held)
