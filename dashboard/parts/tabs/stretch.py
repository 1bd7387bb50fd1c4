"""A stretch of the sensor's course in the detail it deserves: readings up to a quarter of a year, days beyond."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from dashboard.figures.sensor import drawn_of, sensor_traces
from dashboard.figures.sent import sent
from dashboard.figures.series import SensorBand, SensorStretch
from dashboard.language import _, whole
from dashboard.parts.plotted.channels import sensor_band, sensor_stretch
from dashboard.parts.times import Clock
from dashboard.parts.units import Units
from data.patients import find_by_mrn
from data.people import Actor
from data.sensor_course import load_sensor_days, load_sensor_readings
from data.survivors import members

READINGS_UP_TO = timedelta(days=92)
EARLIEST_MS, LATEST_MS = -6e12, 8e12
SLACK = timedelta(days=1)
SENT = ("x", "y", "text", "customdata", "mode", "marker", "hovertemplate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """From when to when, on the site's clock, and the upper end of the glucose axis in the unit shown."""

    first: datetime
    last: datetime
    top: float


def asked_for(window: Sequence[float] | None) -> Asked | None:
    """What a browser asks for - start and end in ms and the end of the axis -, None where it makes no sense."""
    if window is None or len(window) != 3 or not all(map(math.isfinite, window)):
        return None
    start, end, top = window
    if not EARLIEST_MS < start < end < LATEST_MS or not 0 < top < 1e6:
        return None
    first, last = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (start, end))
    return Asked(first=first, last=last, top=top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The properties of the five sensor traces that a stretch replaces, and what is drawn in words."""

    traces: tuple[dict[str, Any], ...]
    said: str


def stretch(session: Session, actor: Actor, mrn: str, asked: Asked, *, clock: Clock, units: Units) -> Stretch:
    """The sensor between two moments, with a day of slack on both sides. Raises NotFound for a patient out of sight."""
    patient = find_by_mrn(session, actor, mrn)
    ids = [patient.id, *(id for id in members(session, patient.id) if id != patient.id)]
    first, last = (asked.first - SLACK).date(), (asked.last + SLACK).date()
    if asked.last - asked.first > READINGS_UP_TO:
        days = load_sensor_days(session, ids, first, last)
        band = sensor_band(days, units)
        return Stretch(traces=_sent(band, SensorStretch(), asked.top), said=_days(len(band)))
    readings = load_sensor_readings(session, ids, first, last)
    drawn = sensor_stretch(readings, clock, units)
    return Stretch(traces=_sent(SensorBand(), drawn, asked.top), said=_readings(drawn_of(drawn), len(drawn)))


def _sent(band: SensorBand, drawn: SensorStretch, top: float) -> tuple[dict[str, Any], ...]:
    traces = [{**t, "yaxis": "y"} for t in sensor_traces(band, drawn, top=top)]
    return tuple({name: sent(trace[name]) for name in SENT if name in trace} for trace in traces)


def _days(count: int) -> str:
    if not count:
        return _("No sensor readings in this stretch.")
    return _(
        "Sensor: {n} days, each by its lowest, 5 %, median, 95 % and highest. Zoom in to three months for readings.",
        n=count,
    )


def _readings(drawn: int, all: int) -> str:
    if not all:
        return _("No sensor readings in this stretch.")
    if drawn < all:
        return _(
            "Sensor: {drawn} of {all} readings drawn, every peak and trough among them.",
            drawn=whole(drawn),
            all=whole(all),
        )
    return _("Sensor: each of {all} readings drawn.", all=whole(all))
