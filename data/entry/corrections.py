"""What a person changes about one stored record: its value, that it stands, its patient. Never without a reason.

The record itself stays as it was and is closed by the row that takes its place. The new row keeps the source id of the
old one, so that the file it came from, read again, does not bring the old value back. The caller judges the patients
afterwards (`data.entry.judged`): where a closed review rested on the value, the new record is new evidence and the
finding opens as a new episode.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from uuid import uuid4

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.entry.numbers import typed_number
from data.errors import BadInput
from data.intake.item import RETRACTIONS, Held, Item, natural_key
from data.intake.measured import limit, measure
from data.models import Correction, Patient, Record
from data.patients import find_by_mrn
from data.people import CLINICAL_ROLES, Actor, Forbidden, NotFound
from data.records import item_of, lock_ingest, open_batch, supersede
from data.survivors import members

FORMAT: Final = "correction"
SHORTEST_REASON: Final = 3
LONGEST_REASON: Final = 2_000
What = Literal["value", "retract", "move"]


class NotCorrected(BadInput):
    """A correction that cannot be made; the message says why. Nothing was changed."""


def correct_value(
    session: Session, actor: Actor, mrn: str, record_id: int, *, value: str, unit: str, reason: str, now: datetime
) -> int:
    """Give a measured record another value or unit; the id of the row that now stands.

    Raises Forbidden, NotFound, or NotCorrected for a missing reason, a record that is closed already or was never
    measured, a number that cannot be read, or a value that is recorded for that time already.
    """
    patient, record = _at_hand(session, actor, mrn, record_id, reason)
    old = item_of(record)
    if old.kind != "lab" or old.analyte is None or old.value is None:
        raise NotCorrected("only a measured value can be given another value; retract this entry and enter it anew")
    try:
        parsed = typed_number(value)
        canonical = measure(old.analyte, parsed.value, unit)
        low, high = (None if text is None else typed_number(text).value for text in (old.ref_low, old.ref_high))
    except Held as held:
        raise NotCorrected(str(held)) from held
    new = replace(
        old,
        value=str(parsed.value),
        comparator=parsed.comparator,
        unit=unit,
        canonical_value=canonical.value,
        canonical_unit=canonical.unit,
        canonical_ref_low=limit(old.analyte, low, unit),
        canonical_ref_high=limit(old.analyte, high, unit),
        status="corrected",
        reason=reason.strip(),
    )
    if natural_key(new) == natural_key(old):
        raise NotCorrected("this is the value that is recorded")
    _require_free(session, new)
    return _write(session, actor, patient, record, "value", new, None, now=now)


def retract(session: Session, actor: Actor, mrn: str, record_id: int, *, reason: str, now: datetime) -> int:
    """Take a record back as entered in error; the id of the row that says so. Raises as `correct_value`."""
    patient, record = _at_hand(session, actor, mrn, record_id, reason)
    return _write(session, actor, patient, record, "retract", _taken_back(record, reason), None, now=now)


def move_record(
    session: Session, actor: Actor, mrn: str, record_id: int, *, to_mrn: str, reason: str, now: datetime
) -> tuple[int, int]:
    """Move a record filed under the wrong patient: taken back here, stored there, a trace in both records.

    The ids of the patients concerned, for judging. Raises as `correct_value`; the actor must see both patients.
    """
    patient, record = _at_hand(session, actor, mrn, record_id, reason)
    target = find_by_mrn(session, actor, to_mrn)
    if target.id in members(session, patient.id):
        raise NotCorrected("that is the patient the record stands under")
    there = replace(item_of(record), patient_id=target.id, reason=reason.strip())
    _require_free(session, there)
    _write(session, actor, patient, record, "move", _taken_back(record, reason), there, now=now)
    write_audit(
        session, actor, "record.move", now=now, patient_uuid=target.uuid, object=str(record_id), detail={"to": True}
    )
    return patient.id, target.id


def _at_hand(session: Session, actor: Actor, mrn: str, record_id: int, reason: str) -> tuple[Patient, Record]:
    if actor.role not in CLINICAL_ROLES:
        raise Forbidden("records are corrected by clinicians")
    lock_ingest(session)
    patient = find_by_mrn(session, actor, mrn)
    record = session.get(Record, record_id)
    if record is None or record.patient_id not in members(session, patient.id):
        raise NotFound(f"no record {record_id} of this patient")
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON or "\x00" in reason:
        raise NotCorrected(f"say why in {SHORTEST_REASON} to {LONGEST_REASON} letters")
    if record.superseded_by is not None:
        raise NotCorrected("the record was changed meanwhile; open it anew")
    if record.status in RETRACTIONS:
        raise NotCorrected("the record is taken back already")
    return patient, record


def _taken_back(record: Record, reason: str) -> Item:
    return replace(item_of(record), status="entered-in-error", reason=reason.strip())


def _require_free(session: Session, item: Item) -> None:
    taken = select(Record.id).where(
        Record.patient_id == item.patient_id,
        Record.natural_key == natural_key(item),
        Record.superseded_by.is_(None),
    )
    if session.scalar(taken) is not None:
        raise NotCorrected("this very value is recorded for that time already")


def _write(
    session: Session,
    actor: Actor,
    patient: Patient,
    record: Record,
    what: What,
    by: Item,
    there: Item | None,
    *,
    now: datetime,
) -> int:
    batch = f"{FORMAT}-{uuid4().hex}"
    open_batch(session, actor, batch_id=batch, format=FORMAT, now=now)
    beside = () if there is None else (there,)
    replacement, *moved = supersede(session, record, by, beside, batch_id=batch, actor=actor, now=now)
    session.add(
        Correction(
            record_id=record.id,
            replacement_id=replacement,
            moved_to_id=moved[0] if moved else None,
            what=what,
            reason=by.reason or "",
            at=now,
            who=actor.name,
        )
    )
    session.flush()
    detail = {"by": replacement, "batch": batch}
    name = "move" if what == "move" else "correct" if what == "value" else "retract"
    write_audit(
        session, actor, f"record.{name}", now=now, patient_uuid=patient.uuid, object=str(record.id), detail=detail
    )
    return replacement
