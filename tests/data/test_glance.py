"""What is kept of a patient for lists: shares of sensor time, and that nothing a chart holds can cost a judgement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest

from clinical.chart import Chart, SensorDay
from clinical.protocol import Protocol, load_protocol
from data.glance import FORM, Glance, SensorTime, glance_of, read_glance, stored_glance

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
PROTOCOL = load_protocol()


def worn(days: Iterable[int], *, count: int = 288, low: int = 0, high: int = 0, low_marks: int = 0) -> Chart:
    """A sensor on these days before today: of each day's numbers so many below 70 and above 180 mg/dL."""
    made = []
    for back in sorted(days, reverse=True):
        at = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=back)
        made.append(
            SensorDay(
                record=f"s{back}",
                effective=at,
                known_at=at + timedelta(days=1),
                precision="day",
                device="D",
                count=count,
                total=100.0 * count,
                total_squared=1e4 * count,
                below_54=0,
                below_70=low,
                above_180=high,
                above_250=0,
                low_marks=low_marks,
                high_marks=0,
                minimum=60.0,
                maximum=200.0,
            )
        )
    return Chart(patient="u", sensor_days=tuple(made))


def test_time_in_range_is_a_part_of_all_readings_marks_among_them() -> None:
    seen = glance_of(worn(range(1, 15), count=200, low=20, high=40, low_marks=50), PROTOCOL, NOW)
    assert seen.sensor == SensorTime(
        in_range=pytest.approx(140 / 250), worn=pytest.approx(250 / 288), last=date(2026, 2, 28)
    )


def test_too_little_wear_is_said_and_gives_no_share() -> None:
    sensor = glance_of(worn(range(1, 8)), PROTOCOL, NOW).sensor
    assert sensor is not None and sensor.in_range is None and sensor.worn == pytest.approx(0.5)
    assert glance_of(worn(range(40, 60)), PROTOCOL, NOW).sensor is None


def test_a_glance_comes_back_as_it_was_kept() -> None:
    chart = worn(range(1, 15), low=3)
    row = stored_glance(7, chart, PROTOCOL, NOW)
    assert read_glance(row["form"], row["content"]) == glance_of(chart, PROTOCOL, NOW)
    assert (row["patient_id"], row["form"], row["failure"], row["as_of"]) == (7, FORM, None, NOW)
    assert row["in_range"] == pytest.approx(285 / 288)
    assert read_glance(FORM - 1, row["content"]) is None


def test_what_cannot_be_summed_up_is_kept_as_a_failure_and_raises_nothing() -> None:
    row = stored_glance(7, worn(range(1, 15)), Protocol({}, "none"), NOW)
    assert row["content"] is None and row["failure"].startswith("KeyError")
    assert read_glance(row["form"], row["content"]) is None


def test_a_glance_knows_nothing_of_what_came_later() -> None:
    seen = glance_of(worn(range(1, 15)), PROTOCOL, NOW - timedelta(days=20))
    assert isinstance(seen, Glance) and seen.sensor is None and seen.last_seen is None
