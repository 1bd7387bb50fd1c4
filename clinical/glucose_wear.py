"""How much a sensor was worn: interval, days, active percent, and whether the data suffice.

Sufficient: 14 days of which at least 70 % of the readings are there (10 of 14 days). Source: clinical reference section
8 [S98][S99]. Active percent: readings present of those due between the first and the last, missing ones counted gap by
gap, so that an extra reading between two slots does not make up for a missing one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.glucose_readings import MINUTES_A_DAY, Readings

SUFFICIENT_DAYS = 14
SUFFICIENT_PERCENT = 70.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """`interval_min`: the sensor's interval in whole minutes. `days`: from the first reading to the end of the last.
    `active_percent`: readings present, of all due in those days. `recent_percent`: of all due in the last 14 days. None
    where fewer than two readings leave the interval unknown."""

    interval_min: int | None
    days: float
    active_percent: float | None
    recent_percent: float | None
    sufficient: bool


def interval_minutes(readings: Readings) -> int | None:
    """The commonest gap between readings in whole minutes (the shortest of equals); None where there is no gap."""
    gaps = np.rint(_gap_minutes(readings)).astype(np.int64)
    lengths, counts = np.unique(gaps[gaps > 0], return_counts=True)
    return int(lengths[counts.argmax()]) if lengths.size else None


def wear(readings: Readings) -> Wear:
    """How much the sensor was worn."""
    interval = interval_minutes(readings)
    if interval is None:
        return Wear(interval_min=None, days=0.0, active_percent=None, recent_percent=None, sufficient=False)
    gaps = _gap_minutes(readings)
    span = float(gaps.sum())
    recent = _present(readings.last_days(SUFFICIENT_DAYS), interval)
    recent_percent = min(100.0, 100 * recent * interval / (SUFFICIENT_DAYS * MINUTES_A_DAY))
    due = round(span / interval) + 1
    return Wear(
        interval_min=interval,
        days=(span + interval) / MINUTES_A_DAY,
        active_percent=100 * (due - _missing(gaps, interval)) / due,
        recent_percent=recent_percent,
        sufficient=recent_percent >= SUFFICIENT_PERCENT,
    )


def _gap_minutes(readings: Readings) -> NDArray[np.float64]:
    minutes: NDArray[np.float64] = np.diff(readings.at).astype(np.float64) / 60
    return minutes


def _missing(gaps: NDArray[np.float64], interval: int) -> int:
    return int(np.maximum(np.rint(gaps / interval) - 1, 0).sum())


def _present(readings: Readings, interval: int) -> int:
    gaps = _gap_minutes(readings)
    return round(float(gaps.sum()) / interval) + 1 - _missing(gaps, interval)
