"""The process that tries a draft on every patient, within limits of memory and time; it may be killed at any moment."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from clinical.protocol import Protocol, load_protocol
from data.db import Database, open_database
from data.dry_run import CHUNK, try_patients
from data.models import Patient
from data.protocol.drafts import tried_protocol
from data.protocol.in_force import protocol_in_force
from data.protocol.trials import Trial, begin, finish, give_up, trial_of, write_chunk
from data.survivors import not_merged

MEMORY: Final = 1536 * 1024 * 1024
CPU_SECONDS: Final = 4 * 3600
NICENESS: Final = 10

log = logging.getLogger("nadir.protocol")


def main() -> None:
    """Do the work that standard input names."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    told = json.load(sys.stdin)
    database = open_database(told["url"], bytes.fromhex(told["key"]))
    file = told["protocol_file"]
    base = load_protocol(None if file is None else Path(file), jurisdiction=told["jurisdiction"])
    work(database, base, Trial(told["draft"], told["attempt"]), _now)


def work(database: Database, base: Protocol, trial: Trial, clock: Callable[[], datetime]) -> None:
    """Try the draft as of now and write what came of it, whatever happens."""
    try:
        _try_on_all(database, base, trial, clock)
    except MemoryError:
        _give_up(database, trial, f"It needs more than {MEMORY // 1024 // 1024} MB of memory.")
    except Exception as error:  # whatever it is, the person who waits must hear that it ended
        log.exception("trial failed")
        _give_up(database, trial, f"It ended with a fault of the program ({type(error).__name__}).")


def _try_on_all(database: Database, base: Protocol, trial: Trial, clock: Callable[[], datetime]) -> None:
    now = clock()
    with database.read() as session:
        draft = trial_of(session, trial)
        if draft is None:
            return
        in_force = protocol_in_force(session, base)
        tried = tried_protocol(in_force, draft.changes)
        ids = session.scalars(select(Patient.id).where(not_merged()).order_by(Patient.id)).all()
    with database.write() as session:
        wanted = begin(session, trial, patients=len(ids), now=clock())
    outcome = {"patients": len(ids), "failed": 0, "broken": 0}
    for at in range(0, len(ids), CHUNK):
        if not wanted:
            return
        with database.read() as session:
            found = list(try_patients(session, ids[at : at + CHUNK], in_force=in_force, trial=tried, now=now))
        outcome["failed"] += sum(one.failure is not None and not one.broken for one in found)
        outcome["broken"] += sum(one.broken for one in found)
        with database.write() as session:
            wanted = write_chunk(session, trial, found, done=at + len(found), now=clock())
    with database.write() as session:
        finish(session, trial, outcome, in_force=in_force, tried=tried, now=clock())


def _give_up(database: Database, trial: Trial, why: str) -> None:
    with database.write() as session:
        give_up(session, trial, why)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
