"""What a person changes about one stored record: its value, that it stands, its patient. Never without a reason.

The record itself stays as it was and is closed by the row that takes its place. The new row keeps the source id of the
old one, so that the file it came from, read again, does not bring the old value back. Reviews that used the value are
reopened and mails that told of it followed in the same transaction (`data.reopening`); the caller judges the patients
afterwards (`data.entry.judged`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, cast
from uuid import uuid4
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinical.analytes import CATALOGUE
from clinical.entry_checks import doubts, possible
from clinical.protocol import Protocol
from data.announcing import MailPolicy
from data.audit import write_audit
from data.entry.coded_fields import KINDS, read_fields, typed_fields
from data.entry.numbers import typed_number
from data.entry.said import Question, Unsure
from data.entry.target import find_target
from data.errors import BadInput
from data.flag_moves import Mover
from data.flag_writes import Trace
from data.intake.coded import sized
from data.intake.item import RETRACTIONS, Held, Item, natural_key, plain_json
from data.intake.item_limits import storable
from data.intake.measured import Canonical, limit, measure
from data.intake.moments import Moment, read_moment, refuse_future
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
GREENWICH: Final = ZoneInfo("UTC")
LENGTHS: Final = {"year": 4, "month": 7, "day": 10}
ACTIONS: Final = {"value": "record.correct", "retract": "record.retract", "move": "record.move"}


class NotCorrected(BadInput):
    """A correction that cannot be made; the message says why. Nothing was changed."""


class ChangedMeanwhile(NotCorrected):
    """Somebody else has changed the record since it was read; `stands` is the row that took its place."""

    def __init__(self, *, opened: int, stands: int) -> None:
        super().__init__("the record was changed meanwhile")
        self.opened, self.stands = opened, stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to correct a record. `key` is made when the page opens: the same attempt sent twice is made once.
    `protocol` says what is asked about, `mail` is the policy for the mails that follow."""

    key: str
    reason: str
    protocol: Protocol
    mail: MailPolicy
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A correction that is stored. `record` is the row that took the old one's place, `moved_to` the one it became
    under another patient; `patients` are to be judged; `reopened` are flags. `again`: it was stored before."""

    record: int
    moved_to: int | None
    patients: tuple[int, ...]
    reopened: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewValue:
    """What is typed in the place of a value. `when` is the date, with the time if it is known, local to `zone`; empty
    or as `taken_text` says it: it stays as it is. `confirmed` are the ids of questions that were answered with yes."""

    value: str
    unit: str
    when: str = ""
    zone: ZoneInfo = GREENWICH
    confirmed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFields:
    """What is typed in the place of a coded entry: its fields by name (`data.entry.coded_fields`), and `when` as in
    `NewValue`."""

    said: Mapping[str, str]
    when: str = ""
    zone: ZoneInfo = GREENWICH


def taken_text(effective_at: datetime, precision: str, zone: ZoneInfo) -> str:
    """When a value was taken, as it is typed in `zone`: `2026`, `2026-03`, `2026-03-02`, `2026-03-02 09:30`."""
    if precision in LENGTHS:
        return effective_at.astimezone(UTC).isoformat()[: LENGTHS[precision]]
    return effective_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def correct_value(
    session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt, typed: NewValue
) -> Corrected:
    """Give a laboratory result or measurement another value, unit or time.

    Raises Forbidden, NotFound, ChangedMeanwhile, NotCorrected for a missing reason, a record of another kind, a number
    or time that cannot be read or is impossible, or a value that is recorded for that time already; Unsure for a value
    that is to be confirmed.
    """
    patient, record = _at_hand(session, actor, mrn, record_id, attempt)
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
    stored = _stored(session, record, attempt, "value", lambda row: _said(row) == _said(new))
    if stored is not None:
        return stored
    _require_standing(session, record)
    if _said(new) == _said(old):
        raise NotCorrected("this is the value that is recorded")
    _require_free(session, new)
    if parsed.comparator is None:
        asked = _questions(session, record, parsed.value, unit, canonical, attempt.protocol)
        open_questions = [question for question in asked if question.id not in typed.confirmed]
        if open_questions:
            raise Unsure(open_questions)
    return _write(session, actor, patient, record, "value", new, None, attempt=attempt)


def correct_fields(
    session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt, typed: NewFields
) -> Corrected:
    """Give a coded entry (skin, lesion, response, ultrasound, symptom, state, therapy) other fields or another time.

    Raises as `correct_value`.
    """
    patient, record = _at_hand(session, actor, mrn, record_id, attempt)
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
    stored = _stored(session, record, attempt, "value", lambda row: _coded(row) == _coded(new))
    if stored is not None:
        return stored
    _require_standing(session, record)
    stood = typed_fields(old.kind, old.detail or {})
    same = all(typed.said.get(field, "").strip() == text for field, text in stood.items())
    if same and (new.effective_at, new.precision) == (old.effective_at, old.precision):
        raise NotCorrected("this is the value that is recorded")
    _require_free(session, new)
    return _write(session, actor, patient, record, "value", new, None, attempt=attempt)


def retract(session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt) -> Corrected:
    """Take a record back as entered in error. Raises as `correct_value`."""
    patient, record = _at_hand(session, actor, mrn, record_id, attempt)
    stored = _stored(session, record, attempt, "retract", lambda row: row.status in RETRACTIONS)
    if stored is not None:
        return stored
    _require_standing(session, record)
    return _write(session, actor, patient, record, "retract", _taken_back(record, attempt), None, attempt=attempt)


def move_record(
    session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt, *, to: str, seen: str
) -> Corrected:
    """Move a record filed under the wrong patient: taken back here, stored there, a trace in both records.

    `to` is the hospital number or wristband of the patient it belongs to, `seen` the uuid of the patient whose identity
    was shown beside this one: they must be one. Raises as `correct_value`; the actor must see both patients.
    """
    patient, record = _at_hand(session, actor, mrn, record_id, attempt)
    target = find_target(session, actor, to)
    if target.id in members(session, patient.id):
        raise NotCorrected("that is the patient the record stands under")
    if target.uuid != seen:
        raise NotCorrected("the number was changed after both patients were shown; compare them again")
    stored = _stored(session, record, attempt, "move", lambda row: row.patient_id in members(session, target.id))
    if stored is not None:
        return stored
    _require_standing(session, record)
    there = replace(item_of(record), patient_id=target.id, reason=attempt.reason.strip())
    _require_free(session, there)
    done = _write(session, actor, patient, record, "move", _taken_back(record, attempt), there, attempt=attempt)
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


def _at_hand(session: Session, actor: Actor, mrn: str, record_id: int, attempt: Attempt) -> tuple[Patient, Record]:
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


def _require_standing(session: Session, record: Record) -> None:
    if record.superseded_by is not None:
        raise ChangedMeanwhile(opened=record.id, stands=_standing(session, record).id)
    if record.status in RETRACTIONS:
        raise NotCorrected("the record is taken back already")


def _standing(session: Session, record: Record) -> Record:
    while record.superseded_by is not None:
        record = session.get_one(Record, record.superseded_by)
    return record


def _stored(
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


def _taken_back(record: Record, attempt: Attempt) -> Item:
    return replace(item_of(record), status="entered-in-error", reason=attempt.reason.strip())


def _require_free(session: Session, item: Item) -> None:
    taken = select(Record.id).where(
        Record.patient_id.in_(members(session, item.patient_id)),
        Record.natural_key == natural_key(item),
        Record.superseded_by.is_(None),
    )
    if session.scalar(taken) is not None:
        raise NotCorrected("this very value is recorded for that time already")


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


def _write(
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
