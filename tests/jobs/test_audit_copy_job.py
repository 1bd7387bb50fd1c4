"""The job that copies the audit trail: with a file named, and the watchdog says when it cannot."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from clinical.protocol import bundled_protocol
from data.audit_copy import CopyBroken
from data.db import Database
from data.errors import BadInput
from data.people import Actor, add_team
from data.settings import Settings
from jobs.scheduler import run_job
from jobs.watchdog import LONGEST_UNCOPIED, troubles

SYSTEM = Actor.system("test")


@pytest.fixture
def copying(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"audit_copy_file": tmp_path / "trail.jsonl"})


def copy(database: Database, settings: Settings, now: datetime) -> dict[str, object]:
    return run_job("audit-copy", database, settings, bundled_protocol(), as_of=now, now=now)


def copies_in_trouble(database: Database, settings: Settings, now: datetime) -> list[str]:
    with database.read() as session:
        return [line for line in troubles(session, settings, now=now) if "copied" in line]


def test_rows_are_copied_and_a_copy_that_falls_behind_is_said(
    database: Database, copying: Settings, now: datetime
) -> None:
    with database.write() as session:
        add_team(session, SYSTEM, "North", now=now)
    assert copy(database, copying, now) == {"copied": 1}
    path, late = copying.audit_copy_file, now + LONGEST_UNCOPIED + timedelta(seconds=1)
    assert path is not None
    assert copies_in_trouble(database, copying, now + LONGEST_UNCOPIED) == []
    path.write_bytes(path.read_bytes().replace(b'"mac": "', b'"mac": "x'))
    with pytest.raises(CopyBroken, match="not that row of this trail"):
        copy(database, copying, late)
    said = "the audit trail was last copied at 2026-03-02T09:00+00:00: see nadir jobs status"
    assert copies_in_trouble(database, copying, late) == [said]


def test_without_a_file_there_is_no_such_job(sqlite_database: Database, settings: Settings, now: datetime) -> None:
    with pytest.raises(BadInput, match="the jobs are"):
        copy(sqlite_database, settings, now)
    assert copies_in_trouble(sqlite_database, settings, now) == []
