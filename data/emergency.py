"""Emergency access: a clinician opens a patient no team of theirs follows, says why, and it is seen by others.

It lasts an hour and cannot be prolonged but by asking again. The reason is kept beside the audit trail, whose rows
about the patient say `emergency` meanwhile; the privacy officer gets a mail at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from clinical.saying import say
from data.announcing import MailPolicy, alarm, alarm_to
from data.audit import write_audit
from data.errors import BadInput
from data.models import Emergency, Patient, Person
from data.people import CLINICAL_ROLES, SYSTEM_ROLE, Actor, Forbidden, Opened, visible
from data.survivors import numbered, standing_id
from data.throttle import Allowance, reserve

LIFE: Final = timedelta(minutes=60)
REASON_MIN: Final = 10
REASON_MAX: Final = 500
# Right and wrong numbers alike: it is a way to one patient, not to a list of them.
PER_PERSON: Final = Allowance(free=10, closes_after=10, forgets_after=timedelta(hours=1))
ACTION: Final = "patient.emergency"
ALARM: Final = "emergency"


class EmergencyRefused(BadInput):
    """What an emergency needs is missing; the message says what. It never says whether there is such a patient."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """Who is told: the address of the privacy officer, without one the admins."""

    mail: MailPolicy
    address: str | None

    def tell(self, session: Session, reason: str, now: datetime, *, about: int | None, **said: int | str) -> None:
        """Write the mail of this reason (a word the templates know) about what the person `about` has done."""
        if self.address is None or about is None:
            alarm(session, reason, self.mail, now, **said)
        else:
            alarm_to(session, self.address, reason, self.mail, now, about=about, **said)


def open_in_emergency(
    session: Session, actor: Actor, mrn: str, reason: str, *, privacy: Privacy, now: datetime
) -> None:
    """Open the patient of this number to the actor for an hour, if there is one whom no team of theirs follows.

    Nothing is returned whether the patient was opened, is followed anyway or does not exist. The caller has asked for
    the password again. Raises EmergencyRefused for a reason too short or too long, TooManyTries after too many numbers
    in an hour, Forbidden for who is no clinician.
    """
    if actor.role not in CLINICAL_ROLES or actor.person_id is None:
        raise Forbidden("emergency access is a clinician's")
    reason = check_reason(reason)
    busy = reserve(session, {f"emergency:{actor.person_id}": PER_PERSON}, now)
    if busy is not None:
        raise busy
    sayable = "\x00" not in mrn and not any("\ud800" <= c <= "\udfff" for c in mrn)
    patient = session.scalar(select(Patient).where(numbered(mrn))) if sayable else None
    if patient is None:
        write_audit(session, actor, ACTION, now=now, outcome="denied")
    elif session.scalar(select(Patient.id).where(Patient.id == patient.id, visible(actor))) is not None:
        write_audit(session, actor, ACTION, now=now, patient_uuid=patient.uuid, detail={"opened": False})
    else:
        _open(session, actor, patient, reason, privacy, now)


def check_reason(reason: str) -> str:
    """The reason without needless spaces. Raises EmergencyRefused for one too short or too long."""
    reason = " ".join(reason.split())
    if not REASON_MIN <= len(reason) <= REASON_MAX:
        least, most = str(REASON_MIN), str(REASON_MAX)
        raise EmergencyRefused(say("say why in {least} to {most} characters", least=least, most=most))
    return reason


def anything_open(person_id: Any, now: datetime) -> ColumnElement[bool]:
    """The where-clause on a column of people that leaves those whose hour with a patient is not over."""
    return exists().where(Emergency.person_id == person_id, Emergency.ends_at > now)


def opened_by(session: Session, person_id: int, now: datetime) -> frozenset[Opened]:
    """The patients a person has opened and whose hour is not over."""
    rows = session.execute(
        select(Patient.id, Patient.uuid)
        .join(Emergency, Patient.id == standing_id(Emergency.patient_id))
        .where(Emergency.person_id == person_id, Emergency.ends_at > now)
    )
    return frozenset(Opened(patient_id, uuid) for patient_id, uuid in rows)


def open_until(session: Session, person_id: int, now: datetime) -> datetime | None:
    """When the last of a person's emergency accesses ends; None while none runs."""
    running = select(func.max(Emergency.ends_at)).where(Emergency.person_id == person_id, Emergency.ends_at > now)
    return session.scalar(running)


def list_emergencies(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """Every emergency access, newest first: `id, who, patient, reason, opened_at, ends_at`.

    Raises Forbidden for anyone but an auditor or the system.
    """
    if actor.role not in ("auditor", SYSTEM_ROLE):
        raise Forbidden("who opened what in an emergency is an auditor's to read")
    rows = session.execute(
        select(Emergency, Person.email, Patient.mrn)
        .join(Person, Person.id == Emergency.person_id)
        .join(Patient, Patient.id == Emergency.patient_id)
        .order_by(Emergency.opened_at.desc(), Emergency.id)
    )
    return [
        {
            "id": found.id,
            "who": email,
            "patient": mrn,
            "reason": found.reason,
            "opened_at": msgspec.to_builtins(found.opened_at),
            "ends_at": msgspec.to_builtins(found.ends_at),
        }
        for found, email, mrn in rows
    ]


def _open(session: Session, actor: Actor, patient: Patient, reason: str, privacy: Privacy, now: datetime) -> None:
    opened = Emergency(
        id=str(uuid4()),
        person_id=actor.person_id,
        patient_id=patient.id,
        reason=reason,
        opened_at=now,
        ends_at=now + LIFE,
    )
    session.add(opened)
    session.flush()
    privacy.tell(session, ALARM, now, about=opened.person_id, number=opened.id)
    detail = {"opened": True, "emergency": True, "id": opened.id, "until": msgspec.to_builtins(opened.ends_at)}
    write_audit(session, actor, ACTION, now=now, patient_uuid=patient.uuid, detail=detail)
