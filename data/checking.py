"""Is the database whole: tables, files, audit chain, what must add up, and how PostgreSQL is set and used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from data.audit import verify
from data.db import Database
from data.freshness import sweep_limit_s
from data.invariants import broken_invariants
from data.least_rights import role_troubles
from data.migrate import check
from data.settings import Settings

DURABLE: Final = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_write", "remote_apply", "local"),
}


def check_database(database: Database, settings: Settings, *, now: datetime) -> list[str]:
    """What is wrong, a line each; an empty list is good. It reads the whole audit trail.

    Rights of the role are looked at in production alone: elsewhere one role may do everything. Raises
    DatabaseUnavailable where the tables are not those of this program.
    """
    lines = check(database)
    with database.read() as session:
        audit = verify(session)
        if not audit.ok:
            lines.append(f"audit row {audit.first_bad}: {audit.why}")
        lines += broken_invariants(session, longest_lag=timedelta(seconds=sweep_limit_s(settings.sweep_s)), now=now)
        if not database.is_sqlite:
            lines += _unsafe_settings(session.connection())
            if settings.environment == "production":
                lines += role_troubles(session.connection())
    return lines


def _unsafe_settings(connection: Connection) -> Iterator[str]:
    """Settings under which what was acknowledged may be gone after the power was."""
    for name, safe in DURABLE.items():
        value = connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()
        if value not in safe:
            yield f"PostgreSQL runs with {name} = {value}: what was saved may be lost when the power goes"
