"""What patients agreed to: research use and sharing, by purpose and day; the newest word of a purpose counts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from data.audit import GIVEN, write_audit
from data.errors import BadInput
from data.models import Consent
from data.patients import find_by_mrn
from data.people import Actor

Purpose = Literal["research", "sharing"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
SHORTEST, LONGEST = 3, 500


class NotRecorded(BadInput):
    """A consent that cannot be recorded; the message says why."""


def record_consent(
    session: Session, actor: Actor, mrn: str, purpose: str, *, given: bool, on: date, said: str, now: datetime
) -> None:
    """Record that a patient agreed to a purpose, or withdrew it, on a day; `said` is how: a form, a talk.

    Raises NotFound, or NotRecorded for an unknown purpose, a day to come or words too few or too many.
    """
    patient = find_by_mrn(session, actor, mrn)
    said = " ".join(said.split())
    if purpose not in PURPOSES:
        raise NotRecorded(f"there is no purpose {purpose!r}; the purposes are {', '.join(PURPOSES)}")
    if on > now.date():
        raise NotRecorded(f"{on.isoformat()} is still to come")
    if not SHORTEST <= len(said) <= LONGEST:
        raise NotRecorded(f"say in {SHORTEST} to {LONGEST} characters how it was given or withdrawn")
    session.add(
        Consent(patient_id=patient.id, purpose=purpose, given=given, on=on, said=said, set_by=actor.name, set_at=now)
    )
    session.flush()
    detail = {"purpose": purpose, "given": given, "on": on.isoformat(), GIVEN: said}
    write_audit(session, actor, "patient.consent", now=now, patient_uuid=patient.uuid, detail=detail)


def consents(session: Session, actor: Actor, mrn: str) -> list[dict[str, Any]]:
    """Every consent of a patient, oldest first: `purpose, given, on, said, by, at`. Raises NotFound."""
    patient = find_by_mrn(session, actor, mrn)
    rows = session.scalars(select(Consent).where(Consent.patient_id == patient.id).order_by(Consent.id))
    return [
        {
            "purpose": row.purpose,
            "given": row.given,
            "on": row.on.isoformat(),
            "said": row.said,
            "by": row.set_by,
            "at": row.set_at.isoformat(),
        }
        for row in rows
    ]


def agreed(patient_id: InstrumentedAttribute[int], purpose: Purpose) -> ColumnElement[bool]:
    """The where-clause on a column of patients that leaves those whose newest word about a purpose is yes."""
    later = aliased(Consent)
    newest = (
        ~select(later.id)
        .where(later.patient_id == Consent.patient_id, later.purpose == purpose, later.id > Consent.id)
        .exists()
    )
    return patient_id.in_(select(Consent.patient_id).where(Consent.purpose == purpose, Consent.given, newest))
