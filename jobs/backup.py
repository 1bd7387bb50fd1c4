"""The nightly backup: a file a night in the folder of the settings, of which the newest are kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from data.backups import back_up
from data.db import Database
from data.people import Actor
from data.settings import Settings
from jobs.runs import Counts, Fence

KEPT: Final = 14
PATTERN: Final = "nadir-????-??-??T????.backup"


def back_up_nightly(database: Database, settings: Settings, *, now: datetime, fence: Fence) -> Counts:
    """Write a backup and remove those beyond the newest KEPT; nothing where no folder is set.

    Raises SettingsError without a key, OSError where the file cannot be written.
    """
    folder = settings.backup_dir
    if folder is None:
        return {"rows": 0, "removed": 0}
    with database.write() as session:
        fence(session)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"nadir-{now.astimezone(settings.zone):%Y-%m-%dT%H%M}.backup"
    report = back_up(database, file, settings.backup_key(), Actor.system("backup"), now=now)
    removed = _remove_old(folder)
    return {"rows": report.rows, "bytes": file.stat().st_size, "removed": removed}


def _remove_old(folder: Path) -> int:
    """By name, which begins with the date: a copied or touched file is as old as what is in it."""
    old = sorted(folder.glob(PATTERN), reverse=True)[KEPT:]
    for file in old:
        file.unlink()
    return len(old)
