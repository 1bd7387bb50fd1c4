"""What a person changes about one stored record: its value, that it stands, its patient. Never without a reason.

The record itself stays as it was and is closed by the row that takes its place. The new row keeps the source id of the
old one, so that the file it came from, read again, does not bring the old value back. Reviews that used the value are
reopened and mails that told of it followed in the same transaction (`data.reopening`); the caller judges the patients
afterwards (`data.entry.judged`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinical.analytes import CATALOGUE
from clinical.entry_checks import doubts, possible
from clinical.protocol import Protocol
from data.audit import write_audit
from data.entry.attempt import Attempt, Corrected, NewFields, NewValue, NotCorrected, taken_text
from data.entry.coded_fields import KINDS, read_fields, typed_fields
from data.entry.correction_rows import (
    ACTIONS,
    at_hand,
    require_free,
    require_standing,
    stored_before,
    taken_back,
    write_correction,
)
from data.entry.numbers import typed_number
from data.entry.said import Question, Unsure
from data.entry.target import find_target
from data.intake.coded import sized
from data.intake.item import RETRACTIONS, Held, Item, plain_json
from data.intake.item_limits import storable
from data.intake.measured import Canonical, limit, measure
from data.intake.moments import Moment, read_moment, refuse_future
from data.models import Record
from data.people import Actor
from data.records import item_of
from data.survivors import members


def correct_value(
    session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt, typed: NewValue
) -> Corrected:
    """Give a laboratory result or measurement another value, unit or time.

    Raises Forbidden, NotFound, ChangedMeanwhile, NotCorrected for a missing reason, a record of another kind, a number
    or time that cannot be read or is impossible, or a value that is recorded for that time already; Unsure for a value
    that is to be confirmed.
    """
    patient, record = at_hand(session, actor, mrn, record_id, attempt)
    old = item_of(record)
    if old.kind != "lab" or old.analyte is None:
        raise NotCorrected("only a measured value can be given another number")
    unit = typed.unit.strip()
    try:
        parsed = typed_number(typed.value)
        moment = _moment(old, typed, attempt.now)
        canonical = measure(old.analyte, parsed.value, unit)
        low, high = (None if text is None else typed_number(text).value for text in (old.ref_low, old.ref_high))
        if not possible(old.analyte, canonical.value, attempt.protocol):
            known = CATALOGUE[old.analyte]
            span = f"{known.plausible_low:g} to {known.plausible_high:g} {known.canonical_unit}"
            raise Held(f"{typed.value.strip()} {unit} is not possible: {known.name.lower()} lies between {span}")
        new = storable(
            replace(
                old,
                value=str(parsed.value),
                comparator=parsed.comparator,
                text=None,
                unit=unit,
                canonical_value=canonical.value,
                canonical_unit=canonical.unit,
                effective_at=moment.at,
                effective_text=moment.text,
                precision=moment.precision,
                canonical_ref_low=limit(old.analyte, low, unit),
                canonical_ref_high=limit(old.analyte, high, unit),
                status="corrected",
                reason=attempt.reason.strip(),
            )
        )
    except Held as held:
        raise NotCorrected(str(held)) from held
    stored = stored_before(session, record, attempt, "value", lambda row: _said(row) == _said(new))
    if stored is not None:
        return stored
    require_standing(session, record)
    if _said(new) == _said(old):
        raise NotCorrected("this is the value that is recorded")
    require_free(session, new)
    if parsed.comparator is None:
        asked = _questions(session, record, parsed.value, unit, canonical, attempt.protocol)
        open_questions = [question for question in asked if question.id not in typed.confirmed]
        if open_questions:
            raise Unsure(open_questions)
    return write_correction(session, actor, patient, record, "value", new, None, attempt=attempt)


def correct_fields(
    session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt, typed: NewFields
) -> Corrected:
    """Give a coded entry (skin, lesion, response, ultrasound, symptom, state, therapy) other fields or another time.

    Raises as `correct_value`.
    """
    patient, record = at_hand(session, actor, mrn, record_id, attempt)
    old = item_of(record)
    if old.kind not in KINDS:
        raise NotCorrected("an entry of this kind has no fields to type; take it back")
    try:
        detail = read_fields(old.kind, typed.said, old.detail or {})
        moment = _moment(old, typed, attempt.now)
        new = storable(
            replace(
                old,
                detail=detail,
                effective_at=moment.at,
                effective_text=moment.text,
                precision=moment.precision,
                status="corrected",
                reason=attempt.reason.strip(),
                **_numbers(old, detail),
            )
        )
    except Held as held:
        raise NotCorrected(str(held)) from held
    stored = stored_before(session, record, attempt, "value", lambda row: _coded(row) == _coded(new))
    if stored is not None:
        return stored
    require_standing(session, record)
    stood = typed_fields(old.kind, old.detail or {})
    same = all(typed.said.get(field, "").strip() == text for field, text in stood.items())
    if same and (new.effective_at, new.precision) == (old.effective_at, old.precision):
        raise NotCorrected("this is the value that is recorded")
    require_free(session, new)
    return write_correction(session, actor, patient, record, "value", new, None, attempt=attempt)


def retract(session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt) -> Corrected:
    """Take a record back as entered in error. Raises as `correct_value`."""
    patient, record = at_hand(session, actor, mrn, record_id, attempt)
    stored = stored_before(session, record, attempt, "retract", lambda row: row.status in RETRACTIONS)
    if stored is not None:
        return stored
    require_standing(session, record)
    return write_correction(
        session, actor, patient, record, "retract", taken_back(record, attempt), None, attempt=attempt
    )


def move_record(
    session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt, *, to: str, seen: str
) -> Corrected:
    """Move a record filed under the wrong patient: taken back here, stored there, a trace in both records.

    `to` is the hospital number or wristband of the patient it belongs to, `seen` the uuid of the patient whose identity
    was shown beside this one: they must be one. Raises as `correct_value`; the actor must see both patients.
    """
    patient, record = at_hand(session, actor, mrn, record_id, attempt)
    target = find_target(session, actor, to)
    if target.id in members(session, patient.id):
        raise NotCorrected("that is the patient the record stands under")
    if target.uuid != seen:
        raise NotCorrected("the number was changed after both patients were shown; compare them again")
    stored = stored_before(session, record, attempt, "move", lambda row: row.patient_id in members(session, target.id))
    if stored is not None:
        return stored
    require_standing(session, record)
    there = replace(item_of(record), patient_id=target.id, reason=attempt.reason.strip())
    require_free(session, there)
    done = write_correction(
        session, actor, patient, record, "move", taken_back(record, attempt), there, attempt=attempt
    )
    detail = {"from": patient.uuid, "by": done.moved_to}
    write_audit(
        session,
        actor,
        ACTIONS["move"],
        now=attempt.now,
        patient_uuid=target.uuid,
        object=str(record_id),
        detail=detail,
    )
    return done


def _said(fact: Item | Record) -> tuple[str | datetime | None, ...]:
    return fact.value, fact.comparator, fact.unit, fact.effective_at, fact.precision


def _coded(fact: Item | Record) -> tuple[str | datetime | None, ...]:
    return plain_json(fact.detail), fact.effective_at, fact.precision


def _numbers(old: Item, detail: Mapping[str, Any]) -> dict[str, str | None]:
    """The columns of a coded entry that repeat a number of its fields: a diameter, a dose."""
    if old.kind == "lesion":
        return {"value": None, "unit": None, **sized(detail)}
    if old.kind == "therapy" and old.value is not None:
        dose = detail.get("dose")
        return {"value": None if dose is None else f"{dose:g}", "unit": detail.get("unit")}
    return {}


def _moment(old: Item, typed: NewValue | NewFields, now: datetime) -> Moment:
    """When the value was taken, as it was or as it is typed now. Raises Held."""
    if old.effective_at is None:
        raise Held("the record has no time")
    said = typed.when.strip()
    if not said or said == taken_text(old.effective_at, old.precision, typed.zone):
        return Moment(old.effective_at, old.effective_text, cast("Any", old.precision))
    moment = read_moment(said, zone=typed.zone)
    refuse_future(moment, now)
    return moment


def _questions(
    session: Session, record: Record, value: Decimal, unit: str, canonical: Canonical, protocol: Protocol
) -> list[Question]:
    """What to ask about the new value, held against the value of the same analyte that lies nearest in time."""
    near = session.scalar(
        select(Record)
        .where(
            Record.patient_id.in_(members(session, record.patient_id)),
            Record.analyte == record.analyte,
            Record.id != record.id,
            Record.superseded_by.is_(None),
            Record.status.not_in(sorted(RETRACTIONS)),
            Record.comparator.is_(None),
            Record.canonical_value.is_not(None),
            Record.canonical_unit == canonical.unit,
        )
        .order_by(func.abs(Record.effective_at - record.effective_at), Record.id)
        .limit(1)
    )
    analyte = record.analyte or ""
    beside = (
        "" if near is None else f" The nearest one is {near.value} {near.unit or ''} of {near.effective_text[:10]}."
    )
    return [
        Question(
            f"value:{doubt.kind}:{value} {unit}"[:300],
            "value",
            f"{CATALOGUE[analyte].name} {value} {unit}: {_ended(doubt.words)}{beside}",
        )
        for doubt in doubts(analyte, value, unit, None if near is None else near.canonical_value, protocol)
    ]


def _ended(words: str) -> str:
    return words if words.endswith("?") else f"{words}."
