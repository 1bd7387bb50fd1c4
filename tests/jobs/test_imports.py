"""An import whose process died, or that nobody began, is taken up by the scheduler: no page need be looked at."""

from __future__ import annotations

import io
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from clinical.protocol import Protocol, bundled_protocol
from data.db import Database
from data.intake.import_jobs import SILENT, WORKING, ask_import, ask_preview, open_job
from data.intake.import_launch import start_waiting
from data.intake.uploads import KEPT, Upload, upload_folder
from data.models import ImportJob, JobRun, Patient, PatientTeam, Person, Record
from data.people import Actor, add_person, add_team, person_actor
from data.settings import Settings
from jobs.scheduler import run_job
from tests.dashboard.imports import children, results

SYSTEM = Actor.system("test")
ROWS = 200


@pytest.fixture
def protocol() -> Protocol:
    return bundled_protocol()


@pytest.fixture
def site(sqlite_database: Database, settings: Settings) -> Settings:
    """Settings that lay uploads beside the database of the test."""
    return settings.model_copy(update={"database_url": f"sqlite:///{sqlite_database.engine.url.database}"})


@pytest.fixture
def waiting(sqlite_database: Database, site: Settings) -> str:
    """An import that was previewed and is asked for; no process works on it yet."""
    now = datetime.now(UTC)
    upload = Upload(upload_folder(site))
    upload.take(io.BytesIO(results("N1", ROWS)), "results.csv")
    with sqlite_database.write() as session:
        team = add_team(session, SYSTEM, "North", now=now)
        session.add(Patient(id=1, uuid="uuid-N1", mrn="N1", created_at=now))
        session.flush()
        session.add(PatientTeam(patient_id=1, team_id=team.id))
        add_person(session, SYSTEM, email="onc@north.example", role="oncologist", teams=["North"], now=now)
        actor = person_actor(session, session.scalars(select(Person)).one())
        open_job(session, actor, id=upload.id, files=upload.files, format="csv", now=now)
        ask_preview(session, actor, upload.id, options={"team": "North"}, now=now)
        session.execute(update(ImportJob).values(state="previewed", preview={}))
        ask_import(session, actor, upload.id, now=now)
    return upload.id


def found(database: Database, id: str) -> ImportJob:
    with database.read() as session:
        return session.get_one(ImportJob, id)


def settled(database: Database, id: str) -> str:
    until = time.monotonic() + 60
    while (job := found(database, id)).state in WORKING:
        assert time.monotonic() < until, job.progress
        time.sleep(0.1)
    return job.state


def stored(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Record)) or 0


def tend(database: Database, site: Settings, protocol: Protocol, at: datetime) -> dict[str, int]:
    return run_job("imports", database, site, protocol, as_of=at, now=at)


def test_an_import_whose_process_was_killed_is_ended_whole_though_nobody_looks(
    sqlite_database: Database, site: Settings, protocol: Protocol, waiting: str
) -> None:
    assert start_waiting(sqlite_database, upload_folder(site), now=datetime.now(UTC))
    (child,) = children()
    os.kill(child, signal.SIGKILL)
    assert found(sqlite_database, waiting).state == "importing"
    assert tend(sqlite_database, site, protocol, datetime.now(UTC))["started"] == 0
    late = datetime.now(UTC) + SILENT + timedelta(seconds=1)
    assert tend(sqlite_database, site, protocol, late)["started"] == 1
    assert (settled(sqlite_database, waiting), stored(sqlite_database)) == ("imported", ROWS)
    assert found(sqlite_database, waiting).attempt == 2


def test_an_import_that_nobody_began_is_begun_once(
    sqlite_database: Database, site: Settings, protocol: Protocol, waiting: str
) -> None:
    assert tend(sqlite_database, site, protocol, datetime.now(UTC)) == {"started": 1, "removed": 0}
    assert tend(sqlite_database, site, protocol, datetime.now(UTC))["started"] == 0
    assert (settled(sqlite_database, waiting), stored(sqlite_database)) == ("imported", ROWS)
    with sqlite_database.read() as session:
        assert [run.outcome for run in session.scalars(select(JobRun))] == ["done", "done"]


def test_a_machine_without_the_uploads_leaves_the_imports_to_those_that_have_them(
    sqlite_database: Database, site: Settings, protocol: Protocol, waiting: str, tmp_path: Path
) -> None:
    elsewhere = site.model_copy(update={"database_url": f"sqlite:///{tmp_path}/elsewhere/nadir.db"})
    assert tend(sqlite_database, elsewhere, protocol, datetime.now(UTC))["started"] == 0
    assert (found(sqlite_database, waiting).state, found(sqlite_database, waiting).attempt) == ("importing", 0)


def test_what_was_never_asked_for_goes_after_a_day(
    sqlite_database: Database, site: Settings, protocol: Protocol, waiting: str
) -> None:
    with sqlite_database.write() as session:
        session.execute(update(ImportJob).values(state="uploaded"))
    later = datetime.now(UTC) + KEPT + timedelta(seconds=1)
    assert tend(sqlite_database, site, protocol, later) == {"started": 0, "removed": 1}
    assert found(sqlite_database, waiting).state == "expired"
