"""The course of a patient's glucose sensors: one row a day for years, every reading for a short stretch.

All devices together, mg/dL. HI and LO are counted and never numbers. Scans beside historic values of their day count
once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.scans import counted_once
from clinical.units import to_canonical
from data.readings import HIGH, LOW, DayReadings, days_of

PERCENTILES = (0, 5, 50, 95, 100)
_NO_READINGS = np.zeros(0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SensorDays:
    """One row a UTC day with readings: lowest, 5th, 50th and 95th percentile and highest of the numbers.

    `count` is the numbers of a day; a day of nothing but marks has NaN percentiles.
    """

    day: tuple[date, ...]
    lowest: NDArray[np.float64]
    p5: NDArray[np.float64]
    median: NDArray[np.float64]
    p95: NDArray[np.float64]
    highest: NDArray[np.float64]
    count: tuple[int, ...]
    low_marks: tuple[int, ...]
    high_marks: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SensorReadings:
    """Every reading in order of time. `at`: shape (n,), datetime64[s], UTC. `values`: shape (n,), mg/dL, NaN where a
    mark stands. `marks`: shape (n,), PLAIN, LOW or HIGH of `data.readings`."""

    at: NDArray[np.datetime64]
    values: NDArray[np.float64]
    marks: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)


def sensor_days(days: Iterable[DayReadings]) -> SensorDays:
    """The percentiles of each day (linear between ranks) from the readings themselves, in order of day."""
    on: list[date] = []
    numbers: list[NDArray[np.float64]] = []
    low: list[int] = []
    high: list[int] = []
    for day, readings in groupby(days, key=lambda d: d.day):
        together = counted_once(readings, lambda r: (r.day, r.device))
        values = [mg_dl(r) for r in together]
        joined = values[0] if len(values) == 1 else np.concatenate(values)
        on.append(day)
        numbers.append(joined[np.isfinite(joined)])
        low.append(sum(int(np.count_nonzero(r.marks == LOW)) for r in together))
        high.append(sum(int(np.count_nonzero(r.marks == HIGH)) for r in together))
    counts = np.array([len(n) for n in numbers], dtype=np.int64)
    lowest, p5, median, p95, highest = _percentiles(numbers, counts)
    return SensorDays(
        day=tuple(on),
        lowest=lowest,
        p5=p5,
        median=median,
        p95=p95,
        highest=highest,
        count=tuple(counts.tolist()),
        low_marks=tuple(low),
        high_marks=tuple(high),
    )


def load_sensor_days(session: Session, patient_ids: Sequence[int], first: date, last: date) -> SensorDays:
    """The days from `first` to `last`, both included, of a patient known by `patient_ids` (the survivor first)."""
    return sensor_days(days_of(session, patient_ids, first, last))


def whole_sensor_course(session: Session, patient_ids: Sequence[int], chart: Chart) -> SensorDays:
    """Every day on which the chart has sensor readings."""
    days = chart.sensor_days
    if not days:
        return sensor_days(())
    return load_sensor_days(session, patient_ids, days[0].effective.date(), days[-1].effective.date())


def load_sensor_readings(session: Session, patient_ids: Sequence[int], first: date, last: date) -> SensorReadings:
    """Every reading of the UTC days from `first` to `last`, both included."""
    kept = counted_once(days_of(session, patient_ids, first, last), lambda r: (r.day, r.device))
    if not kept:
        return SensorReadings(at=np.zeros(0, "datetime64[s]"), values=_NO_READINGS, marks=_NO_READINGS.astype(np.int64))
    at = np.concatenate([np.datetime64(r.day, "s") + r.seconds.astype("timedelta64[s]") for r in kept])
    order = np.argsort(at, kind="stable")
    return SensorReadings(
        at=at[order],
        values=np.concatenate([mg_dl(r) for r in kept])[order],
        marks=np.concatenate([r.marks for r in kept])[order],
    )


def mg_dl(readings: DayReadings) -> NDArray[np.float64]:
    """The values of a day in mg/dL."""
    if readings.unit == "mg/dL":
        return readings.values
    return readings.values * to_canonical("glucose", Decimal(1), readings.unit)


def _percentiles(numbers: Sequence[NDArray[np.float64]], counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """One array a percentile: all days at once, as rows of one table sorted along their length."""
    days, most = len(numbers), int(counts.max(initial=0))
    table = np.full((days, max(most, 1)), np.inf)
    table[np.arange(most) < counts[:, None]] = np.concatenate([*numbers, _NO_READINGS])
    table.sort(axis=1)
    row = np.arange(days)
    found = []
    for percentile in PERCENTILES:
        rank = percentile / 100 * np.maximum(counts - 1, 0)
        below = np.floor(rank).astype(np.int64)
        low, high = table[row, below], table[row, np.ceil(rank).astype(np.int64)]
        with np.errstate(invalid="ignore"):
            found.append(np.where(counts > 0, low + (high - low) * (rank - below), np.nan))
    return tuple(found)
