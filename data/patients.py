"""Patients, their numbers and their care teams. Nobody is ever merged here: two people who might be one are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from data.audit import write_audit
from data.errors import BadInput
from data.intake.moments import FURTHEST_EAST
from data.models import Patient, PatientIdentifier, PatientTeam, Team
from data.people import CLINICAL_ROLES, SYSTEM_ROLE, Actor, Forbidden, NotFound, find_team, visible
from data.survivors import numbered, standing_id

SEXES = frozenset({"female", "male", "other"})
LONGEST_MRN = 120


class PatientError(BadInput):
    """A patient that cannot be registered as asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPatient:
    """A patient to register. `mrn_system` is the numbering the number belongs to, None for one typed by hand."""

    mrn: str
    mrn_system: str | None = None
    name: str | None = None
    birth_date: date | None = None
    sex: str | None = None
    deceased_at: datetime | None = None
    synthetic: bool = False


def add_patient(
    session: Session,
    actor: Actor,
    *,
    mrn: str,
    name: str | None,
    birth_date: date | None,
    sex: str | None,
    teams: Sequence[str],
    now: datetime,
) -> Patient:
    """Register a patient by hand. Raises as `register`."""
    new = NewPatient(mrn=mrn, name=name, birth_date=birth_date, sex=sex)
    return register(session, actor, new, teams=teams, now=now)


def register(session: Session, actor: Actor, new: NewPatient, *, teams: Sequence[str], now: datetime) -> Patient:
    """Register a patient under the named teams.

    Raises PatientError for an unusable or taken number or an impossible birth date, NotFound for an unknown team.
    """
    _require_clinical(actor)
    mrn = new.mrn.strip()
    if not mrn or len(mrn) > LONGEST_MRN or not mrn.isprintable():
        raise PatientError(f"a patient's number has 1 to {LONGEST_MRN} printable characters, not {mrn[:130]!r}")
    if new.sex is not None and new.sex not in SEXES:
        raise PatientError(f"sex is female, male or other, not {new.sex!r}")
    if new.birth_date is not None and new.birth_date > (now + FURTHEST_EAST).date():
        raise PatientError(f"the birth date {new.birth_date.isoformat()} lies in the future")
    if session.scalar(select(Patient.id).where(Patient.mrn == mrn)) is not None:
        raise PatientError(f"there is already a patient {mrn!r}")
    found = [find_team(session, team) for team in teams]
    patient = Patient(
        uuid=str(uuid4()),
        mrn=mrn,
        mrn_system=new.mrn_system,
        name=new.name.strip()[:300] if new.name and new.name.strip() else None,
        birth_date=new.birth_date,
        sex=new.sex,
        deceased_at=new.deceased_at,
        synthetic=new.synthetic,
        created_at=now,
        version=1,
    )
    session.add(patient)
    session.flush()
    session.add_all(PatientTeam(patient_id=patient.id, team_id=team.id) for team in found)
    session.flush()
    write_audit(
        session, actor, "patient.add", now=now, patient_uuid=patient.uuid, detail={"teams": [t.name for t in found]}
    )
    return patient


def list_patients(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """The patients the actor may see, by number, each with its teams."""
    teams: dict[int, list[str]] = {}
    pairs = select(PatientTeam.patient_id, Team.name).join(Team, Team.id == PatientTeam.team_id).order_by(Team.name)
    for patient_id, team in session.execute(pairs):
        teams.setdefault(patient_id, []).append(team)
    return [
        {
            "mrn": p.mrn,
            "name": p.name,
            "birth_date": None if p.birth_date is None else p.birth_date.isoformat(),
            "sex": p.sex,
            "deceased": None if p.deceased_at is None else p.deceased_at.isoformat(),
            "teams": teams.get(p.id, []),
            "synthetic": p.synthetic,
        }
        for p in session.scalars(select(Patient).where(visible(actor)).order_by(Patient.mrn))
    ]


def assign_team(session: Session, actor: Actor, *, mrn: str, team: str, now: datetime) -> None:
    """Put a patient under a care team as well. Raises NotFound for a patient or team that is not there."""
    _require_clinical(actor)
    patient, found = find_by_mrn(session, actor, mrn), find_team(session, team)
    if session.get(PatientTeam, (patient.id, found.id)) is None:
        session.add(PatientTeam(patient_id=patient.id, team_id=found.id))
        session.flush()
        write_audit(session, actor, "patient.assign", now=now, patient_uuid=patient.uuid, detail={"team": found.name})


def find_by_mrn(session: Session, actor: Actor, mrn: str) -> Patient:
    """The patient with the number `mrn`, for the number of a merged one its survivor.

    Raises NotFound, also for a patient the actor may not see.
    """
    patient = session.scalar(select(Patient).where(numbered(mrn.strip()), visible(actor)))
    if patient is None:
        raise NotFound(f"no patient {mrn!r}")
    return patient


def find_by_identifier(session: Session, actor: Actor, system: str, value: str) -> Patient | None:
    """The patient known by `value` in the numbering of `system`, of a merged one itself; None where there is none the
    actor may see."""
    own = aliased(Patient)
    return session.scalar(
        select(own)
        .join(PatientIdentifier, PatientIdentifier.patient_id == own.id)
        .join(Patient, Patient.id == standing_id(own.id))
        .where(PatientIdentifier.system == system, PatientIdentifier.value == value, visible(actor))
    )


def _require_clinical(actor: Actor) -> None:
    if actor.role != SYSTEM_ROLE and actor.role != "admin" and actor.role not in CLINICAL_ROLES:
        raise Forbidden("patients are registered by clinicians and admins")
