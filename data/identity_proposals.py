"""What messages say about who somebody is: kept as proposals, done only when a person accepts them with a reason."""

from __future__ import annotations

import json
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, func, insert, select, true
from sqlalchemy.orm import Session, aliased

from clinical.saying import kept, restored, say
from data.audit import GIVEN, write_audit
from data.errors import BadInput
from data.intake.deaths import DAY_NOT_SAID, DECEASED, day_of_death
from data.intake.identity import Proposed, known_number
from data.merge_preview import person
from data.merges import SHORTEST_REASON, merge_patients, sees
from data.models import Batch, IdentityProposal, Patient, PatientIdentifier, PatientTeam, Team
from data.patient_status import set_status
from data.patients import NewPatient, register
from data.people import CLINICAL_ROLES, SYSTEM_ROLE, Actor, Forbidden, NotFound, visible
from data.survivors import standing_id
from data.upsert import insert_or

OPEN: Final = "open"
SAID: Final = "said"
"""Under which the facts of a proposal keep what its sentence was made of (clinical.saying)."""
_CHANGED: Final = "the {} has changed since this was proposed"
LARGEST_ID: Final = 2**63 - 1


class ProposalError(BadInput):
    """A proposal that cannot be decided as asked; the message says why."""


def propose(session: Session, proposed: Proposed, *, batch_id: str, place: str, now: datetime) -> None:
    """Keep a proposal in the transaction of `session`; one that is open already is not kept a second time."""
    said = [proposed.kind, proposed.from_number, proposed.into_number, dict(proposed.facts)]
    known = known_number(session, proposed.into_number)
    if known is None and proposed.from_number is not None:
        known = known_number(session, proposed.from_number)
    row = {
        "kind": proposed.kind,
        "from_number": proposed.from_number,
        "into_number": proposed.into_number,
        "patient_id": known,
        "facts": {**proposed.facts, SAID: kept(proposed.why)},
        "why": str(proposed.why),
        "digest": sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(),
        "batch_id": batch_id,
        "place": place[-500:],
        "state": OPEN,
        "created_at": now,
    }
    session.execute(insert_or(session, IdentityProposal).on_conflict_do_nothing(), [row])


def list_proposals(
    session: Session, actor: Actor, *, all: bool = False, newest: int | None = None
) -> list[dict[str, Any]]:
    """The open proposals the actor may decide, oldest first; with `all` the decided ones too.

    With `newest` only so many, the latest first. Clinicians see those about patients they see, admins and the system
    all of them. Raises Forbidden for other roles.
    """
    order = IdentityProposal.id if newest is None else IdentityProposal.id.desc()
    wanted = select(IdentityProposal).where(_reach(actor)).order_by(order).limit(newest)
    rows = session.scalars(wanted if all else wanted.where(IdentityProposal.state == OPEN))
    return [_listed(row) for row in rows]


def count_proposals(session: Session, actor: Actor) -> int:
    """How many open proposals the actor may decide. Raises Forbidden as `list_proposals`."""
    return session.scalar(select(func.count()).where(IdentityProposal.state == OPEN, _reach(actor))) or 0


def waiting_proposals(session: Session, *, now: datetime) -> dict[str, int | None]:
    """`open`: how many proposals wait for a decision; `oldest_s`: for how many seconds the oldest does, if any."""
    count, oldest = session.execute(
        select(func.count(), func.min(IdentityProposal.created_at)).where(IdentityProposal.state == OPEN)
    ).one()
    return {"open": count, "oldest_s": None if oldest is None else max(0, int((now - oldest).total_seconds()))}


def show_proposal(session: Session, actor: Actor, proposal: int) -> dict[str, Any]:
    """One proposal, decided or not, with what brought it and what is stored now about whom it names.

    Beside what `list_proposals` gives: `"format"`, `"brought_by"` and `"begun_at"` of the import, `"people"`: by number
    what is stored of each patient it names that the actor may see, `"hidden"`: numbers of patients the actor may not.
    Raises NotFound, Forbidden.
    """
    row = _get(session, actor, proposal)
    batch = session.get_one(Batch, row.batch_id)
    people: dict[str, dict[str, Any]] = {}
    hidden: list[str] = []
    for number in (row.from_number, row.into_number):
        known = None if number is None else known_number(session, number)
        if number is None or known is None:
            continue
        if sees(session, actor, known):
            people[number] = person(session, session.get_one(Patient, known))
        else:
            hidden.append(number)
    source = {"format": batch.format, "brought_by": batch.actor, "begun_at": batch.started_at.isoformat()}
    return _listed(row) | source | {"people": people, "hidden": hidden}


def accept_proposal(session: Session, actor: Actor, proposal: int, *, reason: str, now: datetime) -> dict[str, Any]:
    """Do what a proposal says: merge, change what is known of the patient, or note the link.

    A side of a merge that is not known is registered; a death whose day was not said stands from the day the message
    came. Raises ProposalError for one that is decided already, cannot be done or has no reason, NotFound, Forbidden,
    and what `merge_patients` and `set_status` raise.
    """
    row = _open(session, actor, proposal, reason)
    if row.kind == "merge":
        _merge(session, actor, row, reason, now)
    elif row.kind == "update":
        _update(session, actor, row, reason, now)
    return _decided(session, actor, row, "accepted", reason, now)


