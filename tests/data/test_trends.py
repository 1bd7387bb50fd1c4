"""What a patient's page is made of: as it was known at a moment, from few queries, only for who may see the patient."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from clinical.protocol import bundled_protocol
from data.db import Database
from data.people import Actor, NotFound
from data.readings import HIGH, LOW, PLAIN, DayReadings, plain_readings, store_days
from data.sensor_course import load_sensor_days, load_sensor_readings, sensor_days
from data.trends import Trends, current_version, head, identity, trends
from tests.data.ward import Ward, at, coded, lab, relapsing

SYSTEM = Actor.system("test")
NOW = at("2026-03-02T09:00")


def read(database: Database, mrn: str, *, now: datetime = NOW, actor: Actor = SYSTEM) -> Trends:
    with database.read() as session:
        return trends(session, actor, mrn, protocol=bundled_protocol(), now=now)


def day(on: date, values: list[float], device: str = "sensor", unit: Any = "mg/dL") -> DayReadings:
    return plain_readings(device, on, np.arange(len(values)) * 300, np.array(values), unit)


def test_the_page_holds_chart_course_scans_and_regimen(database: Database) -> None:
    with database.write() as session:
        Ward.open(session).patient(
            "P1",
            *relapsing("2026-02-20"),
            coded("lesion", "2025-06-01", lesion="L1", role="target", diameter_tenths=310, signed=True),
            coded("therapy", "2025-01-10", kind="start", drug="lanreotide", dose=120.0, unit="mg", interval_days=28),
        )
    found = read(database, "P1")
    assert [s.result.value for s in found.marker.samples] == [60.0, 62.0, 59.0, 61.0, 330.0]
    assert found.scans[0].sum_mm == 31.0
    assert found.regimen is not None
    assert found.regimen.drug == "lanreotide"
    assert found.flags == ()


def test_nothing_from_after_the_moment_is_in_it(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        Ward.open(session).patient("P1", *relapsing("2026-02-20"))
    found = read(sqlite_database, "P1", now=at("2026-01-01"))
    assert [s.result.value for s in found.marker.samples] == [60.0, 62.0, 59.0, 61.0]


def test_a_result_that_is_not_known_yet_is_not_in_it(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        Ward.open(session).patient("P1", lab("zinc", 80.0, "ug/dL", "2026-02-20", issued_at=at("2026-03-05")))
    assert read(sqlite_database, "P1").chart.of("zinc") == ()


def test_a_patient_of_another_team_is_not_found(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        stranger = Ward.open(session, "Other").person("onc@other.example")
        Ward.open(session, "NET").patient("P1", *relapsing("2026-02-20"))
    with pytest.raises(NotFound):
        read(sqlite_database, "P1", actor=stranger)


def test_the_identity_names_teams_and_what_is_not_recorded_stays_empty(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        Ward.open(session, "NET").patient("P1")
    with sqlite_database.read() as session:
        who = identity(session, SYSTEM, "P1")
    assert who.teams == ("NET",)
    assert who.birth_date is None


def test_the_number_of_queries_does_not_grow_with_the_record(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        ward.patient("SMALL", *relapsing("2026-02-20"))
        many = [lab("zinc", 80.0, "ug/dL", str(date(2020, 1, 1) + timedelta(days=i))) for i in range(300)]
        ward.patient("LARGE", *relapsing("2026-02-20"), *many)
    asked: list[str] = []
    event.listen(sqlite_database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    counts = []
    for mrn in ("SMALL", "LARGE"):
        asked.clear()
        read(sqlite_database, mrn)
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] <= 10  # two of them begin the transaction


def test_sensor_days_are_percentiles_of_the_readings_and_marks_are_only_counted() -> None:
    values = np.array([100.0, 120.0, np.nan, 140.0, np.nan])
    marked = DayReadings(
        device="sensor",
        day=date(2026, 3, 1),
        unit="mg/dL",
        seconds=np.arange(5) * 300,
        values=values,
        marks=np.array([PLAIN, PLAIN, LOW, PLAIN, HIGH]),
    )
    found = sensor_days([marked])
    assert found.median.tolist() == [120.0]
    assert (found.count, found.low_marks, found.high_marks) == ((3,), (1,), (1,))


def test_the_percentiles_are_those_of_numpy_whatever_the_length_of_the_day() -> None:
    generator = np.random.default_rng(7)
    sets = [np.rint(generator.uniform(40, 400, n) * 10) / 10 for n in (1, 2, 7, 96, 288)]
    found = sensor_days([day(date(2026, 3, 1) + timedelta(days=i), list(v)) for i, v in enumerate(sets)])
    for name, q in (("lowest", 0), ("p5", 5), ("median", 50), ("p95", 95), ("highest", 100)):
        assert getattr(found, name) == pytest.approx([np.percentile(v, q) for v in sets]), name


def test_the_version_of_the_data_changes_with_what_is_stored_of_this_patient_alone(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        own = ward.patient("P1", lab("zinc", 80.0, "ug/dL", "2026-02-01"))
        other = ward.patient("P2", lab("zinc", 80.0, "ug/dL", "2026-02-01"))

    def version_after(*stored_of: int) -> str:
        with sqlite_database.write() as session:
            for patient_id in stored_of:
                Ward(session, ward.team).store(patient_id, lab("zinc", 70.0, "ug/dL", "2026-02-03"))
        with sqlite_database.read() as session:
            return current_version(session, SYSTEM, "P1")

    before = version_after()
    assert version_after(other) == before
    assert version_after(own) != before


def test_the_head_of_a_page_says_state_and_regimen(sqlite_database: Database) -> None:
    step = coded("therapy", "2025-01-10", kind="start", drug="lanreotide", dose=120.0, unit="mg", interval_days=28)
    with sqlite_database.write() as session:
        Ward.open(session).patient("P1", step, coded("state", "2025-01-10", state="residual-stable"))
    with sqlite_database.read() as session:
        found = head(session, SYSTEM, "P1", now=NOW)
    assert found.state == "residual-stable"
    assert found.regimen is not None
    assert found.regimen.drug == "lanreotide"


def test_two_devices_of_one_day_make_one_row_whatever_their_units() -> None:
    on = date(2026, 3, 1)
    found = sensor_days([day(on, [100.0, 100.0], "a"), day(on, [10.0, 10.0], "b", "mmol/L")])
    assert found.day == (on,)
    assert found.count == (4,)
    assert found.p95[0] == pytest.approx(180.156, rel=0.01)


def test_scans_beside_historic_values_of_their_day_are_not_pooled_with_them() -> None:
    on, later = date(2026, 3, 1), date(2026, 3, 2)
    found = sensor_days(
        [day(on, [100.0] * 4, "Libre"), day(on, [300.0], "Libre scan"), day(later, [300.0], "Libre scan")]
    )
    assert (found.day, found.count, found.median.tolist()) == ((on, later), (4, 1), [100.0, 300.0])


def test_a_day_of_marks_alone_has_no_percentiles() -> None:
    marked = DayReadings(
        device="sensor",
        day=date(2026, 3, 1),
        unit="mg/dL",
        seconds=np.array([0]),
        values=np.array([np.nan]),
        marks=np.array([HIGH]),
    )
    assert np.isnan(sensor_days([marked]).median).all()


def test_stored_readings_come_back_day_by_day(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        patient_id = ward.patient("P1", lab("zinc", 80.0, "ug/dL", "2026-02-01"))
        batch = session.connection().exec_driver_sql("SELECT id FROM batch").scalar_one()
        days = [day(date(2026, 2, d), [90.0, 110.0, 130.0]) for d in (1, 2, 5)]
        store_days(session, batch_id=batch, patient_id=patient_id, days=days, actor=SYSTEM, now=datetime.now(UTC))
    ids = read(sqlite_database, "P1").patient_ids
    with sqlite_database.read() as session:
        found = load_sensor_days(session, ids, date(2026, 1, 1), date(2026, 2, 28))
        readings = load_sensor_readings(session, ids, date(2026, 2, 2), date(2026, 2, 28))
    assert readings.values.tolist() == [90.0, 110.0, 130.0] * 2
    assert str(readings.at[0]) == "2026-02-02T00:00:00"
    assert found.day == (date(2026, 2, 1), date(2026, 2, 2), date(2026, 2, 5))
    assert found.median.tolist() == [110.0, 110.0, 110.0]
