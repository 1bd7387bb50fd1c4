"""Mean amplitude of glycaemic excursions (MAGE). Implementations differ; this one is named `MAGE_VARIANT`.

For each day: turning points whose swings all exceed one sample standard deviation of that day, in the direction of the
first such swing (Service 1970; clinical reference section 8 [S104]). Over several days: the mean of the days. A day
with less than 70 % of its readings, or with a HI or LO whose height is not known, has none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clinical.glucose_readings import MINUTES_A_DAY, NUMBER, Readings
from clinical.glucose_wear import SUFFICIENT_PERCENT, interval_minutes

MAGE_VARIANT = "Service 1970: swings above 1 SD of the day, direction of the first, mean of days"


def excursion_amplitude(mg_dl: NDArray[np.float64]) -> float | None:
    """MAGE of one stretch of numbers in order of time, shape (n,), in mg/dL, taken as one day.

    None where no swing exceeds the standard deviation.
    """
    if mg_dl.size < 3:
        return None
    swings = np.diff(_pivots(mg_dl, float(mg_dl.std(ddof=1))))
    if not swings.size:
        return None
    return float(np.abs(swings[swings > 0] if swings[0] > 0 else swings[swings < 0]).mean())


def mage(readings: Readings) -> float | None:
    """Mean of the days' MAGE in mg/dL; None where no day has one."""
    interval = interval_minutes(readings)
    if interval is None:
        return None
    enough = SUFFICIENT_PERCENT / 100 * MINUTES_A_DAY / interval
    mg_dl, marked = readings.mg_dl, readings.marks != NUMBER
    days = readings.wall.astype("datetime64[D]").astype(np.int64)
    order = np.argsort(days, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(days[order]) != 0])
    amplitudes = [
        excursion_amplitude(mg_dl[day])
        for day in np.split(order, starts[1:])
        if day.size >= enough and not marked[day].any()
    ]
    found = [a for a in amplitudes if a is not None]
    return float(np.mean(found)) if found else None


def _turning_points(values: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = values[np.r_[True, np.diff(values) != 0]]
    rising = np.diff(moved) > 0
    return moved[np.r_[True, rising[1:] != rising[:-1], True]] if moved.size > 1 else moved


def _pivots(values: NDArray[np.float64], least: float) -> list[float]:
    """Alternating highs and lows, each further than `least` from the one before."""
    points = _turning_points(values).tolist()
    low = high = points[0]
    pivots: list[float] = []
    rising = False
    for point in points[1:]:
        if not pivots:
            low, high = min(low, point), max(high, point)
            if high - low > least:
                rising = point == high
                pivots = [low, high] if rising else [high, low]
        elif (point > pivots[-1]) is rising:
            pivots[-1] = max(pivots[-1], point) if rising else min(pivots[-1], point)
        elif abs(point - pivots[-1]) > least:
            pivots.append(point)
            rising = not rising
    return pivots
