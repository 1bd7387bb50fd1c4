"""A laboratory result, vital sign or score -> FHIR Observation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from clinical.analytes import CATALOGUE, by_loinc
from data.exports.fhir_parts import Ids, Resource, framed, given, instant, local, notes, quantity, text, when
from data.intake.fhir_frame import LOCAL, LOINC
from data.intake.item import Held
from data.intake.measured import measure, property_note
from data.models import Record

INTERPRETATIONS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
ABSENT_REASONS = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
FASTING_STATUS = "http://terminology.hl7.org/CodeSystem/v2-0916"
KNOWN_INTERPRETATIONS = frozenset({"A", "AA", "H", "HH", "HU", "L", "LL", "LU", "N", "POS", "NEG"})
KNOWN_REASONS = frozenset(
    (
        *("unknown", "asked-unknown", "temp-unknown", "not-asked", "asked-declined", "masked", "not-applicable"),
        *("unsupported", "as-text", "error", "not-a-number", "negative-infinity", "positive-infinity"),
        *("not-performed", "not-permitted"),
    )
)


def result(record: Record, ids: Ids) -> Resource:
    """The Observation of a result, as received: value, comparator, unit, range, laboratory, method, fasting state."""
    detail = record.detail or {}
    status = record.status if record.status != "absent" else str(detail.get("sent_status", "final"))
    return {
        **framed("Observation", record, ids, status=status),
        "code": _code(record),
        "effectiveDateTime": when(record),
        **given(
            (
                ("issued", None if record.issued_at is None else instant(record.issued_at)),
                ("identifier", [{"value": record.specimen}] if record.specimen else None),
                ("performer", [{"display": record.lab}] if record.lab else None),
                ("method", text(record.method) if record.method else None),
                ("interpretation", _interpretation(record.interpretation)),
                ("component", [_disqualifier(said) for said in detail.get("disqualifiers", ())]),
                ("note", notes(detail.get("note"), *detail.get("notes", ()), _through_mapping(record))),
            )
        ),
        **_value(record, detail),
        **_fasting(record),
    }


def _code(record: Record) -> Resource:
    analyte = CATALOGUE.get(record.analyte or "")
    if analyte is None:
        return local(record.analyte or "")
    usual = (code for code in analyte.loinc if by_loinc(code) is analyte)
    fitting = next((c for c in usual if not property_note(analyte.code, c, record.unit or "")), None)
    coding = [{"system": LOCAL, "code": analyte.code, "display": analyte.name}]
    return {"coding": ([{"system": LOINC, "code": fitting}] if fitting else []) + coding, "text": analyte.name}


def _value(record: Record, detail: dict[str, Any]) -> Resource:
    if record.status == "absent" or "data_absent" in detail:
        reason = str(detail.get("data_absent", "unknown"))
        coded = {"coding": [{"system": ABSENT_REASONS, "code": reason}]} if reason in KNOWN_REASONS else text(reason)
        return {"dataAbsentReason": coded}
    if record.value is None:
        return given((("valueString", record.text), ("referenceRange", _range(record, record.canonical_unit))))
    value = Decimal(record.value)
    if record.unit is None:
        return {"valueInteger": int(value)}
    sent = _sendable(record, value)
    if record.comparator is not None:
        sent["comparator"] = record.comparator
    if detail.get("unit_text"):
        sent["unit"] = detail["unit_text"]
    return given((("valueQuantity", sent), ("referenceRange", _range(record, record.unit))))


def _sendable(record: Record, value: Decimal) -> Resource:
    """The quantity as received; its canonical form where the received unit is one that only a mapping here explains."""
    if _through_mapping(record) is None or record.canonical_value is None:
        return quantity(value, record.unit, record.analyte)
    return quantity(Decimal(repr(record.canonical_value)), record.canonical_unit, record.analyte)


def _through_mapping(record: Record) -> str | None:
    analyte = record.analyte or ""
    if record.value is None or record.unit is None or analyte not in CATALOGUE:
        return None
    try:
        measure(analyte, Decimal(record.value), record.unit)
    except Held:
        return f"received as {record.value} {record.unit}, read through a mapping of the laboratory's units"
    return None


def _range(record: Record, unit: str | None) -> list[Resource]:
    limits: Resource = {}
    mapped = _through_mapping(record) is not None
    for side in ("low", "high"):
        received, canonical = getattr(record, f"ref_{side}"), getattr(record, f"canonical_ref_{side}")
        if received is not None and not mapped:
            limits[side] = quantity(Decimal(received), unit, record.analyte)
        elif canonical is not None and (received is None or mapped):
            limits[side] = quantity(Decimal(repr(canonical)), record.canonical_unit, record.analyte)
    said = (record.detail or {}).get("ref_text")
    if said:
        limits["text"] = said[0]
    return [limits] if limits else []


def _interpretation(said: str | None) -> list[Resource]:
    if said is None:
        return []
    return [{"coding": [{"system": INTERPRETATIONS, "code": said}]}] if said in KNOWN_INTERPRETATIONS else [text(said)]


def _fasting(record: Record) -> Resource:
    if record.fasting is None:
        return {}
    state = {"coding": [{"system": FASTING_STATUS, "code": "F" if record.fasting else "NF"}]}
    specimen = {
        "resourceType": "Specimen",
        "id": "specimen",
        "collection": {"fastingStatusCodeableConcept": state},
    }
    return {"contained": [specimen], "specimen": {"reference": "#specimen"}}


def _disqualifier(said: str) -> Resource:
    return {"code": local("disqualifier"), "valueCodeableConcept": text(said)}
