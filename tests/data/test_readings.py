"""Sensor readings: what is packed comes back exactly; days grow and never change what they held."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from data.db import Database
from data.migrate import downgrade, upgrade
from data.migrations.versions import v0007_reading_form
from data.models import ReadingDay
from data.patients import add_patient
from data.people import Actor
from data.reading_form import LARGEST_TENTHS
from data.readings import (
    HIGH,
    LOW,
    PLAIN,
    DayReadings,
    ReadingError,
    Unit,
    aggregate,
    load_days,
    pack,
    plain_readings,
    store_days,
    unpack,
)
from data.records import open_batch

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
DAY = date(2026, 3, 1)


@st.composite
def days(draw: st.DrawFn) -> DayReadings:
    seconds = sorted(draw(st.sets(st.integers(0, 86_399), max_size=300)))
    tenths = draw(st.lists(st.integers(0, LARGEST_TENTHS), min_size=len(seconds), max_size=len(seconds)))
    marks = np.array(
        draw(st.lists(st.sampled_from([PLAIN, LOW, HIGH]), min_size=len(seconds), max_size=len(seconds))),
        dtype=np.int64,
    )
    unit: Unit = draw(st.sampled_from(["mg/dL", "mmol/L"]))
    values = np.where(marks == PLAIN, np.array(tenths, dtype=np.float64) / 10, np.nan)
    return DayReadings(
        device="d", day=DAY, unit=unit, seconds=np.array(seconds, dtype=np.int64), values=values, marks=marks
    )


@given(days())
def test_what_is_packed_comes_back_exactly(day: DayReadings) -> None:
    packed = pack(day)
    back = unpack(day.device, day.day, day.unit, packed)
    np.testing.assert_array_equal(back.seconds, day.seconds)
    np.testing.assert_array_equal(back.marks, day.marks)
    np.testing.assert_array_equal(back.values, day.values)


@given(days())
def test_the_aggregate_counts_numbers_and_marks_apart(day: DayReadings) -> None:
    found = aggregate(day)
    assert found["count"] + found["low_marks"] + found["high_marks"] == len(day.seconds)
    factor = 1.0 if day.unit == "mg/dL" else 18.0156
    numbers = day.values[day.marks == PLAIN] * factor
    assert found["total"] == pytest.approx(numbers.sum())
    assert found["below_54"] <= found["below_70"] and found["above_250"] <= found["above_180"]
    assert (found["minimum"] is None) == (numbers.size == 0)


@pytest.mark.parametrize(
    ("unit", "value", "bands"),
    [
        ("mg/dL", 54.0, (0, 1, 0, 0)),
        ("mg/dL", 53.9, (1, 1, 0, 0)),
        ("mg/dL", 180.0, (0, 0, 0, 0)),
        ("mmol/L", 3.9, (0, 0, 0, 0)),
        ("mmol/L", 10.0, (0, 0, 0, 0)),
        ("mmol/L", 14.0, (0, 0, 1, 1)),
    ],
)
def test_a_range_is_judged_on_the_number_as_shown(unit: Unit, value: float, bands: tuple[int, ...]) -> None:
    found = aggregate(plain_readings("d", DAY, np.array([0]), np.array([value]), unit))
    assert (found["below_54"], found["below_70"], found["above_180"], found["above_250"]) == bands


@pytest.mark.parametrize(
    ("seconds", "value"), [([0], 820.0), ([0], -1.0), ([0], 5.55), ([86_400], 100.0), ([5, 5], 100.0), ([0], np.inf)]
)
def test_what_cannot_be_kept_exactly_is_refused(seconds: list[int], value: float) -> None:
    with pytest.raises(ReadingError):
        pack(plain_readings("d", DAY, np.array(seconds), np.full(len(seconds), value)))


def test_days_are_stored_once_completed_and_never_overwritten(database: Database) -> None:
    first = plain_readings("d", DAY, np.array([0, 300]), np.array([100, 110]))
    more = plain_readings("d", DAY, np.array([300, 600]), np.array([110, 120]))
    other = plain_readings("d", DAY, np.array([300]), np.array([111]))

    def store(day: DayReadings) -> str:
        with database.write() as session:
            return store_days(session, batch_id="b", patient_id=patient_id, days=[day], actor=ACTOR, now=NOW)[0].outcome

    with database.write() as session:
        open_batch(session, ACTOR, batch_id="b", format="demo", now=NOW)
        patient_id = add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW).id
    assert [store(day) for day in (first, first, more, other, more)] == [
        "stored",
        "unchanged",
        "superseded",
        "refused",
        "unchanged",
    ]
    with database.read() as session:
        (loaded,) = load_days(session, ACTOR, "M-1", DAY, DAY)
        assert load_days(session, ACTOR, "M-1", date(2026, 3, 2), date(2026, 3, 3)) == []
    assert loaded.seconds.tolist() == [0, 300, 600]
    assert loaded.values.tolist() == [100, 110, 120]


def test_days_stored_four_bytes_a_reading_are_repacked_and_can_go_back(database: Database) -> None:
    day = DayReadings(
        device="d",
        day=DAY,
        unit="mmol/L",
        seconds=np.array([0, 299, 86_399]),
        values=np.array([5.5, np.nan, 819.1]),
        marks=np.array([PLAIN, HIGH, PLAIN]),
    )
    with database.write() as session:
        open_batch(session, ACTOR, batch_id="b", format="demo", now=NOW)
        patient_id = add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW).id
        store_days(session, batch_id="b", patient_id=patient_id, days=[day], actor=ACTOR, now=NOW)
    downgrade(database, v0007_reading_form.down_revision)
    with database.read() as session:
        old = np.frombuffer(session.execute(text("SELECT packed FROM reading_day")).scalar_one(), dtype="<u4")
    assert old.tolist() == [0 | 55 << 17, 299 | HIGH << 30, 86_399 | 8191 << 17]
    upgrade(database)
    with database.read() as session:
        (loaded,) = load_days(session, ACTOR, "M-1", DAY, DAY)
    for name in ("seconds", "values", "marks"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(day, name))


def test_a_day_of_a_steady_sensor_takes_little_more_than_two_bytes_a_reading() -> None:
    seconds = np.arange(288) * 300 + 47
    assert len(pack(plain_readings("d", DAY, seconds, np.full(288, 120)))) <= 2.2 * 288


def test_many_days_are_aggregated_as_each_alone(sqlite_database: Database) -> None:
    rng = np.random.default_rng(1)
    days = [
        plain_readings("d", date(2026, 1, n), np.arange(0, 86_400, 300 * n), rng.integers(40, 400, -(-288 // n)))
        for n in range(1, 29)
    ]
    with sqlite_database.write() as session:
        open_batch(session, ACTOR, batch_id="b", format="demo", now=NOW)
        patient_id = add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW).id
        store_days(session, batch_id="b", patient_id=patient_id, days=days, actor=ACTOR, now=NOW)
        rows = session.scalars(select(ReadingDay).order_by(ReadingDay.day)).all()
    for row, day in zip(rows, days, strict=True):
        for name, value in aggregate(day).items():
            assert getattr(row, name) == pytest.approx(value), name
