"""The record of a patient as a FHIR R4 Bundle that Nadir's own importer reads back to the same records.

Current records only: what was superseded stays behind. Sensor readings are not resources of this Bundle; the exports of
the sensors' makers carry them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from data.exports.fhir_coded import CODED
from data.exports.fhir_flags import flag
from data.exports.fhir_parts import Ids, Resource, given, instant
from data.exports.fhir_results import result
from data.exports.fhir_therapy import state, therapy
from data.exports.patient_record import PatientRecord

_KINDS = {"lab": result, "therapy": therapy, "state": state, **CODED}
_encode = msgspec.json.Encoder(decimal_format="number").encode


def record_bundle(found: PatientRecord, *, now: datetime) -> bytes:
    """The Bundle as JSON, decimals with the places they were received with."""
    entries = [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in resources(found)]
    bundle = {"resourceType": "Bundle", "type": "collection", "timestamp": instant(now), "entry": entries}
    return msgspec.json.format(_encode(bundle), indent=1)


def resources(found: PatientRecord) -> Iterator[Resource]:
    """The patient, then a resource for each record, then two for each flag."""
    ids = Ids(found.patient.uuid)
    yield _patient(found)
    for record, _ in found.records:
        yield _KINDS[record.kind](record, ids)
    exported = frozenset(str(record.id) for record, _ in found.records)
    for document in found.flags:
        yield from flag(document, ids, exported)


def _patient(found: PatientRecord) -> Resource:
    patient = found.patient
    own = {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}}
    own |= given((("system", patient.mrn_system), ("value", patient.mrn)))
    others = [
        {"system": system, "value": value}
        for system, value in found.numbers
        if (system, value) != (patient.mrn_system, patient.mrn)
    ]
    return {
        "resourceType": "Patient",
        "id": patient.uuid,
        "identifier": [own, *others],
        **given(
            (
                ("name", [{"text": patient.name}] if patient.name else None),
                ("gender", patient.sex),
                ("birthDate", None if patient.birth_date is None else patient.birth_date.isoformat()),
                ("deceasedDateTime", None if patient.deceased_at is None else instant(patient.deceased_at)),
            )
        ),
    }
