"""A site whose processes are real ones and can be killed: database, mail server, folder with keys."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from data.db import Database
from data.intake.item import Item
from data.models import Ingest, IngestPatient, JobRun, Leader, Patient
from data.patients import add_patient
from data.people import Actor, add_person, add_team
from data.records import open_batch, store_chunk
from tests.faults import nursery
from tests.mail_server import MailServer

SYSTEM = Actor.system("test")
TEAM = "NET clinic"


class Site:
    """Starts and ends `nadir` processes on one database; everything still running is killed at the end."""

    def __init__(self, database: Database, home: Path, audit_key: bytes, mail_server: MailServer) -> None:
        self.database = database
        self.mail_server = mail_server
        self.home = home
        key = home / "audit.key"
        key.write_bytes(audit_key)
        key.chmod(0o600)
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("NADIR_")} | {
            "NADIR_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
            "NADIR_AUDIT_KEY_FILE": str(key),
            "NADIR_SMTP_PORT": str(mail_server.port),
            "NADIR_MAIL_FROM": "nadir@nadir.example",
            "NADIR_SWEEP_S": "1",
            "NADIR_BACKOFF_BASE_S": "0.2",
            "TEST_BEGUN": datetime.now(UTC).isoformat(),
        }
        self._hatched: list[BaseProcess] = []
        self._logs: dict[subprocess.Popen[bytes], Path] = {}
        self._numbers = itertools.count()

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """A new process `nadir COMMAND`; its log goes into the folder."""
        path = self.home / f"{command[0]}.{next(self._numbers)}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "nadir", *command],
                cwd=self.home,
                env=self._environment | environment,
                stderr=log,
            )
        self._logs[process] = path
        return process

    def ask(self, *command: str, **environment: str) -> str:
        """What `nadir COMMAND` prints."""
        done = subprocess.run(
            [sys.executable, "-m", "nadir", *command],
            cwd=self.home,
            env=self._environment | environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        return done.stdout

    def hatch(self, role: str, *, faster: int = 1, **environment: str) -> BaseProcess:
        """A new process that starts at once (`tests.faults.nursery`); its log goes into the folder."""
        log = self.home / f"{role}.{next(self._numbers)}.log"
        self._hatched.append(nursery.start(role, self._environment | environment, log, faster=faster))
        return self._hatched[-1]

    def clock(self, faster: int) -> Callable[[], datetime]:
        """The clock of processes hatched so many times faster."""
        return nursery.fast_clock(faster, datetime.fromisoformat(self._environment["TEST_BEGUN"]))

    def end(self) -> None:
        """Kill what still runs."""
        for hatched in self._hatched:
            hatched.kill()
            hatched.join()
        for process in self._logs:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    def at_work(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether a process has come so far that it leads, or sends."""
        text = self._logs[process].read_text(encoding="utf-8")
        assert process.poll() is None, text[-3000:]
        return '"event": "leading"' in text or '"event": "sending"' in text

    def log(self, name: str) -> str:
        """What the processes `name` have logged."""
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.home.glob(f"{name}.*.log")))

    def leader(self) -> tuple[int, str] | None:
        """Epoch and holder in the lease row."""
        with self.database.read() as session:
            row = session.execute(select(Leader.epoch, Leader.holder)).one_or_none()
        return None if row is None else (row.epoch, row.holder)

    def runs(self) -> list[JobRun]:
        """All runs on record, in the order in which they were begun."""
        with self.database.read() as session:
            return list(session.scalars(select(JobRun).order_by(JobRun.id)))


