"""From the readings of one export to days as they are stored: in UTC, each second once, contradictions held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from data.intake.cgm_export import Export, HeldRow, Series
from data.intake.cgm_zone import to_utc
from data.intake.moments import CLOCK_SKEW
from data.intake.parcel import Unreadable
from data.readings import PLAIN, SECONDS_A_DAY, DayReadings

_EPOCH = date(1970, 1, 1)
_NEIGHBOURS = "send the export with the rows around it, or look the time up in the sensor's own record"
_BOTH = "look it up in the sensor's own record; read the right row again and discard the other"


@dataclass(frozen=True, slots=True, eq=False)
class SensorDay:
    """A day of readings and the row each of them stands in."""

    readings: DayReadings
    rows: NDArray[np.int64]


def sensor_days(export: Export, zone: ZoneInfo | None, now: datetime) -> tuple[list[SensorDay], int]:
    """The days of an export, and how many readings it states a second time; what cannot be stored is held in `export`.

    Raises Unreadable for times of the wearer's clock where no zone was given.
    """
    found = export.series()
    if export.local and zone is None and found:
        raise Unreadable("has times without a zone; import with --zone, for example Europe/Berlin")
    days: list[SensorDay] = []
    repeated = 0
    for series in found:
        rows, utc = series.rows, series.times
        good = np.ones(len(rows), dtype=np.bool_)
        if export.local and zone is not None:
            utc, held = to_utc(utc, zone)
            good[list(held)] = False
            export.held += [HeldRow(int(rows[at]), why, _NEIGHBOURS) for at, why in held.items()]
        late = good & (utc > (now + CLOCK_SKEW).timestamp())
        export.held += [
            HeldRow(int(rows[at]), f"the time {_shown(int(utc[at]))} lies in the future", "check the date")
            for at in np.flatnonzero(late)
        ]
        order = np.flatnonzero(good & ~late)
        order = order[np.argsort(utc[order], kind="stable")]
        if len(order):
            taken, again = _days(export, series, rows, utc, order)
            days += taken
            repeated += again
    return sorted(days, key=lambda day: (day.readings.day, day.readings.device)), repeated


def _days(
    export: Export, series: Series, rows: NDArray[np.int64], utc: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[list[SensorDay], int]:
    values, marks = series.values[order], series.marks[order]
    utc, rows = utc[order], rows[order]
    words = np.where(marks == PLAIN, values, -marks)
    starts = np.flatnonzero(np.diff(utc, prepend=utc[0] - 1))
    lengths = np.diff(starts, append=len(utc))
    differ = np.minimum.reduceat(words, starts) != np.maximum.reduceat(words, starts)
    for start, length in zip(starts[differ], lengths[differ], strict=True):
        together = rows[start : start + length]
        places = " and ".join(export.place(int(row)) for row in together[:3])
        why = f"{series.device} states different values for {_shown(int(utc[start]))}, at {places}"
        export.held += [HeldRow(int(row), why, _BOTH) for row in together]
    firsts = starts[~differ]
    again = int((lengths[~differ] - 1).sum())
    utc, values, marks, rows = utc[firsts], values[firsts], marks[firsts], rows[firsts]
    day_of = utc // SECONDS_A_DAY
    turns = np.flatnonzero(np.diff(day_of, prepend=day_of[:1] - 1)).tolist()
    seconds = utc - day_of * SECONDS_A_DAY
    found = []
    for start, end in pairwise([*turns, len(firsts)]):
        readings = DayReadings(
            device=series.device,
            day=_EPOCH + timedelta(days=int(day_of[start])),
            unit=series.unit,
            seconds=seconds[start:end],
            values=values[start:end],
            marks=marks[start:end],
        )
        found.append(SensorDay(readings, rows[start:end]))
    return found, again


def _shown(utc: int) -> str:
    return f"{datetime.fromtimestamp(utc, UTC):%Y-%m-%d %H:%M:%S} UTC"
