"""Many at once on one thing: each act is done whole, one after the other, or refused; nothing is lost or halved."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from datetime import datetime
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select, text

from data.audit import verify
from data.db import Database, open_database
from data.entry.save import Changed, Saved
from data.intake.batch import import_paths
from data.merges import merge_patients
from data.models import EntrySave, Patient, PatientSurvivor, Record
from data.people import Actor
from tests.data.entries import save, submission
from tests.data.test_entry_visit import Room
from tests.data.ward import lab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
SYSTEM = Actor.system("test")
ROUNDS, NURSES = 100, 20
PROCESSES, EACH, LONGEST_S = 20, 20, 5.0


def test_of_twenty_saves_of_one_version_one_wins_a_hundred_times(database: Database, now: datetime) -> None:
    room, won, lost = Room(database), 0, 0
    for number in range(ROUNDS):
        with database.read() as session:
            when = f"2026-02-{1 + number % 28:02}T{8 + number // 28:02}:30"
            sent = [submission(session, "P-1", number, when=when, weight=f"61.{n:02}") for n in range(NURSES)]
        outcomes: list[object] = []
        start = Barrier(NURSES)

        def nurse(n: int) -> None:
            start.wait()  # noqa: B023
            try:
                with database.write() as session:
                    outcomes.append(save(session, room.nurse, "P-1", sent[n], now))  # noqa: B023
            except Changed as changed:
                outcomes.append(changed)  # noqa: B023

        _all([Thread(target=nurse, args=(n,)) for n in range(NURSES)])
        won += sum(isinstance(outcome, Saved) for outcome in outcomes)
        lost += sum(isinstance(outcome, Changed) for outcome in outcomes)
    with database.read() as session:
        kept = session.scalar(select(func.count()).select_from(EntrySave))
        version = session.scalar(select(func.max(EntrySave.version)))
        assert verify(session).ok
    print(f"G2: {ROUNDS} rounds of {NURSES}: {won} won, {lost} saw what had changed, {kept} kept, version {version}")
    assert (won, lost, kept, version) == (ROUNDS, ROUNDS * (NURSES - 1), ROUNDS, ROUNDS)


def test_a_merge_and_a_message_about_the_same_patient(database: Database, now: datetime, tmp_path: Path) -> None:
    """Whichever comes first, the result stands once, under the survivor, and no row hangs in the air."""
    room = Room(database, lab("zinc", 80.0, "ug/dL", "2025-01-01"))
    for number in range(20):
        with database.write() as session:
            again = Patient(uuid=f"u{number}", mrn=f"R-{number}", name="x", created_at=now)
            session.add(again)
        sheet = tmp_path / f"{number}.csv"
        sheet.write_text(f"mrn,when,analyte,value,unit\nR-{number},2025-02-{1 + number:02},zinc,8{number % 10},ug/dL\n")
        start, failed = Barrier(2), list[BaseException]()

        def merging(number: int = number) -> None:
            start.wait()  # noqa: B023
            with database.write() as session:
                merge_patients(session, SYSTEM, merged=f"R-{number}", into="P-1", reason="the same person", now=now)

        def reading(sheet: Path = sheet) -> None:
            start.wait()  # noqa: B023
            import_paths(database, SYSTEM, [sheet], now=now)

        _all([Thread(target=_noted, args=(act, failed)) for act in (merging, reading)])
        assert not failed
    with database.read() as session:
        standing = select(func.count()).select_from(Record).where(Record.superseded_by.is_(None))
        survivors = session.scalar(select(func.count()).where(PatientSurvivor.survivor_id == room.patient))
        orphans = session.scalar(select(func.count()).where(Record.patient_id.not_in(select(Patient.id))))
        assert (session.scalar(standing), survivors, orphans) == (21, 20, 0)
        assert verify(session).ok
    print("G3: 20 merges beside 20 imports: 20 results under the survivor, 0 orphans")


def test_twenty_processes_count_on_one_row(database: Database, audit_key: bytes) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    with database.write() as session:
        session.execute(text("CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"))
        session.execute(text("INSERT INTO counter VALUES (1, 0)"))
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        waited = [one for part in pool.starmap(_count, [(url, audit_key)] * PROCESSES) for one in part]
    with database.read() as session:
        counted = session.scalar(text("SELECT n FROM counter"))
    began = time.monotonic()
    for _process in range(PROCESSES):
        _count(url, audit_key)
    by_one = time.monotonic() - began
    slowest = statistics.quantiles(waited, n=100)[98]
    print(f"G6: {counted} of {PROCESSES * EACH} by {PROCESSES} processes, p99 {slowest:.2f} s, {by_one:.1f} s by one")
    assert counted == PROCESSES * EACH
    # Nobody waits longer than it takes to do all of it one after the other, on however busy a machine.
    assert slowest <= max(LONGEST_S, 2 * by_one)


def _count(url: str, audit_key: bytes) -> list[float]:
    database, waited = open_database(url, audit_key), []
    for _turn in range(EACH):
        began = time.monotonic()
        with database.write() as session:
            locked = "" if database.engine.dialect.name == "sqlite" else " FOR UPDATE"
            n = session.scalar(text(f"SELECT n FROM counter WHERE id = 1{locked}"))
            session.execute(text("UPDATE counter SET n = :n WHERE id = 1"), {"n": n + 1})
        waited.append(time.monotonic() - began)
    database.close()
    return waited


def _all(threads: list[Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _noted(act: object, failed: list[BaseException]) -> None:
    try:
        act()  # type: ignore[operator]
    except BaseException as error:  # the thread's failure is the test's
        failed.append(error)
