"""One patient as an export carries it, read within what the actor may see, and the audit row that says it was taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.flags import list_flags
from data.intake.identity import FHIR_ID, SHARED_FHIR_ID
from data.models import Batch, Patient, PatientIdentifier, Record
from data.patients import find_by_mrn
from data.people import Actor
from data.survivors import members

ExportFormat = Literal["fhir", "csv", "pdf"]
Taken = ExportFormat | Literal["ics"]
EXPORTED = "patient.export"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatientRecord:
    """What is known of one patient now: the current records, oldest first, each with the format it came in, further
    numbers as (system, value), and the flags as documents of the contract. Sensor readings are not among it."""

    patient: Patient
    numbers: tuple[tuple[str, str], ...]
    records: tuple[tuple[Record, str], ...]
    flags: tuple[dict[str, Any], ...]


def patient_record(session: Session, actor: Actor, mrn: str) -> PatientRecord:
    """The patient `mrn` with everybody merged into them; a fact that two of the merged state alike is there once.

    Raises NotFound when the actor may not see the patient.
    """
    patient = find_by_mrn(session, actor, mrn)
    together = members(session, patient.id)
    numbers = session.execute(
        select(PatientIdentifier.system, PatientIdentifier.value)
        .where(PatientIdentifier.patient_id.in_(together), PatientIdentifier.system.not_in((FHIR_ID, SHARED_FHIR_ID)))
        .order_by(PatientIdentifier.system, PatientIdentifier.value)
    )
    rows = session.execute(
        select(Record, Batch.format)
        .join(Batch, Batch.id == Record.batch_id)
        .where(Record.patient_id.in_(together), Record.superseded_by.is_(None))
        .order_by(Record.effective_at, Record.id)
    )
    by_key = {bytes(record.natural_key): (record, format) for record, format in reversed(rows.all())}
    ordered = sorted(by_key.values(), key=lambda pair: (pair[0].effective_at, pair[0].id))
    return PatientRecord(
        patient=patient,
        numbers=tuple((system, value) for system, value in numbers),
        records=tuple(ordered),
        flags=tuple(list_flags(session, actor, mrn=mrn)),
    )


def note_export(session: Session, actor: Actor, mrn: str, format: Taken, *, records: int, now: datetime) -> None:
    """Write the audit row of an export of the patient `mrn`. Raises NotFound when the actor may not see them."""
    patient = find_by_mrn(session, actor, mrn)
    write_audit(
        session, actor, EXPORTED, now=now, patient_uuid=patient.uuid, object=format, detail={"records": records}
    )
