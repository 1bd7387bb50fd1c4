"""Results that may be one: the same natural key but for one part that one side lacks. Kept twice, shown, never merged.

A person who finds that they are one retracts one of them with a reason; both stay in the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import combinations
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinical.saying import say
from data.errors import BadInput
from data.intake.item import RETRACTIONS, plain_json
from data.models import Batch, Patient, Record
from data.patients import find_by_mrn
from data.people import CLINICAL_ROLES, SYSTEM_ROLE, Actor, Forbidden, NotFound, visible
from data.records import item_of, open_batch, store_chunk
from data.survivors import members, standing_id

SHORTEST_REASON: Final = 5
_STANDING: Final = (Record.superseded_by.is_(None), Record.status.not_in(sorted(RETRACTIONS)))
# Columns in which two records that may be one agree; `_said` looks closer.
_COMMON: Final = ("kind", "analyte", "comparator", "value", "unit")


class NotRetracted(BadInput):
    """A record that cannot be retracted as asked; the message says why."""


def possible_duplicates(session: Session, actor: Actor, mrn: str) -> list[dict[str, Any]]:
    """The pairs of current records of a patient that differ in one missing part alone, oldest first.

    `{"patient", "records": [id, id], "missing": "time"|"laboratory"|"number", "missing_in": id, "kind", "analyte",
    "value", "unit", "effective": [text, text], "lab": [.., ..], "sides": [side, side]}`. A side tells one record:
    `{"id", "mrn" it came under, "time", "laboratory", "number", "format", "where", "recorded_at", "recorded_by"}`.
    Raises NotFound when the actor may not see `mrn`.
    """
    patient = find_by_mrn(session, actor, mrn)
    mine = members(session, patient.id)
    rows = session.scalars(
        select(Record).where(Record.patient_id.in_(mine), *_STANDING).order_by(Record.effective_at, Record.id)
    )
    numbers = {id: mrn for id, mrn in session.execute(select(Patient.id, Patient.mrn).where(Patient.id.in_(mine)))}
    return [
        {
            "patient": patient.mrn,
            "records": [str(one.id), str(other.id)],
            "missing": part,
            "missing_in": str(lacking.id),
            "kind": one.kind,
            "analyte": one.analyte,
            "value": one.value,
            "unit": one.unit,
            "effective": [one.effective_text, other.effective_text],
            "lab": [one.lab, other.lab],
            "sides": [_side(session, row, numbers) for row in (one, other)],
        }
        for one, other, part, lacking in _pairs(rows)
    ]


def count_duplicates(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """The patients the actor may see with possible duplicates: `{"patient", "name", "pairs"}`, most pairs first."""
    standing = standing_id(Record.patient_id).label("standing")
    alike = (
        select(standing)
        .where(standing.in_(select(Patient.id).where(visible(actor))), *_STANDING)
        .group_by(standing, *(getattr(Record, name) for name in _COMMON), func.substr(Record.effective_text, 1, 10))
        .having(func.count() > 1)
        .distinct()
    )
    found = []
    for patient_id in session.scalars(alike).all():
        patient = session.get_one(Patient, patient_id)
        pairs = len(possible_duplicates(session, actor, patient.mrn))
        if pairs:
            found.append({"patient": patient.mrn, "name": patient.name, "pairs": pairs})
    return sorted(found, key=lambda one: (-one["pairs"], one["patient"]))


def _pairs(rows: Iterable[Record]) -> Iterator[tuple[Record, Record, str, Record]]:
    alike: dict[tuple[Any, ...], list[Record]] = {}
    for row in rows:
        alike.setdefault(_said(row), []).append(row)
    for group in alike.values():
        for one, other in combinations(group, 2):
            for part, lacking in _only(_missing(one, other)):
                yield one, other, part, lacking


def retract_record(session: Session, actor: Actor, record: int, *, reason: str, now: datetime) -> str:
    """Retract a current record as entered in error: a new row closes it, both stay. Returns the id of the new row.

    Raises NotFound, Forbidden for anyone but a clinician or the system, NotRetracted for one that is not current or
    without a reason.
    """
    if actor.role not in (SYSTEM_ROLE, *CLINICAL_ROLES):
        raise Forbidden("records are retracted by clinicians")
    if len(reason.strip()) < SHORTEST_REASON:
        raise NotRetracted(say("say why in at least {n} letters", n=SHORTEST_REASON))
    row = session.scalar(
        select(Record)
        .join(Patient, Patient.id == standing_id(Record.patient_id))
        .where(Record.id == record, visible(actor))
    )
    if row is None:
        raise NotFound(f"no record {record}")
    if row.superseded_by is not None or row.status in RETRACTIONS:
        raise NotRetracted(say("record {record} does not stand any more", record=record))
    # Without a source id: a person retracts the result, not the report of one source.
    changes = {"status": "entered-in-error", "reason": reason.strip(), "place": f"record {record}", "source_id": None}
    item = replace(item_of(row), **changes)
    batch = uuid4().hex
    open_batch(session, actor, batch_id=batch, format="retraction", now=now)
    store_chunk(session, batch_id=batch, items=[item], actor=actor, now=now)
    session.refresh(row)
    if row.superseded_by is None:
        raise NotRetracted(f"record {record} could not be retracted")
    return str(row.superseded_by)


def _side(session: Session, row: Record, numbers: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "mrn": numbers[row.patient_id],
        "time": row.effective_text,
        "laboratory": row.lab,
        "number": row.specimen,
        "format": session.get_one(Batch, row.batch_id).format,
        "where": row.place,
        "recorded_at": row.recorded_at.isoformat(),
        "recorded_by": row.recorded_by,
    }


def _said(row: Record) -> tuple[Any, ...]:
    """What two records that may be one have in common: everything of the key that cannot be missing, and the date."""
    content = row.text if row.value is None else row.value
    detail = None if row.kind == "lab" else plain_json(row.detail)
    return row.kind, row.analyte, row.comparator, content, row.unit, detail, row.effective_text[:10]


def _missing(one: Record, other: Record) -> Iterator[tuple[str, Record] | None]:
    """Each part that only one side has; None for a part in which they contradict each other."""
    if one.effective_at != other.effective_at or one.precision != other.precision:
        by_day = [row for row in (one, other) if row.precision == "day"]
        yield ("time", by_day[0]) if len(by_day) == 1 else None
    for part, column in (("laboratory", "lab"), ("number", "specimen")):
        pair = getattr(one, column), getattr(other, column)
        if pair[0] != pair[1]:
            yield (part, one if pair[0] is None else other) if None in pair else None


def _only(parts: Iterator[tuple[str, Record] | None]) -> list[tuple[str, Record]]:
    found = list(parts)
    return [part for part in found if part is not None] if len(found) == 1 else []