class Cohort:
    """Patients after curative resection, whose glucagon can be made to rise far above the limit: one R03 each."""

    def __init__(self, database: Database, size: int, now: datetime) -> None:
        self._database = database
        self._now = now
        with database.write() as session:
            add_team(session, SYSTEM, TEAM, now=now)
            for email, role in (("ada@clinic.example", "oncologist"), ("admin@clinic.example", "admin")):
                add_person(session, SYSTEM, email=email, role=role, teams=[TEAM], now=now)
        with database.write() as session:
            patients = [
                add_patient(
                    session, SYSTEM, mrn=f"P{n:03}", name=None, birth_date=None, sex=None, teams=[TEAM], now=now
                )
                for n in range(size)
            ]
            self.patient_ids = [patient.id for patient in patients]
            open_batch(session, SYSTEM, batch_id="before", format="test", now=now)
            items = [item for id in self.patient_ids for item in (self._resected(id), self._glucagon(id, "60", 200))]
            store_chunk(session, batch_id="before", items=items, actor=SYSTEM, now=now)

    def rise(self, patient_ids: list[int]) -> None:
        """One transaction of new results, each twice the upper limit and more."""
        self._store(f"rise-{patient_ids[0]}", [self._glucagon(id, "400", 2) for id in patient_ids])

    def touch(self) -> None:
        """One transaction that says something of everybody came in: nothing new, but everybody to be judged again."""
        with self._database.write() as session:
            seq = (session.scalar(select(func.max(Ingest.seq))) or 0) + 1
            session.add(Ingest(seq=seq, at=self._now, batch_id=None))
            session.flush()
            session.add_all(IngestPatient(seq=seq, patient_id=id) for id in self.patient_ids)

    def weigh(self, kilograms: int) -> None:
        """One transaction of a weight of everybody: nothing to flag, but everybody to be judged again."""
        self._store(f"weight-{kilograms}", [self._weight(id, str(kilograms)) for id in self.patient_ids])

    def _store(self, batch: str, items: list[Item]) -> None:
        with self._database.write() as session:
            open_batch(session, SYSTEM, batch_id=batch, format="test", now=self._now)
            verdicts = store_chunk(session, batch_id=batch, items=items, actor=SYSTEM, now=self._now)
        assert {verdict.outcome for verdict in verdicts} == {"stored"}

    def mrns(self) -> set[str]:
        """The hospital numbers of all."""
        with self._database.read() as session:
            return set(session.scalars(select(Patient.mrn)))

    def _resected(self, patient_id: int) -> Item:
        blank = self._at(patient_id, 400)
        return replace(blank, kind="state", detail={"state": "ned-resected"})

    def _glucagon(self, patient_id: int, value: str, days_ago: int) -> Item:
        return replace(
            self._at(patient_id, days_ago),
            analyte="glucagon",
            value=value,
            unit="pg/mL",
            canonical_value=float(value),
            canonical_unit="pg/mL",
            ref_high="150",
            canonical_ref_high=150.0,
            lab="Central",
            method="RIA",
            fasting=True,
        )

    def _weight(self, patient_id: int, value: str) -> Item:
        number = {"value": value, "unit": "kg", "canonical_value": float(value), "canonical_unit": "kg"}
        return replace(self._at(patient_id, 1), analyte="weight", **number)

    def _at(self, patient_id: int, days_ago: int) -> Item:
        at = self._now - timedelta(days=days_ago)
        return Item(
            patient_id=patient_id,
            kind="lab",
            effective_at=at,
            effective_text=at.isoformat(),
            precision="second",
            place="test",
        )


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server that takes everything."""
    server = MailServer()
    server.behave("ok")
    yield server
    server.close()


@pytest.fixture
def seed() -> int:
    """The seed of this test's chances, printed; NADIR_TEST_SEED repeats a run."""
    chosen = int(os.environ.get("NADIR_TEST_SEED") or random.randrange(2**32))
    print(f"seed {chosen}")
    return chosen


@pytest.fixture
def site_of(tmp_path: Path, audit_key: bytes, mail_server: MailServer) -> Iterator[Callable[[Database], Site]]:
    """Makes a site of a database."""
    sites: list[Site] = []

    def make(database: Database) -> Site:
        sites.append(Site(database, tmp_path, audit_key, mail_server))
        return sites[-1]

    yield make
    for site in sites:
        site.end()


@pytest.fixture
def site(site_of: Callable[[Database], Site], database: Database) -> Site:
    """A site on SQLite and, once more, on PostgreSQL."""
    return site_of(database)


def wait_until(holds: Callable[[], object], seconds: float) -> bool:
    """Whether it came to hold within that many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return bool(holds())
