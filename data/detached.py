"""Starting a process in a session of its own: it outlives the web worker that asked for it (decision 0013)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.db import Database

_ROOT = Path(__file__).parents[1]


def start_detached(module: str, database: Database, told: Mapping[str, Any]) -> None:
    """Run `python -m module`, with `told` and where the database is as one JSON document (`url`, `key`) on its input.

    The database and its key reach the process through a pipe: command lines and environments can be read by others.
    """
    url = database.engine.url
    if database.is_sqlite and url.database:
        url = url.set(database=str(Path(url.database).resolve()))
    access = {"url": url.render_as_string(hide_password=False), "key": database.audit_key.hex()}
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=_ROOT,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )
    if process.stdin is not None:
        process.stdin.write(json.dumps({**access, **told}).encode())
        process.stdin.close()
    threading.Thread(target=process.wait, name=module, daemon=True).start()
