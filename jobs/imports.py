"""Imports of the import page that nobody works on: begun again, whoever looks or does not; old uploads are removed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from data.db import Database
from data.intake.import_jobs import expire
from data.intake.import_launch import start_waiting
from data.intake.uploads import remove_old
from jobs.runs import Counts, Fence


def tend_imports(database: Database, folder: Path, *, now: datetime, fence: Fence) -> Counts:
    """Start a process for every import that waits or whose process died, as many as may run at once.

    `folder` is where uploads lie; where this machine does not reach it, nothing is done: the imports could only fail.
    """
    if not folder.is_dir():
        return {"started": 0, "removed": 0}
    with database.write() as session:
        expire(session, now)
        fence(session)
    removed = remove_old(folder, now)
    started = 0
    while start_waiting(database, folder, now=now):
        started += 1
    return {"started": started, "removed": removed}
