"""Handing a flag to somebody else of the patient's teams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.saying import say
from data.announcing import MailPolicy, announce_to
from data.errors import BadInput
from data.flag_hands import at_hand, audit_move
from data.flag_moves import Mover, Status, move
from data.models import Flag, PatientTeam, Person, PersonTeam
from data.people import CLINICAL_ROLES, Actor
from data.survivors import members, survivor_of


class NotAssigned(BadInput):
    """Somebody a flag cannot be handed to; the message says why."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """A clinician who follows the patient of a flag."""

    id: int
    name: str
    email: str
    role: str


def colleagues(session: Session, actor: Actor, flag_id: str) -> tuple[Colleague, ...]:
    """Whom the actor may hand the flag to, by name: enabled clinicians of the patient's teams but for the actor.

    Within a check of the caller: nothing is asked about who may see the flag.
    """
    patient_id = session.scalar(select(Flag.patient_id).where(Flag.id == flag_id))
    if patient_id is None:
        return ()
    following = (
        select(PersonTeam.person_id)
        .join(PatientTeam, PatientTeam.team_id == PersonTeam.team_id)
        .where(PatientTeam.patient_id.in_(members(session, survivor_of(session, patient_id))))
    )
    people = session.scalars(
        select(Person)
        .where(Person.id.in_(following), Person.id != actor.person_id, Person.disabled_at.is_(None))
        .where(Person.role.in_(sorted(CLINICAL_ROLES)))
        .order_by(Person.name, Person.email)
    )
    return tuple(Colleague(p.id, p.name, p.email, p.role) for p in people)


def assign(
    session: Session, actor: Actor, flag_id: str, *, to: int, why: str, version: int, mail: MailPolicy, now: datetime
) -> Status:
    """Hand a flag to the person with the id `to`. It stands open until they take it, and they are told by mail.

    Raises as `data.flags.acknowledge`, and NotAssigned for somebody who does not follow the patient.
    """
    flag = at_hand(session, actor, flag_id, "assign", why=why, version=version)
    found = next((one for one in colleagues(session, actor, flag_id) if one.id == to), None)
    if found is None:
        raise NotAssigned(say("choose somebody else of the teams that follow this patient"))
    mover = Mover(actor.name, now, why.strip(), actor.person_id)
    status = move(
        session,
        flag_id,
        "assign",
        mover,
        status=flag.status,
        version=version,
        values={"owner_id": to},
        detail={"to": found.email},
    )
    announce_to(session, flag, to, mail, now)
    audit_move(session, actor, flag, "assign", status, now)
    return status
