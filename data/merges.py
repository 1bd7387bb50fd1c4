"""Two patients that are one: merging them with a reason, and taking that back.

A merge is one row that says so. Records, flags, teams and numbers stay where they are and are read under the survivor
(see `data.survivors`), so taking it back leaves exactly what would be there without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session, aliased

from clinical.saying import say
from data.audit import GIVEN, write_audit
from data.errors import BadInput
from data.models import Patient, PatientMerge, PatientSurvivor
from data.people import CLINICAL_ROLES, SYSTEM_ROLE, Actor, Forbidden, NotFound, visible
from data.records import lock_ingest, take_ingest
from data.survivors import standing_id, survivor_of, survivors

SHORTEST_REASON = 5


class NotMerged(BadInput):
    """A merge that cannot be made or taken back as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge in force: `merged` (an MRN) is shown as `survivor` (an MRN)."""

    id: int
    merged: str
    survivor: str


def merge_patients(session: Session, actor: Actor, *, merged: str, into: str, reason: str, now: datetime) -> Merge:
    """Show the patient with number `merged` as the one with number `into` from now on.

    Where `into` is merged itself, the end of its chain is meant. Raises Forbidden for anyone but a clinician who sees
    both, an admin or the system; NotFound for an unknown number; NotMerged for a merge into itself, a patient that is
    merged already, a circle, or a missing reason.
    """
    said = _reason(reason)
    lock_ingest(session)
    one, survivor = pair_to_merge(session, actor, merged=merged, into=into)
    _lock(session, [one.id, survivor.id])
    row = PatientMerge(from_id=one.id, into_id=survivor.id, reason=said, merged_by=actor.name, merged_at=now)
    session.add(row)
    session.flush()
    _chain_up(session)
    take_ingest(session, batch_id=None, patient_ids=[one.id, survivor.id], now=now)
    _audit(session, actor, "patient.merge", row, one, survivor, said, now)
    return Merge(row.id, one.mrn, survivor.mrn)


def pair_to_merge(session: Session, actor: Actor, *, merged: str, into: str) -> tuple[Patient, Patient]:
    """The patient that would be merged and the one it would be shown as. Raises as `merge_patients`."""
    one, other = _patient(session, actor, merged), _patient(session, actor, into)
    target = survivor_of(session, other.id)
    if one.id == other.id:
        raise NotMerged(say("{number} cannot be merged into itself", number=repr(one.mrn)))
    if survivor_of(session, one.id) != one.id:
        raise NotMerged(say("{number} is merged already; take that back first", number=repr(one.mrn)))
    if target == one.id:
        raise NotMerged(
            say(
                "{other} is merged into {number}: the two would be merged into each other",
                other=repr(other.mrn),
                number=repr(one.mrn),
            )
        )
    return one, session.get_one(Patient, target)


def unmerge_patient(session: Session, actor: Actor, *, merged: str, reason: str, now: datetime) -> Merge:
    """Take back the merge in force of the patient with number `merged`; whoever was merged into it before still is.

    Raises as `merge_patients`, NotMerged also where no merge is in force.
    """
    said = _reason(reason)
    lock_ingest(session)
    one, row = merge_in_force(session, actor, merged=merged)
    before = survivor_of(session, one.id)
    _lock(session, [one.id, before])
    row.unmerged_reason, row.unmerged_by, row.unmerged_at = said, actor.name, now
    session.flush()
    _chain_up(session)
    survivor = session.get_one(Patient, row.into_id)
    take_ingest(session, batch_id=None, patient_ids=[one.id, row.into_id, before], now=now)
    _audit(session, actor, "patient.unmerge", row, one, survivor, said, now)
    return Merge(row.id, one.mrn, survivor.mrn)


def merge_in_force(session: Session, actor: Actor, *, merged: str) -> tuple[Patient, PatientMerge]:
    """The patient with number `merged` and its merge in force. Raises as `unmerge_patient`."""
    one = _patient(session, actor, merged)
    row = session.scalar(select(PatientMerge).where(PatientMerge.from_id == one.id, PatientMerge.unmerged_at.is_(None)))
    if row is None:
        raise NotMerged(say("{number} is not merged into anybody", number=repr(one.mrn)))
    return one, row


def merge_history(session: Session, actor: Actor, mrn: str | None = None) -> list[dict[str, Any]]:
    """Every merge, oldest first, those taken back too; with `mrn` those the patient had a part in.

    `{"id", "from", "into", "reason", "by", "at", "unmerged_reason", "unmerged_by", "unmerged_at"}`. Only what the actor
    sees of both sides.
    """
    one, other = aliased(Patient), aliased(Patient)
    rows = session.execute(
        select(PatientMerge, one.mrn, other.mrn)
        .join(one, one.id == PatientMerge.from_id)
        .join(other, other.id == PatientMerge.into_id)
        .order_by(PatientMerge.id)
    ).all()
    return [
        {
            "id": row.id,
            "from": merged,
            "into": into,
            "reason": row.reason,
            "by": row.merged_by,
            "at": row.merged_at.isoformat(),
            "unmerged_reason": row.unmerged_reason,
            "unmerged_by": row.unmerged_by,
            "unmerged_at": None if row.unmerged_at is None else row.unmerged_at.isoformat(),
        }
        for row, merged, into in rows
        if (mrn is None or mrn in (merged, into)) and all(sees(session, actor, id) for id in (row.from_id, row.into_id))
    ]


def sees(session: Session, actor: Actor, patient_id: int) -> bool:
    """Whether the actor may decide who this patient is: their teams see it, or the actor is an admin or the system."""
    if actor.role in (SYSTEM_ROLE, "admin"):
        return True
    return session.scalar(select(Patient.id).where(Patient.id == standing_id(patient_id), visible(actor))) is not None


def _patient(session: Session, actor: Actor, mrn: str) -> Patient:
    if actor.role not in (SYSTEM_ROLE, "admin", *CLINICAL_ROLES):
        raise Forbidden("patients are merged by clinicians and admins")
    patient = session.scalar(select(Patient).where(Patient.mrn == mrn.strip()))
    if patient is None or not sees(session, actor, patient.id):
        raise NotFound(f"no patient {mrn!r}")
    return patient


def _lock(session: Session, patient_ids: Sequence[int]) -> None:
    """Hold the rows that whoever judges these patients holds."""
    session.execute(
        select(Patient.id).where(Patient.id.in_(patient_ids)).order_by(Patient.id).with_for_update(key_share=True)
    )


def _reason(said: str) -> str:
    if len(said.strip()) < SHORTEST_REASON:
        raise NotMerged(say("say why in at least {n} letters", n=SHORTEST_REASON))
    return said.strip()


def _chain_up(session: Session) -> None:
    """Make `patient_survivor` say what the merges in force come to."""
    into = {
        from_id: into_id
        for from_id, into_id in session.execute(
            select(PatientMerge.from_id, PatientMerge.into_id).where(PatientMerge.unmerged_at.is_(None))
        )
    }
    wanted = {patient_id: _end(into, patient_id) for patient_id in into}
    stored = survivors(session)
    gone = sorted(set(stored) - set(wanted))
    session.execute(delete(PatientSurvivor).where(PatientSurvivor.patient_id.in_(gone)))
    for patient_id, survivor_id in sorted(wanted.items()):
        if patient_id not in stored:
            session.execute(insert(PatientSurvivor).values(patient_id=patient_id, survivor_id=survivor_id))
        elif stored[patient_id] != survivor_id:
            own = PatientSurvivor.patient_id == patient_id
            session.execute(update(PatientSurvivor).where(own).values(survivor_id=survivor_id))


def _end(into: dict[int, int], patient_id: int) -> int:
    while patient_id in into:
        patient_id = into[patient_id]
    return patient_id


def _audit(
    session: Session,
    actor: Actor,
    action: str,
    row: PatientMerge,
    merged: Patient,
    survivor: Patient,
    reason: str,
    now: datetime,
) -> None:
    """One row for each of the two, so that either's trail tells of it."""
    for patient in (merged, survivor):
        write_audit(
            session,
            actor,
            action,
            now=now,
            patient_uuid=patient.uuid,
            object=f"merge {row.id}",
            detail={"old": merged.uuid, "new": survivor.uuid, GIVEN: reason},
        )
