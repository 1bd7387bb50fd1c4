"""The nightly backup: a file a night, the newest kept, nothing without a folder, a failed run without a key."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from clinical.protocol import bundled_protocol
from data.backups import drill
from data.db import Database
from data.job_runs import last_done
from data.models import JobRun
from data.settings import Settings, SettingsError
from jobs.backup import KEPT
from jobs.scheduler import run_job
from jobs.watchdog import troubles


@pytest.fixture
def nightly(settings: Settings, tmp_path: Path) -> Settings:
    key = tmp_path / "backup.key"
    key.write_text("0123456789abcdefghijklmnopqrstuvwxyz")
    key.chmod(0o600)
    return settings.model_copy(update={"backup_dir": tmp_path / "backups", "backup_key_file": key})


def back_up(database: Database, settings: Settings, now: datetime) -> dict[str, object]:
    return run_job("backup", database, settings, bundled_protocol(), as_of=now, now=now)


def test_a_file_a_night_and_the_newest_are_kept(database: Database, nightly: Settings, now: datetime) -> None:
    folder = nightly.backup_dir
    assert folder is not None
    folder.mkdir()
    (folder / "letter.txt").write_text("not ours")
    for night in range(KEPT):
        (folder / f"nadir-2025-01-{night + 1:02}T0200.backup").write_text("old")
    counts = back_up(database, nightly, now)
    names = sorted(path.name for path in folder.glob("nadir-*.backup"))
    assert len(names) == KEPT and counts["removed"] == 1
    assert "nadir-2025-01-01T0200.backup" not in names
    assert (folder / "letter.txt").exists()
    report = drill(folder / names[-1], nightly.backup_key(), database.audit_key)
    assert report.rows == counts["rows"]
    assert (folder / names[-1]).stat().st_mode & 0o077 == 0


def test_without_a_folder_nothing_is_written(database: Database, settings: Settings, now: datetime) -> None:
    assert back_up(database, settings, now) == {"rows": 0, "removed": 0}


def test_without_a_key_the_run_has_failed_and_says_so(
    sqlite_database: Database, nightly: Settings, now: datetime
) -> None:
    keyless = nightly.model_copy(update={"backup_key_file": None})
    with pytest.raises(SettingsError, match="NADIR_BACKUP_KEY_FILE"):
        back_up(sqlite_database, keyless, now)
    with sqlite_database.read() as session:
        (run,) = session.scalars(select(JobRun).where(JobRun.job == "backup"))
        assert run.outcome == "failed" and "NADIR_BACKUP_KEY_FILE" in str(run.error)


def test_the_watchdog_misses_a_backup_after_a_day(sqlite_database: Database, nightly: Settings, now: datetime) -> None:
    back_up(sqlite_database, nightly, now)
    with sqlite_database.read() as session:
        assert last_done(session, "backup") is not None
        early = troubles(session, nightly, now=now + timedelta(hours=25))
        late = troubles(session, nightly, now=now + timedelta(hours=27))
    assert [line for line in early if "backup" in line] == []
    assert [line for line in late if "the last backup was made at" in line]
