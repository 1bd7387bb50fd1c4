"""How is everybody: one row a patient, from a fixed number of queries whatever the number of patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinical.chart import Chart, Result, Therapy
from clinical.finding import SEVERITIES
from clinical.therapy import Regimen, is_analogue, regimen_at
from data.charts import load_part
from data.flag_moves import STANDING
from data.intake.item import RETRACTIONS
from data.models import Flag, Patient, Record
from data.people import Actor, visible

SPARK: Final = 12
KINDS: Final = ("skin", "response", "state", "therapy")
ANALYTES: Final = ("glucagon", "hba1c", "weight")
WEIGHT_SPAN: Final = timedelta(days=150)
"""Weight is compared with the last one at least this much older: half a year, less a visit that came early."""

Trend = Literal["up", "down", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestResult:
    """The newest result of an analyte. `value` None: it came as text or without a result; `text` then says what came.

    `times_limit` is value / upper limit, None without a limit or for a `<x`. `trend` is against the one before, None
    where the two cannot be compared: another laboratory, method or unit, or no plain number.
    """

    value: float | None
    comparator: str | None
    unit: str | None
    text: str | None
    at: datetime
    precision: str
    times_limit: float | None
    trend: Trend | None
    previous: float | None
    previous_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightChange:
    """Percent change of the newest weight against the one of `since`."""

    percent: float
    kg: float
    at: datetime
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRow:
    """One patient at a glance. None everywhere means: not recorded.

    `last_seen` is when the newest record was taken. `spark` holds the newest glucagon numbers, oldest first; `<x` and
    texts are not in it. `planned_injection` is the date planned, or the last injection plus the interval in force.
    """

    mrn: str
    name: str | None
    birth_date: date | None
    deceased: bool
    state: str
    last_seen: datetime | None
    glucagon: LatestResult | None
    spark: tuple[tuple[datetime, float], ...]
    iga: int | None
    skin: str | None
    skin_at: datetime | None
    response: str | None
    response_at: datetime | None
    hba1c: LatestResult | None
    weight_kg: float | None
    weight_change: WeightChange | None
    regimen: Regimen | None
    planned_injection: date | None
    flags: Mapping[str, int]


def cohort(session: Session, actor: Actor, *, now: datetime) -> tuple[CohortRow, ...]:
    """A row for each patient `actor` may see, as known at `now`, by name and hospital number."""
    theirs = select(Patient.id).where(visible(actor))
    patients = session.execute(
        select(Patient.id, Patient.mrn, Patient.name, Patient.birth_date, Patient.deceased_at)
        .where(visible(actor))
        .order_by(Patient.name, Patient.mrn)
    ).all()
    charts = load_part(session, theirs, kinds=KINDS, analytes=ANALYTES)
    seen = _last_seen(session, theirs, now)
    flags = _flags(session, theirs)
    return tuple(
        _row(patient, charts[patient.id].until(now), seen.get(patient.id), flags.get(patient.id, {}), now)
        for patient in patients
    )


def _last_seen(session: Session, theirs: Any, now: datetime) -> dict[int, datetime]:
    rows = session.execute(
        select(Record.patient_id, func.max(Record.effective_at))
        .where(Record.patient_id.in_(theirs), Record.superseded_by.is_(None), Record.effective_at <= now)
        .where(Record.status.not_in(sorted(RETRACTIONS)))
        .group_by(Record.patient_id)
    )
    return {patient_id: latest for patient_id, latest in rows}


def _flags(session: Session, theirs: Any) -> dict[int, dict[str, int]]:
    rows = session.execute(
        select(Flag.patient_id, Flag.severity, func.count())
        .where(Flag.patient_id.in_(theirs), Flag.status.in_(sorted(STANDING)))
        .group_by(Flag.patient_id, Flag.severity)
    )
    found: dict[int, dict[str, int]] = {}
    for patient_id, severity, number in rows:
        found.setdefault(patient_id, {})[severity] = number
    return found


def _row(patient: Any, chart: Chart, seen: datetime | None, flags: Mapping[str, int], now: datetime) -> CohortRow:
    glucagon = chart.of("glucagon")
    skin = chart.skin[-1] if chart.skin else None
    response = chart.responses[-1] if chart.responses else None
    weights = [r for r in chart.of("weight") if r.number is not None]
    regimen = regimen_at(chart, now)
    return CohortRow(
        mrn=patient.mrn,
        name=patient.name,
        birth_date=patient.birth_date,
        deceased=chart.deceased is not None,
        state=chart.state(),
        last_seen=seen,
        glucagon=_latest(glucagon),
        spark=tuple((r.effective, r.number) for r in glucagon if r.number is not None)[-SPARK:],
        iga=None if skin is None else skin.iga,
        skin=None if skin is None else skin.overall,
        skin_at=None if skin is None else skin.effective,
        response=None if response is None else response.response,
        response_at=None if response is None else response.effective,
        hba1c=_latest(chart.of("hba1c")),
        weight_kg=weights[-1].number if weights else None,
        weight_change=_weight_change(weights),
        regimen=regimen,
        planned_injection=_planned(chart.therapy, regimen),
        flags={severity: flags.get(severity, 0) for severity in SEVERITIES},
    )


def _latest(results: Sequence[Result]) -> LatestResult | None:
    if not results:
        return None
    last = results[-1]
    before = results[-2] if len(results) > 1 else None
    limit = last.ref_high
    return LatestResult(
        value=last.value,
        comparator=last.comparator,
        unit=last.unit,
        text=last.text,
        at=last.effective,
        precision=last.precision,
        times_limit=last.number / limit if last.number is not None and limit else None,
        trend=None if before is None else _trend(before, last),
        previous=None if before is None else before.number,
        previous_at=None if before is None else before.effective,
    )


def _trend(before: Result, last: Result) -> Trend | None:
    if before.number is None or last.number is None:
        return None
    if (before.lab, before.method, before.unit) != (last.lab, last.method, last.unit):
        return None
    if before.number == last.number:
        return "same"
    return "up" if last.number > before.number else "down"


def _weight_change(weights: Sequence[Result]) -> WeightChange | None:
    if not weights:
        return None
    last = weights[-1]
    base = next((w for w in reversed(weights) if last.effective - w.effective >= WEIGHT_SPAN), None)
    if base is None or not base.number or last.number is None:
        return None
    kg = last.number - base.number
    return WeightChange(percent=100 * kg / base.number, kg=kg, at=last.effective, since=base.effective)


def _planned(therapy: Sequence[Therapy], regimen: Regimen | None) -> date | None:
    if regimen is None:
        return None
    given = [t for t in therapy if t.kind == "injection" and is_analogue(t.drug)]
    if not given:
        return None
    if given[-1].planned_next is not None:
        return given[-1].planned_next
    if regimen.interval_days is None:
        return None
    return given[-1].effective.date() + timedelta(days=regimen.interval_days)
