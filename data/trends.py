"""What the pages of one patient show: who it is, the chart, the course of the marker, scans, flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinical.change import MarkerCourse, marker_course
from clinical.chart import Chart, DiseaseStateName
from clinical.imaging import assessments
from clinical.protocol import Protocol
from clinical.recist import VisitAssessment
from clinical.therapy import Regimen, regimen_at
from data.charts import load_part
from data.decisions import decisions_of
from data.flags import flags_of
from data.models import Flag, Patient, PatientSurvivor, PatientTeam, ReadingDay, Record, Team
from data.patients import find_by_mrn
from data.people import Actor, NotFound, visible
from data.recent_charts import recent_chart
from data.survivors import members, numbered


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
    transferred: datetime | None
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What heads every page of a patient: identity, disease state, analogue regimen."""

    identity: Identity
    state: DiseaseStateName
    regimen: Regimen | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trends:
    """One patient as known at `as_of`; `version` is the `data_version` of what was read.

    `patient_ids`: the patient and everybody merged into it, itself first. `flags` are documents of the contract without
    their history, newest first, the closed ones too; `decisions` what was decided about them, oldest first.
    """

    as_of: datetime
    version: str
    name: str | None
    patient_ids: tuple[int, ...]
    chart: Chart
    marker: MarkerCourse
    scans: tuple[VisitAssessment, ...]
    regimen: Regimen | None
    flags: tuple[dict[str, Any], ...]
    decisions: tuple[dict[str, Any], ...] = ()


def identity(session: Session, actor: Actor, mrn: str) -> Identity:
    """Who the patient is. Raises NotFound when the actor may not see `mrn`."""
    patient = find_by_mrn(session, actor, mrn)
    teams = session.scalars(
        select(Team.name)
        .join(PatientTeam, PatientTeam.team_id == Team.id)
        .where(PatientTeam.patient_id.in_(members(session, patient.id)))
        .distinct()
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
        transferred=patient.transferred_at,
        synthetic=patient.synthetic,
    )


def head(session: Session, actor: Actor, mrn: str, *, now: datetime) -> Head:
    """Who the patient is and where they stand. Raises NotFound when the actor may not see `mrn`."""
    patient_id = find_by_mrn(session, actor, mrn).id
    chart = load_part(session, [patient_id], kinds=("state", "therapy"), analytes=())[patient_id].until(now)
    return Head(identity=identity(session, actor, mrn), state=chart.state(), regimen=regimen_at(chart, now))


def trends(session: Session, actor: Actor, mrn: str, *, protocol: Protocol, now: datetime) -> Trends:
    """Everything the patient page draws and says but the sensor readings (`data.sensor_course`).

    Raises NotFound when the actor may not see `mrn`.
    """
    patient, ids = _person(session, actor, mrn)
    version = data_version(session, ids)
    chart = recent_chart(session, patient, ids, version).until(now)
    flags = tuple(flags_of(session, ids, patient.mrn))
    return Trends(
        as_of=now,
        version=version,
        name=patient.name,
        patient_ids=ids,
        chart=chart,
        marker=marker_course(chart, protocol),
        scans=assessments(chart),
        regimen=regimen_at(chart, now),
        flags=flags,
        decisions=tuple(decisions_of(session, ids)) if flags else (),
    )


def patient_ids(session: Session, actor: Actor, mrn: str) -> tuple[int, ...]:
    """The ids of all that is one with the patient, its own first. Raises NotFound when the actor may not see `mrn`."""
    return _person(session, actor, mrn)[1]


def _person(session: Session, actor: Actor, mrn: str) -> tuple[Patient, tuple[int, ...]]:
    """The patient and the ids of all that is one with it, itself first. Raises NotFound as `find_by_mrn`."""
    rows = session.execute(
        select(Patient, PatientSurvivor.patient_id)
        .outerjoin(PatientSurvivor, PatientSurvivor.survivor_id == Patient.id)
        .where(numbered(mrn.strip()), visible(actor))
        .order_by(PatientSurvivor.patient_id)
    ).all()
    if not rows:
        raise NotFound(f"no patient {mrn!r}")
    patient = rows[0][0]
    return patient, (patient.id, *(merged for _, merged in rows if merged is not None))


def data_version(session: Session, patient_ids: Sequence[int]) -> str:
    """A text that changes whenever something is stored, corrected, flagged or decided about these patients."""
    newest = select(func.max(Record.ingest_seq)).where(Record.patient_id.in_(patient_ids)).scalar_subquery()
    days = select(func.max(ReadingDay.ingest_seq)).where(ReadingDay.patient_id.in_(patient_ids)).scalar_subquery()
    flags = select(func.count(), func.sum(Flag.version)).where(Flag.patient_id.in_(patient_ids))
    row = session.execute(flags.add_columns(newest, days)).one()
    return "-".join(str(part or 0) for part in row)


def current_version(session: Session, actor: Actor, mrn: str) -> str:
    """`data_version` of the patient with this number. Raises NotFound when the actor may not see `mrn`."""
    patient = find_by_mrn(session, actor, mrn)
    return data_version(session, members(session, patient.id))
