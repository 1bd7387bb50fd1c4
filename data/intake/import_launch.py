"""Starting the process that works on an import: detached, so that it outlives the web worker that asked for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

from data.db import Database
from data.intake.import_jobs import next_task

_ROOT = Path(__file__).parents[2]


def start_waiting(database: Database, folder: Path, *, now: datetime) -> bool:
    """Start a process for the import that has waited longest or whose process died; False when none may start.

    The database and its key reach the process through a pipe: command lines and environments can be read by others.
    """
    with database.write() as session:
        task = next_task(session, now)
    if task is None:
        return False
    url = database.engine.url
    if database.is_sqlite and url.database:
        url = url.set(database=str(Path(url.database).resolve()))
    told = {
        "url": url.render_as_string(hide_password=False),
        "key": database.audit_key.hex(),
        "folder": str(folder.resolve()),
        "job": task.job,
        "attempt": task.attempt,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "data.intake.import_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=_ROOT,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )
    if process.stdin is not None:
        process.stdin.write(json.dumps(told).encode())
        process.stdin.close()
    threading.Thread(target=process.wait, name="import", daemon=True).start()
    return True
