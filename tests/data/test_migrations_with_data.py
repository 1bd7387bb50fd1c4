"""Down to the first tables and up again with a clinic in them: what those tables hold is there afterwards as it was."""

from __future__ import annotations

from alembic.script import ScriptDirectory
from sqlalchemy import text

from data.audit import verify
from data.copying.rows import digest
from data.db import Database
from data.migrate import _scripts, check, downgrade, upgrade
from data.models import Base
from tests.data.test_backups import fill

KEPT = ("patient", "record", "flag_history", "audit", "ingest", "ingest_patient", "batch", "team")
"""Tables to which no later revision has added what a way down would drop."""
LOWEST = "0006"


def test_each_step_down_and_all_of_them_up_lose_nothing(database: Database) -> None:
    fill(database)
    before, mails = contents(database), message_ids(database)
    scripts: ScriptDirectory = _scripts()
    for script in scripts.walk_revisions():
        if script.revision == LOWEST:
            break
        downgrade(database, str(script.down_revision))
    upgrade(database)
    assert check(database) == []
    after = contents(database)
    assert {name for name in KEPT if before[name] != after[name]} == set()
    assert message_ids(database) == mails
    with database.read() as session:
        assert verify(session).ok


def contents(database: Database) -> dict[str, tuple[int, str]]:
    with database.engine.connect() as connection:
        return {name: digest(connection, Base.metadata.tables[name]) for name in KEPT}


def message_ids(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        return [(id, state) for id, state in session.execute(text("SELECT message_id, state FROM outbox ORDER BY 1"))]
