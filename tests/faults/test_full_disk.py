"""A disk of PostgreSQL that is really full: a message is not acknowledged, nothing of it stays, the retry succeeds.

The table of messages lies on a disk of two megabytes (tmpfs), which needs the right to mount.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from data.audit import verify
from data.db import Database
from data.models import Hl7Message, Record
from data.patients import add_patient
from data.people import Actor
from tests.jobs.mllp_sender import Laboratory, oru, receiving

pytestmark = [pytest.mark.alone, pytest.mark.faults]

SYSTEM = Actor.system("test")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DISK = 2 * 1024 * 1024


@pytest.fixture
def disk(postgresql_database: Database) -> Iterator[Path]:
    """A disk of `DISK` bytes that the server may write to, with the table of messages on it."""
    with tempfile.TemporaryDirectory(prefix="disk-", dir="/tmp") as folder:
        path = Path(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(path)], check=True)
        try:
            owner = _owner(postgresql_database)
            os.chown(path, owner.st_uid, owner.st_gid)
            _maintain(postgresql_database, f"CREATE TABLESPACE small LOCATION '{path}'")
            _maintain(postgresql_database, "ALTER TABLE hl7_message SET TABLESPACE small")
            yield path
            _maintain(postgresql_database, "ALTER TABLE hl7_message SET TABLESPACE pg_default")
            _maintain(postgresql_database, "DROP TABLESPACE small")
        finally:
            subprocess.run(["umount", str(path)], check=True)


def test_while_the_disk_is_full_nothing_is_acknowledged_and_the_retry_succeeds(
    postgresql_database: Database, disk: Path
) -> None:
    database = postgresql_database
    with database.write() as session:
        born = date(1970, 1, 1)
        add_patient(session, SYSTEM, mrn="M-1", name=None, birth_date=born, sex=None, teams=[], now=NOW)
    filling = disk / "filling"
    with receiving(database) as port:
        with Laboratory(port) as laboratory:
            assert laboratory.say(oru("A-1")) == ("AA", "A-1")
        fill(filling)
        large = oru("A-2", value="900", filler="F200") + b"NTE|1||" + random.Random(1).randbytes(200_000).hex().encode()
        with Laboratory(port) as laboratory:
            assert laboratory.say(large) in (None, ("AE", "A-2"))
        assert (stored(database, Record), stored(database, Hl7Message)) == (1, 1)
        filling.unlink()
        with Laboratory(port) as laboratory:
            assert laboratory.say(large) == ("AA", "A-2")
    assert (stored(database, Record), stored(database, Hl7Message)) == (2, 2)
    with database.read() as session:
        assert verify(session).ok


def fill(file: Path) -> None:
    """Write to `file` until its disk takes no more."""
    with pytest.raises(OSError, match="No space left"):
        while True:
            with file.open("ab", buffering=0) as end:
                end.write(b"x" * 4096)


def stored(database: Database, table: type[Record] | type[Hl7Message]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _owner(database: Database) -> os.stat_result:
    with database.read() as session:
        return Path(str(session.scalar(text("SHOW data_directory")))).stat()


def _maintain(database: Database, statement: str) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
