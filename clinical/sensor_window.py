"""The last fortnight of a glucose sensor from its daily aggregates: how much was worn, how low and how high (R21, R22).

A window is the days of the protocol that end with a day; a finding that goes on day after day rests on the first window
of its unbroken run, so that each further day of the same is no new evidence. Readings due a day are inferred from the
fullest day of the device. A day's aggregate tells how many readings were low, not whether they followed each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

from clinical.chart import Chart, SensorDay
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.scans import counted_once, of_scans
from clinical.values import value

_MINUTES_A_DAY = 1440
# Readings a day of sensors that read every 15, 10, 5, 3 and 1 minutes; a few more than due can come in at a change.
_DUE = (96, 144, 288, 480, 1440)
_SLACK = 1.02


@value
class SensorWindow:
    """One window: `worn` is the part of the readings due that is there, `low` and `high` the parts of the readings
    below 54 and above 250 mg/dL (HI and LO counted), `low_days` the days with enough minutes below 54."""

    last: date
    days: tuple[SensorDay, ...]
    readings: int
    worn: float
    low: float
    high: float
    low_days: tuple[SensorDay, ...]


def window_now(chart: Chart, protocol: Protocol, now: datetime) -> SensorWindow | None:
    """The window that ends with the last whole UTC day before `now`; None without a reading in it."""
    return _window(chart, protocol, _last_whole_day(now))


def first_of_run(
    chart: Chart, protocol: Protocol, now: datetime, holds: Callable[[SensorWindow], bool]
) -> SensorWindow | None:
    """The earliest window from which on `holds` is true for every day up to now; None where it is not true now."""
    found: SensorWindow | None = None
    last = _last_whole_day(now)
    while (window := _window(chart, protocol, last)) is not None and holds(window):
        found, last = window, last - timedelta(days=1)
    return found


def next_window(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    """The next midnight (UTC) while a reading lies in the window: each day drops the oldest one. None without any."""
    if window_now(chart, protocol, now) is None:
        return None
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def enough(window: SensorWindow, protocol: Protocol) -> bool:
    """Whether enough of the window was worn to speak of parts of the time."""
    return reaches(window.worn, protocol["sensor_active"])


def _last_whole_day(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=1)


@dataclass(slots=True)
class _Day:
    """One UTC day, all devices together: its aggregates, their readings, how much of the day was worn (1 at the most),
    readings below 54 and above 250 mg/dL, and minutes below 54."""

    entries: list[SensorDay] = field(default_factory=list)
    readings: int = 0
    worn: float = 0.0
    low: int = 0
    high: int = 0
    low_minutes: float = 0.0


_UNWORN = _Day()


def _by_day(chart: Chart) -> dict[date, _Day]:
    return chart.derived("sensor-by-day", lambda: _days(chart))


def _days(chart: Chart) -> dict[date, _Day]:
    due = _due(chart)
    found: defaultdict[date, _Day] = defaultdict(_Day)
    for entry in counted(chart):
        day, expected = found[entry.effective.date()], due[entry.device]
        readings, low = entry.count + entry.low_marks + entry.high_marks, entry.below_54 + entry.low_marks
        day.entries.append(entry)
        day.readings += readings
        day.worn = min(1.0, day.worn + readings / expected)
        day.low += low
        day.high += entry.above_250 + entry.high_marks
        day.low_minutes += low * _MINUTES_A_DAY / expected
    return dict(found)


def _due(chart: Chart) -> dict[str, int]:
    """Readings due a day, by device: inferred from the fullest day."""
    fullest: dict[str, int] = {}
    for day in chart.sensor_days:
        readings = day.count + day.low_marks + day.high_marks
        if readings > fullest.get(day.device, -1):
            fullest[day.device] = readings
    return {device: next((d for d in _DUE if most <= d * _SLACK), most) for device, most in fullest.items()}


def _window(chart: Chart, protocol: Protocol, last: date) -> SensorWindow | None:
    return chart.derived(("sensor-window", protocol.version, last), lambda: _made(chart, protocol, last))


def _made(chart: Chart, protocol: Protocol, last: date) -> SensorWindow | None:
    by_day = _by_day(chart)
    length = int(protocol["sensor_days"])
    days = [by_day.get(last - timedelta(days=back), _UNWORN) for back in range(length - 1, -1, -1)]
    readings = sum([day.readings for day in days])
    if not readings:
        return None
    minutes = protocol["sensor_low_minutes"]
    return SensorWindow(
        last=last,
        days=tuple(chain.from_iterable([day.entries for day in days])),
        readings=readings,
        worn=sum([day.worn for day in days]) / length,
        low=sum([day.low for day in days]) / readings,
        high=sum([day.high for day in days]) / readings,
        low_days=tuple(
            [e for day in days if day.low_minutes >= minutes for e in day.entries if e.below_54 or e.low_marks]
        ),
    )


def counted(chart: Chart) -> list[SensorDay]:
    """The days with readings, scans beside historic values left out: what shares of time are made of."""
    worn = [day for day in chart.sensor_days if day.count or day.low_marks or day.high_marks]
    if not any(map(of_scans, {day.device for day in worn})):
        return worn
    return counted_once(worn, lambda day: (day.effective.date(), day.device))


def days_of(entries: Iterable[SensorDay]) -> int:
    """How many calendar days the aggregates are of; two devices of one day are one."""
    return len({entry.effective.date() for entry in entries})
