"""What the page of one patient shows: who it is, the chart, the course of the marker, scans, sensor days, flags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.change import MarkerCourse, marker_course
from clinical.chart import Chart
from clinical.protocol import Protocol
from clinical.recist import VisitAssessment, assess
from clinical.therapy import Regimen, regimen_at
from clinical.units import to_canonical
from data.charts import load_charts
from data.flags import list_flags
from data.models import PatientTeam, Team
from data.patients import find_by_mrn
from data.people import Actor
from data.readings import HIGH, LOW, DayReadings, load_days

PERCENTILES = (5, 50, 95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells a patient apart from every other; it heads each of the patient's pages."""

    mrn: str
    name: str | None
    birth_date: date | None
    sex: str | None
    teams: tuple[str, ...]
    deceased: datetime | None
    withdrawn: datetime | None
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SensorDays:
    """One row a UTC day with sensor readings, all devices together, mg/dL. HI and LO are counted and never numbers;
    a day of nothing but marks has NaN percentiles."""

    day: tuple[date, ...]
    p5: NDArray[np.float64]
    median: NDArray[np.float64]
    p95: NDArray[np.float64]
    count: tuple[int, ...]
    low_marks: tuple[int, ...]
    high_marks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trends:
    """One patient as known at `as_of`. `flags` are documents of the contract, newest first, the closed ones too."""

    as_of: datetime
    identity: Identity
    chart: Chart
    marker: MarkerCourse
    scans: tuple[VisitAssessment, ...]
    sensor: SensorDays
    regimen: Regimen | None
    flags: tuple[dict[str, Any], ...]


def identity(session: Session, actor: Actor, mrn: str) -> Identity:
    """Who the patient is. Raises NotFound when the actor may not see `mrn`."""
    patient = find_by_mrn(session, actor, mrn)
    teams = session.scalars(
        select(Team.name)
        .join(PatientTeam, PatientTeam.team_id == Team.id)
        .where(PatientTeam.patient_id == patient.id)
        .order_by(Team.name)
    )
    return Identity(
        mrn=patient.mrn,
        name=patient.name,
        birth_date=patient.birth_date,
        sex=patient.sex,
        teams=tuple(teams),
        deceased=patient.deceased_at,
        withdrawn=patient.withdrawn_at,
        synthetic=patient.synthetic,
    )


def trends(session: Session, actor: Actor, mrn: str, *, protocol: Protocol, now: datetime) -> Trends:
    """Everything the patient page draws and says. Raises NotFound when the actor may not see `mrn`."""
    who = identity(session, actor, mrn)
    patient_id = find_by_mrn(session, actor, mrn).id
    chart = load_charts(session, [patient_id])[patient_id].until(now)
    days = _readings(session, actor, mrn, chart)
    return Trends(
        as_of=now,
        identity=who,
        chart=chart,
        marker=marker_course(chart, protocol),
        scans=assess(chart.lesions),
        sensor=sensor_days(days),
        regimen=regimen_at(chart, now),
        flags=tuple(list_flags(session, actor, mrn=mrn)),
    )


def sensor_days(days: Iterable[DayReadings]) -> SensorDays:
    """Percentiles of each day from the readings themselves; `days` in order of day."""
    on: list[date] = []
    percentiles: list[NDArray[np.float64]] = []
    counts: list[tuple[int, int, int]] = []
    for day, readings in groupby(days, key=lambda d: d.day):
        together = list(readings)
        numbers = np.concatenate([_mg_dl(r) for r in together])
        numbers = numbers[np.isfinite(numbers)]
        on.append(day)
        percentiles.append(np.percentile(numbers, PERCENTILES) if len(numbers) else np.full(len(PERCENTILES), np.nan))
        low, high = (sum(int((r.marks == mark).sum()) for r in together) for mark in (LOW, HIGH))
        counts.append((len(numbers), low, high))
    table = np.array(percentiles, dtype=np.float64).reshape(-1, len(PERCENTILES))
    return SensorDays(
        day=tuple(on),
        p5=table[:, 0],
        median=table[:, 1],
        p95=table[:, 2],
        count=tuple(c[0] for c in counts),
        low_marks=tuple(c[1] for c in counts),
        high_marks=tuple(c[2] for c in counts),
    )


def _readings(session: Session, actor: Actor, mrn: str, chart: Chart) -> list[DayReadings]:
    if not chart.sensor_days:
        return []
    return load_days(session, actor, mrn, chart.sensor_days[0].effective.date(), chart.sensor_days[-1].effective.date())


def _mg_dl(readings: DayReadings) -> NDArray[np.float64]:
    return readings.values * to_canonical("glucose", Decimal(1), readings.unit)
