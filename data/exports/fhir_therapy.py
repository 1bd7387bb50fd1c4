"""Therapy and disease states -> FHIR: what was given, each step of a regimen, procedures, where the disease stands."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from data.exports.fhir_parts import Ids, Resource, extended, extension, framed, given, notes, quantity, text, when
from data.intake.fhir_condition import STATE
from data.intake.fhir_therapy import DRUG, PROCEDURE, TOLD
from data.models import Record

RETRACTED = "entered-in-error"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def therapy(record: Record, ids: Ids) -> Resource:
    """An injection as MedicationAdministration, a procedure as Procedure, any other step as MedicationStatement."""
    detail = record.detail or {}
    if detail["kind"] == "procedure":
        return _procedure(record, detail, ids)
    type = "MedicationAdministration" if detail["kind"] == "injection" else "MedicationStatement"
    made = extended(framed(type, record, ids, status=_status(record, detail["kind"])), *_told(record, detail))
    dosage = _dosage(detail, record)
    return {
        **made,
        "medicationCodeableConcept": {
            "coding": [{"system": DRUG, "code": detail["drug"]}],
            "text": detail["drug"].replace("-lar", " LAR").replace("-", " "),
        },
        **_time(record, detail["kind"]),
        **given((("dosage", dosage), ("note", notes(detail.get("note"))))),
    }


def state(record: Record, ids: Ids) -> Resource:
    """The Condition that states where the disease stands from the day it was recorded."""
    detail = record.detail or {}
    made = extended(framed("Condition", record, ids), extension(STATE, detail["state"]))
    if record.status == RETRACTED:
        made["verificationStatus"] = {"coding": [{"system": VERIFICATION, "code": RETRACTED}]}
    return {**made, "code": text("State of the glucagonoma"), "recordedDate": when(record)}


def _procedure(record: Record, detail: Mapping[str, Any], ids: Ids) -> Resource:
    status = RETRACTED if record.status == RETRACTED else "completed"
    return {
        **extended(framed("Procedure", record, ids, status=status), *_told(record, detail)),
        "code": {"coding": [{"system": PROCEDURE, "code": detail["procedure"]}], "text": detail["procedure"]},
        "performedDateTime": when(record),
        **given(
            (
                ("category", text(detail["intent"]) if detail.get("intent") else None),
                ("outcome", text(detail["completeness"]) if detail.get("completeness") else None),
                ("note", notes(detail.get("note"))),
            )
        ),
    }


def _status(record: Record, kind: str) -> str:
    if record.status == RETRACTED:
        return RETRACTED
    return {"injection": "completed", "stop": "stopped"}.get(kind, "active")


def _time(record: Record, kind: str) -> Resource:
    if kind in ("start", "stop"):
        return {"effectivePeriod": {"start" if kind == "start" else "end": when(record)}}
    return {"effectiveDateTime": when(record)}


def _told(record: Record, detail: Mapping[str, Any]) -> list[Resource]:
    """What the resource has no element for, as texts that the importer reads."""
    procedure, statement = detail["kind"] == "procedure", detail["kind"] not in ("procedure", "injection")
    told = {
        "kind": None if procedure else detail["kind"],
        "planned_next": detail.get("planned_next"),
        "decided_by": detail.get("decided_by"),
        "interval_days": None if statement else detail.get("interval_days"),
        "dose": _amount(record, detail) if procedure else None,
        "unit": record.unit or detail.get("unit") if procedure else None,
        "route": detail.get("route") if procedure else None,
    }
    return [extension(f"{TOLD}{name}", str(value)) for name, value in told.items() if value is not None]


def _amount(record: Record, detail: Mapping[str, Any]) -> str | None:
    dose = detail.get("dose")
    return record.value or (None if dose is None else repr(dose))


def _dosage(detail: Mapping[str, Any], record: Record) -> Resource | list[Resource] | None:
    amount, days = _amount(record, detail), detail.get("interval_days")
    dose = None if amount is None else quantity(Decimal(amount), record.unit or detail.get("unit"))
    route = text(detail["route"]) if detail.get("route") else None
    if detail["kind"] == "injection":
        return given((("route", route), ("dose", dose))) or None
    repeat = None if days is None else {"repeat": {"frequency": 1, "period": days, "periodUnit": "d"}}
    found = given((("timing", repeat), ("route", route), ("doseAndRate", [{"doseQuantity": dose}] if dose else None)))
    return [found] if found else None
