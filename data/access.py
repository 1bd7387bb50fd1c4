"""Whether an actor reaches a patient, and the audit row that says it was done; one row for a list of patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.models import Audit, Flag, Patient
from data.people import Actor, visible
from data.survivors import numbered, standing_id

READ = "patient.read"
DENIED = "access"
LISTED = "patients.listed"
HELD = "quarantine.read"
# How far back in the trail a list looks for its own earlier rows: what is older is noted again.
LOOKED_BACK = 5_000


@dataclass(frozen=True, slots=True)
class Reach:
    """What an actor's request for a patient comes to.

    `patient_uuid` is the patient meant, None when there is none; `allowed` whether the actor may see it; `noted`
    whether the actor's reading of this patient has an audit row already.
    """

    patient_uuid: str | None = None
    allowed: bool = False
    noted: bool = False


def reach_patient(session: Session, actor: Actor, mrn: str, *, since: datetime) -> Reach:
    """How `actor` stands to the patient with this hospital number; readings noted after `since` count as noted."""
    return _reach(session, actor, select(Patient.uuid, _allowed(actor)).where(numbered(_sayable(mrn))), since)


def reach_flag(session: Session, actor: Actor, flag_id: str, *, since: datetime) -> Reach:
    """How `actor` stands to the patient of this flag; otherwise as `reach_patient`."""
    flagged = select(Patient.uuid, _allowed(actor)).join(Flag, standing_id(Flag.patient_id) == Patient.id)
    return _reach(session, actor, flagged.where(Flag.id == _sayable(flag_id)), since)


def note_read(session: Session, actor: Actor, patient_uuid: str, place: str, *, now: datetime) -> None:
    """Write the audit row of one reading of one patient's data; `place` says where in the program."""
    write_audit(session, actor, READ, now=now, patient_uuid=patient_uuid, object=place)


def not_noted(session: Session, actor: Actor, mrns: Iterable[str], place: str, *, since: datetime) -> list[str]:
    """The uuids of the listed patients whom no row of this list names after `since`, for the same actor and source."""
    shown = set(session.scalars(select(Patient.uuid).where(Patient.mrn.in_(set(mrns)))))
    newest = select(func.max(Audit.seq)).scalar_subquery()
    noted = select(Audit.detail).where(
        *(Audit.seq > newest - LOOKED_BACK, Audit.action == LISTED, Audit.object == place, Audit.at >= since),
        *(Audit.actor == actor.name, Audit.source == actor.source),
    )
    return sorted(shown.difference(*((detail or {}).get("patients", ()) for detail in session.scalars(noted))))


def note_listed(session: Session, actor: Actor, patient_uuids: list[str], place: str, *, now: datetime) -> None:
    """Write one audit row that names the patients of a list; `place` says where in the program it stands."""
    write_audit(session, actor, LISTED, now=now, object=place, detail={"patients": patient_uuids})


def note_held(session: Session, actor: Actor, items: list[int], place: str, *, now: datetime) -> None:
    """Write the audit row of a look at items in quarantine, which say something of patients not known yet."""
    write_audit(session, actor, HELD, now=now, object=place, detail={"items": items})


def note_denied(session: Session, actor: Actor, patient_uuid: str | None, place: str, *, now: datetime) -> None:
    """Write the audit row of a request that was refused."""
    write_audit(session, actor, DENIED, now=now, patient_uuid=patient_uuid, object=place, outcome="denied")


def _reach(session: Session, actor: Actor, wanted: Select[str, int], since: datetime) -> Reach:
    row = session.execute(wanted).one_or_none()
    if row is None:
        return Reach()
    uuid, allowed = row
    noted = select(Audit.seq).where(
        Audit.patient_uuid == uuid,
        Audit.action == READ,
        Audit.outcome == "ok",
        Audit.actor == actor.name,
        Audit.source == actor.source,
        Audit.at >= since,
    )
    return Reach(uuid, bool(allowed), session.scalar(noted.limit(1)) is not None)


def _sayable(name: str) -> str | None:
    # PostgreSQL refuses the whole statement for a NUL or half a surrogate pair; no row is named like that.
    return None if "\x00" in name or any("\ud800" <= c <= "\udfff" for c in name) else name


def _allowed(actor: Actor) -> ColumnElement[int]:
    return case((visible(actor), 1), else_=0)
