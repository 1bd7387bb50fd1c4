"""The demonstration cohort in a database: loaded once, whole, and apart from every real patient."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from data.charts import load_charts
from data.db import Database
from data.demo import DemoRefused, load_demo
from data.demo.cohort import COHORT
from data.models import Patient, ReadingDay, Record
from data.patients import add_patient, list_patients
from data.people import Actor, list_people, list_teams
from data.records import list_records
from data.sessions import Origin, sign_in

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOADER = Actor.system("demo load")


@pytest.fixture
def loaded(database: Database) -> Database:
    load_demo(database, LOADER, today=NOW.date(), now=NOW)
    return database


@pytest.mark.alone
def test_the_cohort_is_loaded_whole_and_quickly(database: Database) -> None:
    started = time.monotonic()
    done = load_demo(database, LOADER, today=NOW.date(), now=NOW)
    assert time.monotonic() - started < 20
    assert done.patients == len(COHORT)
    with database.read() as session:
        kinds = Counter(session.scalars(select(Record.kind)).all())
        sensor_days = session.scalar(select(func.count()).select_from(ReadingDay))
        charts = load_charts(session, list(session.scalars(select(Patient.id))))
    assert done.records == kinds.total() + (sensor_days or 0)
    assert min(kinds[k] for k in ("lab", "skin", "lesion", "response", "biliary", "therapy", "symptom", "state")) > 0
    assert kinds["finding"] > 0
    assert (sensor_days or 0) > 680
    assert {chart.state() for chart in charts.values()} == {
        *("pre-op", "ned-resected", "residual-stable", "residual-progressing", "no-tumour-found", "unknown")
    }


def test_the_same_day_loads_the_same_records(sqlite_database: Database, postgresql_database: Database) -> None:
    listed = []
    for database in (sqlite_database, postgresql_database):
        load_demo(database, LOADER, today=NOW.date(), now=NOW)
        with database.read() as session:
            records = [list_records(session, LOADER, mrn, include_superseded=True) for mrn in ("DEMO-008", "DEMO-029")]
        own = ("id", "superseded_by")
        listed.append([{k: v for k, v in r.items() if k not in own} for found in records for r in found])
    assert listed[0] == listed[1]


def test_a_second_load_is_refused_and_changes_nothing(loaded: Database) -> None:
    with loaded.read() as session:
        before = session.scalar(select(func.count()).select_from(Record))
    with pytest.raises(DemoRefused, match="already holds the demonstration cohort"):
        load_demo(loaded, LOADER, today=NOW.date(), now=NOW)
    with loaded.read() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == before


def test_real_and_invented_patients_never_stand_side_by_side(database: Database) -> None:
    with database.write() as session:
        add_patient(session, LOADER, mrn="4711", name="Somebody", birth_date=None, sex=None, teams=(), now=NOW)
    with pytest.raises(DemoRefused, match="already holds patients"):
        load_demo(database, LOADER, today=NOW.date(), now=NOW)
    with database.read() as session:
        assert [patient["mrn"] for patient in list_patients(session, LOADER)] == ["4711"]
        assert list_people(session, LOADER) == []
        assert list_teams(session) == []


def test_the_sign_ins_shown_once_work(database: Database) -> None:
    done = load_demo(database, LOADER, today=NOW.date(), now=NOW)
    assert {role for _, role, _ in done.people} == {"oncologist", "nurse", "admin", "auditor"}
    for email, _, password in done.people:
        assert sign_in(database, email, password, origin=Origin("127.0.0.1", "test"), now=NOW)
    assert len({password for _, _, password in done.people}) == len(done.people)


def test_a_corrected_result_stays_beside_its_correction(loaded: Database) -> None:
    with loaded.read() as session:
        current = list_records(session, LOADER, "DEMO-029", analyte="glucagon")
        everything = list_records(session, LOADER, "DEMO-029", analyte="glucagon", include_superseded=True)
    superseded = [r for r in everything if r["superseded_by"] is not None]
    assert [float(r["value"]) for r in superseded] == [871]
    assert superseded[0]["superseded_by"] == current[-1]["id"]
    assert float(current[-1]["value"]) == 87.1
