"""Values that do not stand any more, as a person reads them: what was recorded, who changed it, when and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, cast, or_, select
from sqlalchemy.orm import Session, aliased

from data.intake.item import RETRACTIONS
from data.models import Correction, Patient, Record
from data.people import Actor, visible
from data.survivors import standing_id

What = Literal["corrected", "retracted", "moved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A value that was recorded until `who` changed it at `at` because of `why` (None: the source gave no reason).

    `stands` is the record that stands in its place, None where it was retracted or moved. `other` is the hospital
    number of the patient it was moved to, None where the actor may not see that patient. `retimed`: the time it was
    taken at was changed.
    """

    record: str
    kind: str
    analyte: str | None
    value: str | None
    comparator: str | None
    unit: str | None
    text: str | None
    detail: dict[str, Any]
    effective_at: datetime
    precision: str
    what: What
    retimed: bool
    who: str
    at: datetime
    why: str | None
    stands: str | None
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """That a record was moved here from another patient; `other` as in `Past`."""

    record: str
    who: str
    at: datetime
    why: str
    other: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """That a record was changed or taken back by ingest `seq`, brought by `who`; `why` is what the source says."""

    patient_id: int
    record: str
    seq: int
    at: datetime
    who: str
    why: str | None


def past_values(session: Session, actor: Actor, patient_ids: Sequence[int]) -> tuple[Past, ...]:
    """What was corrected, retracted or moved away of one person, by time taken and then in order of change.

    A later report of the same value is no change. The caller has checked who may see the person.
    """
    rows = session.execute(_PAST, {"patients": patient_ids}).all()
    if not rows:
        return ()
    numbers = _numbers(session, actor, {other for *_, other in rows if other is not None})
    later, gone = _later(session, patient_ids)
    return tuple(
        Past(
            record=str(was.id),
            kind=was.kind,
            analyte=was.analyte,
            value=was.value,
            comparator=was.comparator,
            unit=was.unit,
            text=was.text,
            detail=was.detail or {},
            effective_at=was.effective_at,
            precision=was.precision,
            what="moved" if other is not None else "retracted" if now.status in RETRACTIONS else "corrected",
            retimed=was.effective_at != now.effective_at,
            who=who or now.recorded_by,
            at=at or now.recorded_at,
            why=why or now.reason,
            stands=None if (last := _last(later, now.id)) in gone else str(last),
            other=None if other is None else numbers.get(other),
        )
        for was, now, why, who, at, other in sorted(rows, key=lambda row: (row[0].effective_at, row[0].id))
    )


def arrivals(session: Session, actor: Actor, patient_ids: Sequence[int]) -> tuple[Arrived, ...]:
    """What was moved to one person from another. The caller has checked who may see the person."""
    here, there = aliased(Record), aliased(Record)
    rows = session.execute(
        select(Correction, there.patient_id)
        .join(here, here.id == Correction.moved_to_id)
        .join(there, there.id == Correction.record_id)
        .where(here.patient_id.in_(patient_ids))
        .order_by(Correction.id)
    ).all()
    numbers = _numbers(session, actor, {other for _, other in rows})
    return tuple(
        Arrived(record=str(made.moved_to_id), who=made.who, at=made.at, why=made.reason, other=numbers.get(other))
        for made, other in rows
    )


def changed_by_sources(session: Session, patient_ids: Iterable[int], after: int) -> list[Changed]:
    """What was changed or taken back of these patients by an ingest after the number `after`, and not by a correction
    by hand."""
    rows = session.execute(_CHANGES, {"patients": sorted(patient_ids), "after": after})
    return [Changed(patient_id, str(id), seq, at, who, why) for patient_id, id, seq, at, who, why in rows]


def _changed(old: Any, new: Any) -> tuple[ColumnElement[bool], ...]:
    """The where-clauses for a record that stood and whose replacement says something else."""
    said = ("value", "comparator", "unit", "text", "effective_at")
    other = (getattr(old, name).is_distinct_from(getattr(new, name)) for name in said)
    coded = and_(old.kind != "lab", cast(old.detail, Text).is_distinct_from(cast(new.detail, Text)))
    differs = or_(*other, coded, new.status.in_(sorted(RETRACTIONS)))
    return old.superseded_by.is_not(None), old.status.not_in(sorted(RETRACTIONS)), differs


def _past() -> Select[Record, Record, str, str, datetime, int]:
    old, new, there = aliased(Record), aliased(Record), aliased(Record)
    return (
        select(old, new, Correction.reason, Correction.who, Correction.at, there.patient_id)
        .join(new, old.superseded_by == new.id)
        .outerjoin(Correction, Correction.record_id == old.id)
        .outerjoin(there, there.id == Correction.moved_to_id)
        .where(old.patient_id.in_(bindparam("patients", expanding=True)), *_changed(old, new))
        .order_by(*_by_past_key(old))
    )


def _changes() -> Select[int, int, int, datetime, str, str | None]:
    old, new = aliased(Record), aliased(Record)
    return (
        select(old.patient_id, old.id, new.ingest_seq, new.recorded_at, new.recorded_by, new.reason)
        .join(new, old.superseded_by == new.id)
        .outerjoin(Correction, Correction.record_id == old.id)
        .where(old.patient_id.in_(bindparam("patients", expanding=True)), Correction.id.is_(None))
        .where(new.ingest_seq > bindparam("after"), *_changed(old, new))
        .order_by(*_by_past_key(old))
    )


def _by_past_key(old: Any) -> tuple[Any, ...]:
    # In the order of the index over superseded rows, which SQLite then takes: they are few among a patient's rows.
    return old.patient_id, old.natural_key, old.id


def _numbers(session: Session, actor: Actor, patient_ids: Set[int]) -> dict[int, str]:
    """The hospital numbers of these patients, of those that the actor may see."""
    if not patient_ids:
        return {}
    own = aliased(Patient)
    rows = session.execute(
        select(own.id, Patient.mrn)
        .join(Patient, Patient.id == standing_id(own.id))
        .where(own.id.in_(sorted(patient_ids)), visible(actor))
    )
    return {id: mrn for id, mrn in rows}


def _later(session: Session, patient_ids: Sequence[int]) -> tuple[dict[int, int], set[int]]:
    """By superseded record the one that took its place, and the records that say that something was taken back."""
    rows = session.execute(
        select(Record.id, Record.superseded_by, Record.status).where(
            Record.patient_id.in_(patient_ids),
            or_(Record.superseded_by.is_not(None), Record.status.in_(sorted(RETRACTIONS))),
        )
    ).all()
    return {id: by for id, by, _ in rows if by is not None}, {id for id, _, status in rows if status in RETRACTIONS}


def _last(later: dict[int, int], id: int) -> int:
    while id in later:
        id = later[id]
    return id


# Putting these statements together takes longer than asking them: every page of a patient asks the one, a sweep the
# other for every hundred patients.
_PAST = _past()
_CHANGES = _changes()
