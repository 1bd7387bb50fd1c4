"""A chart that was kept is never older than the record: after every kind of change the page shows what now stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.protocol import bundled_protocol
from data import recent_charts
from data.charts import load_charts
from data.db import Database, open_database
from data.entry.attempt import Attempt, NewValue
from data.entry.corrections import correct_value, move_record, retract
from data.merges import merge_patients, unmerge_patient
from data.models import Patient
from data.patient_status import set_status
from data.people import Actor
from data.readings import plain_readings, store_days
from data.records import open_batch
from data.sensor_course import whole_sensor_course
from data.trends import trends
from tests.data.ward import POLICY, Ward, lab

SYSTEM = Actor.system("test")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WHY = "filed wrongly, as the nurse says"


class Room:
    """Two patients of one team; `values` are the ids of the two weights of the first."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as session:
            ward = Ward.open(session)
            self.nurse = ward.person("nurse@net.example", "nurse")
            self.first, self.second = ward.patient("P1"), ward.patient("P2", lab("weight", 80.0, "kg", "2026-01-01"))
            self.values = ward.store(
                self.first, lab("weight", 61.0, "kg", "2026-01-02"), lab("weight", 62.0, "kg", "2026-02-02")
            )

    def seen(self, mrn: str = "P1") -> Chart:
        with self.database.read() as session:
            return trends(session, self.nurse, mrn, protocol=bundled_protocol(), now=NOW).chart

    def stored(self, patient_id: int) -> Chart:
        with self.database.read() as session:
            return load_charts(session, [patient_id])[patient_id].until(NOW)

    def sensor(self) -> list[date]:
        with self.database.read() as session:
            return list(whole_sensor_course(session, [self.first], self.seen()).day)


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


def attempt() -> Attempt:
    return Attempt(key=str(uuid4()), reason=WHY, protocol=bundled_protocol(), mail=POLICY, now=NOW)


def corrected(room: Room, session: Session) -> None:
    correct_value(session, room.nurse, "P1", room.values[0], attempt(), NewValue(value="64", unit="kg"))


def taken_back(room: Room, session: Session) -> None:
    retract(session, room.nurse, "P1", room.values[0], attempt())


def moved(room: Room, session: Session) -> None:
    seen = session.get_one(Patient, room.second).uuid
    move_record(session, room.nurse, "P1", room.values[0], attempt(), to="P2", seen=seen)


def moved_here(room: Room, session: Session) -> None:
    there = room.stored(room.second).of("weight")[0].record
    seen = session.get_one(Patient, room.first).uuid
    move_record(session, room.nurse, "P2", int(there), attempt(), to="P1", seen=seen)


def died(room: Room, session: Session) -> None:
    set_status(session, room.nurse, mrn="P1", status="deceased", on=date(2026, 2, 20), reason=WHY, now=NOW)


def merged(room: Room, session: Session) -> None:
    merge_patients(session, SYSTEM, merged="P2", into="P1", reason=WHY, now=NOW)


def born(room: Room, session: Session) -> None:
    session.get_one(Patient, room.first).birth_date = date(1960, 5, 1)


@pytest.mark.parametrize("change", [corrected, taken_back, moved, moved_here, died, merged, born])
def test_after_a_change_the_page_shows_what_now_stands(room: Room, change: Callable[[Room, Session], None]) -> None:
    before = room.seen()
    assert room.seen() is before
    with room.database.write() as session:
        change(room, session)
    after = room.seen()
    assert after == room.stored(room.first)
    assert after != before


def test_taken_apart_again_each_has_its_own(room: Room) -> None:
    before = room.seen()
    with room.database.write() as session:
        merged(room, session)
    assert len(room.seen().of("weight")) == 3
    with room.database.write() as session:
        unmerge_patient(session, SYSTEM, merged="P2", reason=WHY, now=NOW)
    assert room.seen() == before


def test_a_new_day_of_the_sensor_is_there_at_once(room: Room) -> None:
    assert room.sensor() == []
    for on in (date(2026, 2, 1), date(2026, 2, 2)):
        with room.database.write() as session:
            open_batch(session, SYSTEM, batch_id=f"b-{on}", format="cgm", now=NOW)
            days = [plain_readings("sensor", on, np.arange(3) * 300, np.array([100.0, 110.0, 120.0]))]
            store_days(session, batch_id=f"b-{on}", patient_id=room.first, days=days, actor=SYSTEM, now=NOW)
        assert room.sensor()[-1] == on


def test_two_databases_share_nothing(room: Room, sqlite_template: Path, tmp_path: Path, audit_key: bytes) -> None:
    kept = room.seen()
    copy = tmp_path / "other.db"
    copy.write_bytes(sqlite_template.read_bytes())
    copy.chmod(0o600)
    other = open_database(f"sqlite:///{copy}", audit_key)
    with other.write() as session:
        Ward.open(session).patient("P1", lab("weight", 99.0, "kg", "2026-01-02"))
    with other.read() as session:
        assert trends(session, SYSTEM, "P1", protocol=bundled_protocol(), now=NOW).chart.of("weight")[0].value == 99.0
    other.close()
    assert room.seen() is kept


def test_a_chart_is_let_go_after_many_uses_and_after_a_while(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    first = room.seen()
    seen = [room.seen() for _ in range(recent_charts.MOST_USES + 1)]
    assert seen[-2] is first
    assert seen[-1] is not first
    clock = recent_charts.time.monotonic
    monkeypatch.setattr(recent_charts.time, "monotonic", lambda: clock() + recent_charts.LONGEST_S + 1)
    assert room.seen() is not seen[-1]


def test_only_so_many_are_kept(room: Room) -> None:
    first = room.seen()
    with room.database.write() as session:
        ward = Ward.open(session, "Large")
        for number in range(recent_charts.MOST):
            ward.patient(f"L{number}")
    with room.database.read() as session:
        for number in range(recent_charts.MOST):
            trends(session, SYSTEM, f"L{number}", protocol=bundled_protocol(), now=NOW)
    assert room.seen() is not first
