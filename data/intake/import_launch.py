"""Starting the process that works on an import: detached, so that it outlives the web worker that asked for it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from data.db import Database
from data.detached import start_detached
from data.intake.import_jobs import next_task


def start_waiting(database: Database, folder: Path, *, now: datetime) -> bool:
    """Start a process for the import that has waited longest or whose process died; False when none may start."""
    with database.write() as session:
        task = next_task(session, now)
    if task is None:
        return False
    told = {"folder": str(folder.resolve()), "job": task.job, "attempt": task.attempt}
    start_detached("data.intake.import_child", database, told)
    return True