def refuse_proposal(session: Session, actor: Actor, proposal: int, *, reason: str, now: datetime) -> dict[str, Any]:
    """Close a proposal without doing what it says. Raises as `accept_proposal`."""
    return _decided(session, actor, _open(session, actor, proposal, reason), "refused", reason, now)


def _merge(session: Session, actor: Actor, row: IdentityProposal, reason: str, now: datetime) -> None:
    numbers = (row.from_number or "", row.into_number)
    found = [known_number(session, number) for number in numbers]
    there = next((id for id in found if id is not None), None)
    if there is None:
        raise ProposalError(say("neither of the two is a patient here"))
    teams = session.scalars(
        select(Team.name).join(PatientTeam, PatientTeam.team_id == Team.id).where(PatientTeam.patient_id == there)
    ).all()
    mrns = []
    for number, id in zip(numbers, found, strict=True):
        if id is not None:
            mrns.append(session.get_one(Patient, id).mrn)
            continue
        known = row.facts if row.facts.get("mrn") == number else {}
        born = known.get("birth_date")
        new = NewPatient(
            mrn=number,
            mrn_system=known.get("system"),
            name=known.get("name"),
            birth_date=None if born is None else date.fromisoformat(born),
            sex=known.get("sex"),
        )
        mrns.append(register(session, actor, new, teams=teams, now=now).mrn)
    merge_patients(session, actor, merged=mrns[0], into=mrns[1], reason=reason, now=now)


def _update(session: Session, actor: Actor, row: IdentityProposal, reason: str, now: datetime) -> None:
    patient = session.get_one(Patient, row.patient_id)
    changes: dict[str, Any] = row.facts["changes"]
    if DECEASED in changes:
        _note_death(session, actor, row, reason, now)
        return
    for name, (before, after) in changes.items():
        if name == "system":
            session.execute(
                insert(PatientIdentifier).values(patient_id=patient.id, system=after, value=row.into_number)
            )
            continue
        if _plain(getattr(patient, name)) != before:
            raise ProposalError(_CHANGED.format(name.replace("_", " ")))
        setattr(patient, name, date.fromisoformat(after) if name == "birth_date" else after)
    patient.version += 1
    session.flush()
    write_audit(
        session,
        actor,
        "patient.update",
        now=now,
        patient_uuid=patient.uuid,
        object=f"proposal {row.id}",
        detail={"changed": sorted(changes), GIVEN: reason},
    )


def _note_death(session: Session, actor: Actor, row: IdentityProposal, reason: str, now: datetime) -> None:
    before, said = row.facts["changes"][DECEASED]
    if row.patient_id is None or day_of_death(session, row.patient_id) != before:
        raise ProposalError(_CHANGED.format(say("day of death")))
    on = row.created_at.date() if said == DAY_NOT_SAID else date.fromisoformat(said)
    set_status(session, actor, mrn=row.into_number, status="deceased", on=on, reason=reason, now=now)


def _open(session: Session, actor: Actor, proposal: int, reason: str) -> IdentityProposal:
    row = _get(session, actor, proposal, lock=True)
    if row.state != OPEN:
        raise ProposalError(say("proposal {number} is {state} already", number=proposal, state=say(row.state)))
    if len(reason.strip()) < SHORTEST_REASON:
        raise ProposalError(say("say why in at least {n} letters", n=SHORTEST_REASON))
    return row


def _decided(
    session: Session, actor: Actor, row: IdentityProposal, state: str, reason: str, now: datetime
) -> dict[str, Any]:
    before = row.state
    row.state, row.decided_by, row.decided_at, row.reason = state, actor.name, now, reason.strip()
    session.flush()
    patient = None if row.patient_id is None else session.get_one(Patient, row.patient_id).uuid
    write_audit(
        session,
        actor,
        f"proposal.{state}",
        now=now,
        patient_uuid=patient,
        object=f"proposal {row.id}",
        detail={"kind": row.kind, "old": before, "new": state, GIVEN: reason.strip()},
    )
    return _listed(row)


def _get(session: Session, actor: Actor, proposal: int, *, lock: bool = False) -> IdentityProposal:
    wanted = select(IdentityProposal).where(IdentityProposal.id == proposal, _reach(actor))
    row = session.scalar(wanted.with_for_update() if lock else wanted) if 0 < proposal <= LARGEST_ID else None
    if row is None:
        raise NotFound(f"no proposal {proposal}")
    return row


def _reach(actor: Actor) -> ColumnElement[bool]:
    if actor.role in (SYSTEM_ROLE, "admin"):
        return true()
    if actor.role not in CLINICAL_ROLES:
        raise Forbidden("who somebody is is decided by clinicians and admins")
    own = aliased(Patient)
    theirs = select(own.id).join(Patient, Patient.id == standing_id(own.id)).where(visible(actor))
    return IdentityProposal.patient_id.in_(theirs)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _listed(row: IdentityProposal) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "from": row.from_number,
        "into": row.into_number,
        "facts": {name: value for name, value in row.facts.items() if name != SAID},
        "why": restored(row.facts.get(SAID), row.why),
        "batch": row.batch_id,
        "where": row.place,
        "state": row.state,
        "created_at": row.created_at.isoformat(),
        "decided_by": row.decided_by,
        "decided_at": None if row.decided_at is None else row.decided_at.isoformat(),
        "reason": row.reason,
    }
