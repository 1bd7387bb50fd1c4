"""The process that works on one import, within limits of memory and time, and may be killed at any moment.

A preview is the import itself as a dry run. On SQLite it runs over a copy of the database, because a dry run holds the
only write lock from its first row to its last.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysqlite3

from data.db import Database, open_database
from data.errors import BadInput
from data.intake.batch import import_sources
from data.intake.import_jobs import Task, beat, finish, work_of
from data.intake.import_launch import start_waiting
from data.intake.options import ImportOptions
from data.intake.preview import Account
from data.intake.uploads import remove, sources
from data.models import ImportJob
from data.people import Actor, Forbidden, NotFound

MEMORY = 1536 * 1024 * 1024
CPU_SECONDS = 900
BEAT_S = 1.0
NICENESS = 10

log = logging.getLogger("nadir.import")


def main() -> None:
    """Do the work that standard input names."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    told = json.load(sys.stdin)
    database = open_database(told["url"], bytes.fromhex(told["key"]))
    folder = Path(told["folder"])
    work(database, folder, Task(told["job"], told["attempt"]))
    start_waiting(database, folder, now=_now())


def work(database: Database, folder: Path, task: Task) -> None:
    """Work on a task and write how it ended, whatever happens."""
    try:
        with database.read() as session:
            found = work_of(session, task)
        if found is None:
            return
        job, actor = found
        account = Account()
        with _beating(database, task, account):
            step = _preview if job.state == "previewing" else _import
            step(database, folder, task, job, actor, account)
    except (BadInput, NotFound, Forbidden) as error:
        _end(database, task, "refused", f"{error}")
    except MemoryError:
        _end(database, task, "broken", f"It needs more than {MEMORY // 1024 // 1024} MB of memory; send it in parts.")
    except Exception as error:  # whatever it is, the person who waits must hear that it ended
        log.exception("import failed")
        _end(database, task, "broken", f"It ended with a fault of the program ({type(error).__name__}).")


def _preview(database: Database, folder: Path, task: Task, job: ImportJob, actor: Actor, account: Account) -> None:
    files = sources(folder, job.id, job.files)
    with _scratch(database, folder / job.id) as copy:
        summary = import_sources(copy, actor, files, now=_now(), watch=account.watch, **_options(job, dry_run=True))
    with database.read() as session:
        preview = account.document(session, actor, summary, mrn=job.options.get("mrn"))
    with database.write() as session:
        finish(session, task, "previewed", now=_now(), preview=preview)


def _import(database: Database, folder: Path, task: Task, job: ImportJob, actor: Actor, account: Account) -> None:
    files = sources(folder, job.id, job.files)
    summary = import_sources(database, actor, files, now=_now(), watch=account.watch, **_options(job, dry_run=False))
    with database.read() as session:
        document = account.document(session, actor, summary, mrn=job.options.get("mrn"))
    with database.write() as session:
        done = finish(session, task, "imported", now=_now(), summary=document)
    if done:
        remove(folder, job.id)


def _options(job: ImportJob, *, dry_run: bool) -> ImportOptions:
    options = job.options
    return {
        "team": options.get("team"),
        "mrn": options.get("mrn"),
        "date_order": options.get("date_order"),
        "zone": options.get("zone"),
        "batch_id": None if dry_run else job.batch_id,
        "dry_run": dry_run,
    }


def _end(database: Database, task: Task, state: str, why: str) -> None:
    with database.write() as session:
        finish(session, task, state, now=_now(), why=why)


@contextmanager
def _beating(database: Database, task: Task, account: Account) -> Iterator[None]:
    """Say every second that this process lives; end it at once when the job is not its any more."""
    over = threading.Event()

    def keep() -> None:
        while not over.wait(BEAT_S):
            try:
                with database.write() as session:
                    ours = beat(session, task, read=account.read, now=_now())
            except Exception as error:  # the next beat tries again; silence is what is heeded
                log.warning("no beat: %s", type(error).__name__)
                continue
            if not ours and not over.is_set():
                os._exit(0)

    keeper = threading.Thread(target=keep, name="beat", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


@contextmanager
def _scratch(database: Database, place: Path) -> Iterator[Database]:
    """Where a dry run may write: a copy of a SQLite database, the database itself on PostgreSQL."""
    if not database.is_sqlite:
        yield database
        return
    file = place / "preview.db"
    file.unlink(missing_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    target: Any = pysqlite3.connect(str(file))
    source: Any = pysqlite3.connect(str(database.engine.url.database))
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    copy = open_database(f"sqlite:///{file}", database.audit_key)
    try:
        yield copy
    finally:
        copy.close()
        for left in place.glob("preview.db*"):
            left.unlink(missing_ok=True)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
