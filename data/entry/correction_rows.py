"""A correction as it is stored: its record, whether it may be made, the rows that take the old one's place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import uuid4

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.entry.attempt import Attempt, ChangedMeanwhile, Corrected, NotCorrected
from data.flag_moves import Mover
from data.flag_writes import Trace
from data.intake.item import RETRACTIONS, Item, natural_key
from data.models import Correction, Patient, Record
from data.patients import find_by_mrn
from data.people import CLINICAL_ROLES, Actor, Forbidden, NotFound
from data.records import item_of, lock_ingest, open_batch, supersede
from data.reopening import reopen_reviews
from data.survivors import members

FORMAT: Final = "correction"
SHORTEST_REASON: Final = 3
LONGEST_REASON: Final = 2_000
What = Literal["value", "retract", "move"]
ACTIONS: Final = {"value": "record.correct", "retract": "record.retract", "move": "record.move"}


def at_hand(session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt) -> tuple[Patient, Record]:
    """The patient and the record the attempt is about, no other writer beside it. Raises Forbidden, NotFound, and
    NotCorrected for a missing reason."""
    if actor.role not in CLINICAL_ROLES:
        raise Forbidden("records are corrected by clinicians")
    lock_ingest(session)
    patient = find_by_mrn(session, actor, mrn)
    record = session.get(Record, record_id)
    if record is None or record.patient_id not in members(session, patient.id):
        raise NotFound(f"no record {record_id} of this patient")
    if not SHORTEST_REASON <= len(attempt.reason.strip()) <= LONGEST_REASON or "\x00" in attempt.reason:
        raise NotCorrected(f"say why in {SHORTEST_REASON} to {LONGEST_REASON} letters")
    return patient, record


def require_standing(session: Session, record: Record) -> None:
    """Raise ChangedMeanwhile for a record that was closed, NotCorrected for one that is taken back."""
    if record.superseded_by is not None:
        raise ChangedMeanwhile(opened=record.id, stands=_standing(session, record).id)
    if record.status in RETRACTIONS:
        raise NotCorrected("the record is taken back already")


def _standing(session: Session, record: Record) -> Record:
    while record.superseded_by is not None:
        record = session.get_one(Record, record.superseded_by)
    return record


def stored_before(
    session: Session, record: Record, attempt: Attempt, what: What, same: Callable[[Record], bool]
) -> Corrected | None:
    """The correction that was stored under the key of this attempt, None where there is none.

    One of other content is not this attempt: what follows then finds the record changed. Raises NotCorrected for the
    key of another record.
    """
    made = session.scalar(select(Correction).where(Correction.key == attempt.key))
    if made is None:
        return None
    if made.record_id != record.id:
        raise NotCorrected("this page was used for another value; open it anew")
    came_to = session.get_one(Record, made.moved_to_id or made.replacement_id)
    if (made.what, made.reason) != (what, attempt.reason.strip()) or not same(came_to):
        return None
    patients = dict.fromkeys((record.patient_id, came_to.patient_id))
    return Corrected(record=made.replacement_id, moved_to=made.moved_to_id, patients=tuple(patients), again=True)


def taken_back(record: Record, attempt: Attempt) -> Item:
    """The row that says the record was entered in error."""
    return replace(item_of(record), status="entered-in-error", reason=attempt.reason.strip())


def require_free(session: Session, item: Item) -> None:
    """Raise NotCorrected where the very same fact stands already."""
    taken = select(Record.id).where(
        Record.patient_id.in_(members(session, item.patient_id)),
        Record.natural_key == natural_key(item),
        Record.superseded_by.is_(None),
    )
    if session.scalar(taken) is not None:
        raise NotCorrected("this very value is recorded for that time already")


def write_correction(
    session: Session,
    actor: Actor,
    patient: Patient,
    record: Record,
    what: What,
    by: Item,
    there: Item | None,
    *,
    attempt: Attempt,
) -> Corrected:
    """Close the record with the row `by`; `there` is the row of a move under the other patient. Reviews that used it
    are reopened, and all of it is audited."""
    batch = f"{FORMAT}-{uuid4().hex}"
    open_batch(session, actor, batch_id=batch, format=FORMAT, now=attempt.now)
    mover = Mover(actor.name, attempt.now, by.reason or "", actor.person_id)
    # Flags before records: whoever holds the head of the audit chain must wait for nothing.
    traces = reopen_reviews(
        session, members(session, patient.id), str(record.id), mover, attempt.mail, since=attempt.now
    )
    beside = () if there is None else (there,)
    replacement, *moved = supersede(session, record, by, beside, batch_id=batch, actor=actor, now=attempt.now)
    session.add(
        Correction(
            record_id=record.id,
            replacement_id=replacement,
            moved_to_id=moved[0] if moved else None,
            what=what,
            reason=by.reason or "",
            at=attempt.now,
            who=actor.name,
            key=attempt.key,
        )
    )
    session.flush()
    detail = {"by": replacement, "batch": batch}
    write_audit(
        session,
        actor,
        ACTIONS[what],
        now=attempt.now,
        patient_uuid=patient.uuid,
        object=str(record.id),
        detail=detail,
    )
    _audit_flags(session, actor, patient, traces, attempt.now)
    return Corrected(
        record=replacement,
        moved_to=moved[0] if moved else None,
        patients=(patient.id, *(() if there is None else (there.patient_id,))),
        reopened=tuple(trace.flag_id for trace in traces),
    )


def _audit_flags(session: Session, actor: Actor, patient: Patient, traces: Sequence[Trace], now: datetime) -> None:
    for trace in traces:
        write_audit(
            session, actor, trace.action, now=now, patient_uuid=patient.uuid, object=trace.flag_id, detail=trace.detail
        )
