"""There is no room on the disk for scheduler, sender and receiver: nothing is acknowledged or sent that cannot be
noted, and with room again everything goes on by itself."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError

from bench.at_work import NUMBERS_OF
from data.audit import verify
from data.db import Database, open_database
from data.migrate import upgrade
from data.models import Flag, Hl7Message, Outbox, Patient
from tests.faults.conftest import Cohort, Site, wait_until
from tests.faults.test_full_disk import fill
from tests.jobs.mllp_sender import Laboratory, free_port, oru, wait_for

pytestmark = [pytest.mark.alone, pytest.mark.faults]

DISK = 24 * 1024 * 1024
WITHOUT_S, AGAIN_S = 8.0, 30.0
PID = f"PID|1||P000^^^{NUMBERS_OF}^MR"
NoRoom = Callable[[list[int]], AbstractContextManager[None]]


@contextmanager
def no_file_may_grow(pids: list[int]) -> Iterator[None]:
    """`prlimit --fsize=0` on each process."""
    before = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
    for pid, (_, hard) in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    yield
    for pid, limits in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@pytest.fixture(params=["limit", "disk"])
def no_room(request: pytest.FixtureRequest, tmp_path: Path, audit_key: bytes) -> Iterator[tuple[Database, NoRoom]]:
    """A database, and what takes the room away from the processes: their limit, or the disk (tmpfs) it lies on."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "disk":
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True)

    @contextmanager
    def disk_is_full(_pids: list[int]) -> Iterator[None]:
        fill(folder / "filling")
        yield
        (folder / "filling").unlink()

    database = open_database(f"sqlite:///{folder}/nadir.db", audit_key)
    try:
        upgrade(database)
        yield database, disk_is_full if request.param == "disk" else no_file_may_grow
    finally:
        database.close()
        if request.param == "disk":
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.timeout(300)
def test_nothing_is_sent_or_acknowledged_without_room_and_all_goes_on_with_it(
    no_room: tuple[Database, NoRoom], site_of: Callable[[Database], Site]
) -> None:
    database, without = no_room
    site, port = site_of(database), free_port()
    cohort = Cohort(database, 10, datetime.now(UTC))
    with database.write() as session:
        session.execute(update(Patient).values(mrn_system=NUMBERS_OF))
    processes = [site.start("scheduler"), site.start("sender"), site.start("mllp", "--port", str(port))]
    for process in processes[:2]:
        assert wait_until(lambda started=process: site.at_work(started), 60)
    wait_for(port, seconds=60)
    assert say(port, "A-1") == ("AA", "A-1")
    assert wait_until(lambda: quiet(database), 60), "the first runs do not end"
    pids = [process.pid for process in processes]
    assert wait_until(lambda: stopped(database, pids), 60), "one of them always holds the write lock"
    delivered = len(site.mail_server.delivered)
    cohort.rise(cohort.patient_ids)
    write_back(database)
    with without(pids):
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        answered = [say(port, "A-2")]
        time.sleep(WITHOUT_S)
        answered.append(say(port, "A-2"))
        assert set(answered) <= {None, ("AE", "A-2")}, "acknowledged without room to keep it"
        assert (count(database, Hl7Message), risen(database)) == (1, 0)
        assert len(site.mail_server.delivered) == delivered
    assert wait_until(lambda: say(port, "A-2") == ("AA", "A-2"), AGAIN_S)
    assert wait_until(lambda: risen(database) == 10 and quiet(database), AGAIN_S), site.log("scheduler")[-2000:]
    assert [process.poll() for process in processes] == [None] * 3
    with database.read() as session:
        mails = session.scalars(select(Outbox.message_id).where(Outbox.kind == "immediate")).all()
        assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert verify(session).ok
    copies = site.mail_server.copies()
    assert mails and all(copies[id] == 1 for id in mails)


def say(port: int, id: str) -> tuple[str, str] | None:
    with Laboratory(port) as laboratory:
        return laboratory.say(oru(id, filler=id, pid=PID))


def quiet(database: Database) -> bool:
    """Whether no run is under way and no mail waits."""
    with database.read() as session:
        under_way = session.execute(text("SELECT count(*) FROM job_run WHERE finished_at IS NULL AND job <> 'sweep'"))
        waiting = select(func.count()).where(Outbox.kind != "digest", Outbox.state.in_(("pending", "sending", "retry")))
        return under_way.scalar_one() == 0 and session.scalar(waiting) == 0


def risen(database: Database) -> int:
    """How many flags of the rise there are."""
    with database.read() as session:
        return session.scalar(select(func.count()).where(Flag.rule == "R03")) or 0


def count(database: Database, table: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def stopped(database: Database, pids: list[int]) -> bool:
    """Stop the processes; where one holds the write lock they go on, and the answer is no."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with database.write():
            return True
    except OperationalError:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        return False


def write_back(database: Database) -> None:
    """Empty the write-ahead log, so that the next write needs room."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
        raw: Any = connection.connection.driver_connection
        assert wait_until(lambda: raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, 20)
