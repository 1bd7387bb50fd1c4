"""FHIR resources to import, and the import of them, for the tests of intake."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from clinical.chart import Chart
from data.charts import load_charts
from data.db import Database
from data.intake.batch import import_paths
from data.models import Patient
from data.people import Actor

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
LOCAL = "urn:nadir:analyte"
LOINC = "http://loinc.org"
Resource = dict[str, Any]


def patient(mrn: str = "M-1", id: str = "p1", **changes: Any) -> Resource:
    identifier = {"type": {"coding": [{"code": "MR"}]}, "system": "urn:hospital", "value": mrn}
    return {"resourceType": "Patient", "id": id, "identifier": [identifier]} | changes


def coded(code: str, system: str = LOCAL) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def part(code: str, value: Any, system: str = LOCAL, unit: str | None = None) -> Resource:
    if isinstance(value, bool):
        return {"code": coded(code, system), "valueBoolean": value}
    if isinstance(value, str):
        return {"code": coded(code, system), "valueCodeableConcept": {"text": value}}
    quantity = {"value": value} | ({"unit": unit, "code": unit} if unit else {})
    return {"code": coded(code, system), "valueQuantity": quantity}


def observation(code: Resource, **fields: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-03-10T08:15:00Z",
    } | fields


def glucose(value: Any = 99, **fields: Any) -> Resource:
    return observation(coded("2345-7", LOINC), valueQuantity={"value": value, "unit": "mg/dL"}) | fields


def bundle(*resources: Resource) -> Resource:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource} for resource in resources]}


def run(database: Database, folder: Path, *resources: Resource) -> Resource:
    return run_text(database, folder, json.dumps(bundle(*resources)))


def run_text(database: Database, folder: Path, text: str | bytes, name: str = "bundle.json") -> Resource:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    summary = import_paths(database, ACTOR, [path], now=NOW).as_json()
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[p] for p in parts) + len(summary["quarantined"])
    return summary


def chart(database: Database) -> Chart:
    with database.read() as session:
        (found,) = load_charts(session, session.scalars(select(Patient.id)).all()).values()
    return found


def held(database: Database, folder: Path, *resources: Resource) -> str:
    (one,) = run(database, folder, patient(), *resources)["quarantined"]
    return str(one["why"])
