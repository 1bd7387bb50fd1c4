"""The printable lists for when Nadir is away, made every night by a process of its own.

Drawing some thousand pages takes minutes of a processor, which the scheduler needs for sweeps; and what draws belongs
to the pages, which no job knows. So the job starts the command that a person would.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from data.db import Database
from data.settings import Settings
from jobs.runs import Counts, Fence

LONGEST_S: Final = 3600


class ListsNotMade(RuntimeError):
    """The process that makes the lists has failed; the message is its last line."""


def print_downtime_lists(database: Database, settings: Settings, *, fence: Fence) -> Counts:
    """Make the lists of every team; nothing where no folder is set. Raises ListsNotMade."""
    if settings.downtime_dir is None:
        return {"lists": 0, "patients": 0, "removed": 0}
    with database.write() as session:
        fence(session)
    command = [sys.executable, "-m", "nadir", "downtime", "lists", "--json"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ListsNotMade(f"the lists took longer than {LONGEST_S} s") from error
    if ran.returncode != 0:
        raise ListsNotMade((ran.stderr.strip().splitlines() or ["it said nothing"])[-1])
    counts: Counts = json.loads(ran.stdout)
    return counts
