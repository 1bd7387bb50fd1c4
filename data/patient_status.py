"""Whether a patient is followed: active, deceased, transferred or withdrawn, with a date and a reason.

Anything but active ends reminders and mails from that day on. The record stays: data are still taken in, flags stay as
they stood, pages show them with the date.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, Final, Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.saying import Day, say
from data.announcing import cancel_unsent
from data.audit import GIVEN, write_audit
from data.errors import BadInput
from data.intake.moments import FURTHEST_EAST
from data.models import Flag, Patient, PatientStatus
from data.patients import find_by_mrn
from data.people import CLINICAL_ROLES, SYSTEM_ROLE, Actor, Forbidden
from data.records import lock_ingest, take_ingest
from data.survivors import members

Status = Literal["active", "deceased", "transferred", "withdrawn"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
SHORTEST_REASON: Final = 5
_COLUMNS: Final = {"deceased": "deceased_at", "transferred": "transferred_at", "withdrawn": "withdrawn_at"}


class StatusError(BadInput):
    """A state that cannot be set as asked; the message says why."""


def set_status(
    session: Session, actor: Actor, *, mrn: str, status: str, on: date, reason: str, now: datetime
) -> dict[str, Any]:
    """Put the patient into a state from `on` on and return it as `patient_status` does.

    Mails not yet sent are cancelled unless the state is active, and the next sweep judges anew. Raises NotFound,
    Forbidden for anyone but a clinician or the system, StatusError for an unknown state, a date ahead or no reason.
    """
    if actor.role not in (SYSTEM_ROLE, *CLINICAL_ROLES):
        raise Forbidden("a patient's state is set by clinicians")
    if status not in STATUSES:
        raise StatusError(f"a patient is {', '.join(STATUSES)}, not {status!r}")
    if len(reason.strip()) < SHORTEST_REASON:
        raise StatusError(say("say why in at least {n} letters", n=SHORTEST_REASON))
    if on > (now + FURTHEST_EAST).date():
        raise StatusError(say("{day} lies in the future", day=Day(on.isoformat())))
    lock_ingest(session)
    patient = find_by_mrn(session, actor, mrn)
    if patient.birth_date is not None and on < patient.birth_date:
        raise StatusError(say("{day} lies before the birth date", day=Day(on.isoformat())))
    before = state_of(patient)
    note_status(session, actor, patient, status, on, reason.strip(), now)
    for name, column in _COLUMNS.items():
        setattr(patient, column, datetime.combine(on, time(), UTC) if name == status else None)
    patient.version += 1
    session.flush()
    take_ingest(session, batch_id=None, patient_ids=[patient.id], now=now)
    if status != "active":
        end_mails(session, patient.id)
    write_audit(
        session,
        actor,
        "patient.status",
        now=now,
        patient_uuid=patient.uuid,
        detail={"old": before, "new": status, "on": on.isoformat(), GIVEN: reason.strip()},
    )
    return patient_status(session, actor, mrn)


def patient_status(session: Session, actor: Actor, mrn: str) -> dict[str, Any]:
    """`{"patient", "status", "history": [{"status", "on", "reason", "by", "at"}]}`, oldest first. Raises NotFound."""
    patient = find_by_mrn(session, actor, mrn)
    rows = session.scalars(
        select(PatientStatus).where(PatientStatus.patient_id == patient.id).order_by(PatientStatus.id)
    )
    return {
        "patient": patient.mrn,
        "status": state_of(patient),
        "history": [
            {
                "status": row.status,
                "on": row.on.isoformat(),
                "reason": row.reason,
                "by": row.set_by,
                "at": row.set_at.isoformat(),
            }
            for row in rows
        ],
    }


def note_status(
    session: Session, actor: Actor, patient: Patient, status: str, on: date, reason: str, now: datetime
) -> None:
    """Add a row to the patient's history of states."""
    session.add(
        PatientStatus(patient_id=patient.id, status=status, on=on, reason=reason, set_by=actor.name, set_at=now)
    )
    session.flush()


def end_mails(session: Session, patient_id: int) -> int:
    """Cancel what was not sent yet of every flag of the patient; returns how many mails."""
    flags = session.scalars(select(Flag.id).where(Flag.patient_id.in_(members(session, patient_id))))
    return cancel_unsent(session, list(flags), why="the patient is no longer followed")


def state_of(patient: Patient) -> str:
    """The state a patient is in now."""
    return next((name for name, column in _COLUMNS.items() if getattr(patient, column) is not None), "active")
