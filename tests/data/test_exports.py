"""What leaves comes back: an exported Bundle is read back as the same records, and no cell of a CSV calculates."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import select

from clinical.chart import ENTRY_FIELDS, Chart, Entry
from data.charts import load_charts
from data.db import Database
from data.exports.csv import record_csv
from data.exports.fhir_r4 import record_bundle
from data.exports.patient_record import EXPORTED, note_export, patient_record
from data.exports.sheet_cells import STARTS, harmless
from data.intake.batch import import_paths
from data.models import Audit, Patient
from data.people import Actor, NotFound
from data.records import list_records
from tests.data.ward import Ward, at, lab

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ROOT = Actor.system("test")
MADE_HERE = {"id", "source", "recorded_at"}
RESULTS = """mrn,when,analyte,value,unit,comparator,ref_low,ref_high,lab,method,fasting,note,id,status
P1,2024-01-10,glucagon,118.00,pg/mL,,,150,Central,RIA,1,first,,
P1,2024-02-10T08:15+01:00,glucagon,<15,pg/mL,,50,150,Central,RIA,0,,F-77,
P1,2024-03,glucagon,33.9,pmol/L,>,,40,Other,ELISA,,,,corrected
P1,2024-03-10T08:15:30Z,zinc,9.2,umol/L,,10,18,,,,,,preliminary
P1,2024-04-10,hba1c,normal,%,,,,Central,,,,,
P1,2024-05-10,glucose-fasting,,mg/dL,,,,Central,,,,,absent
P1,2024-05-11,glucose,7.1,mmol/L,,,,Central,,,,,entered-in-error
"""
THERAPY = """mrn,when,kind,drug,dose,unit,route,interval_days,note,completeness,intent,planned_next,decided_by
P1,2023-01-10,procedure,pancreatectomy,,,,,left side,R0,curative,,
P1,2023-02-10,start,lanreotide,120,mg,deep sc,28,at home,,,,
P1,2023-03-10T09:00+01:00,injection,lanreotide,120,mg,deep sc,28,,,,2023-04-07,
P1,2023-04-10,interval,lanreotide,120,mg,,21,,,,2023-05-05,Dr Weiss
P1,2023-05-10,dose,octreotide LAR,30,mg,,28,,,,,
P1,2023-05-11,injection,insulin,8,U,,,,,,,
P1,2023-06-10,stop,lanreotide,,,,,moved,,,,
P1,2023-07-10,start,vitamin a,10000,[IU],,,,,,,
P1,2023-08-10,procedure,PRRT,7.4,GBq,iv,,,,palliative,,
P1,2023-09-10,start,rivaroxaban,20,mg,,,,,,,
P1,2023-04-20,interval,lanreotide,,,,,travelling,,,2023-05-08,Dr Weiss
"""
LESIONS = """mrn,scan_date,modality,lesion,role,site,organ,node,diameter_mm,state,into,reader,signed
P1,2024-01-10,CT,L1,target,segment 4,liver,0,23.5,measured,,Dr R,1
P1,2024-01-10,CT,N1,target,hilum,,1,17,measured,,Dr R,0
P1,2024-04-10,CT,L1,target,segment 4,liver,0,,absent,,,1
P1,2024-04-10,CT,L9,new,,bone,0,,present,,,0
"""
SKIN = """mrn,when,overall,iga,bsa,erythema,erosion,crust,mucosal,itch,pain,sites,infection,new_drug,rater,note
P1,2024-01-10,worse,3,12.5,2,1,0,1,7,2.5,groin;perioral,suspected,everolimus,Nurse N,crusting
P1,2024-02-10T10:30Z,clear,,,,,,,,,,,,,
"""


def local(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:nadir:analyte", "code": code}]}


def fhir_file() -> dict[str, Any]:
    own = {"subject": {"reference": "Patient/p"}, "status": "final"}
    observed = {**own, "resourceType": "Observation", "effectiveDateTime": "2024-06-01"}
    stones = {"code": local("stones"), "valueString": "multiple"}
    wall = {"code": local("wall_mm"), "valueQuantity": {"value": 3.5, "unit": "mm"}}
    resources: list[dict[str, Any]] = [
        {
            "resourceType": "Patient",
            "id": "p",
            "name": [{"text": "Ada Example"}],
            "gender": "female",
            "birthDate": "1960-02-03",
            "identifier": [
                {"type": {"coding": [{"code": "MR"}]}, "system": "urn:hospital", "value": "P1"},
                {"system": "urn:other", "value": "77"},
            ],
        },
        {**observed, "id": "b", "code": local("biliary-ultrasound"), "component": [stones, wall]},
        {**observed, "id": "s", "code": local("symptom"), "valueCodeableConcept": {"text": "fever"}},
        {**observed, "id": "r", "code": local("recist-response"), "valueCodeableConcept": {"text": "PD"}},
        {**observed, "id": "i", "code": local("itch"), "valueInteger": 4},
        {
            **observed,
            "id": "n",
            "code": local("finding"),
            "component": [
                {"code": local(name), "valueString": said}
                for name, said in (("code", "not-done"), ("item", "due-zinc"), ("why", "no vein found"))
            ],
        },
        {
            **observed,
            "id": "a",
            "code": local("b12"),
            "dataAbsentReason": {"coding": [{"code": "not-performed"}]},
            "interpretation": [{"text": "pending"}],
        },
        {
            "resourceType": "Condition",
            "id": "c",
            "subject": own["subject"],
            "recordedDate": "2024-02-01",
            "extension": [{"url": "urn:nadir:state", "valueString": "residual-stable"}],
        },
        {
            "resourceType": "Condition",
            "id": "d",
            "subject": own["subject"],
            "onsetDateTime": "2019",
            "code": {"text": "Glucagonoma of the tail"},
        },
        {
            **own,
            "resourceType": "DiagnosticReport",
            "id": "dr",
            "category": [{"coding": [{"code": "RAD"}]}],
            "code": {"text": "CT abdomen"},
            "effectiveDateTime": "2024-06-01",
            "conclusion": "New lesion",
        },
        {
            "resourceType": "ImagingStudy",
            "id": "is",
            "status": "available",
            "subject": own["subject"],
            "started": "2024-06-01",
            "modality": [{"code": "CT"}],
            "description": "CT abdomen",
        },
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


@pytest.fixture
def filled(sqlite_database: Database, tmp_path: Path) -> Database:
    """A database that holds P1 with every kind of record, taken in as files are."""
    (tmp_path / "all.json").write_text(json.dumps(fhir_file()))
    for name, text in (("results", RESULTS), ("therapy", THERAPY), ("lesions", LESIONS), ("skin", SKIN)):
        (tmp_path / f"{name}.csv").write_text(text)
    for name in ("all.json", "results.csv", "therapy.csv", "lesions.csv", "skin.csv"):
        summary = import_paths(sqlite_database, ROOT, [tmp_path / name], now=NOW).as_json()
        assert not summary["quarantined"], summary["quarantined"]
    return sqlite_database


def listed(database: Database) -> list[str]:
    with database.read() as session:
        rows = list_records(session, ROOT, "P1")
    return sorted(json.dumps({k: v for k, v in r.items() if k not in MADE_HERE}, default=str) for r in rows)


def chart(database: Database) -> Chart:
    with database.read() as session:
        id = session.scalars(select(Patient.id)).one()
        return load_charts(session, [id])[id]


def said(entry: Entry) -> tuple[Any, ...]:
    return (type(entry).__name__, *(getattr(entry, f.name) for f in fields(entry) if f.name != "record"))


def bundle(database: Database) -> bytes:
    with database.read() as session:
        return record_bundle(patient_record(session, ROOT, "P1"), now=NOW)


def test_an_exported_bundle_is_read_into_an_empty_database_as_the_same_records(
    filled: Database, postgresql_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(bundle(filled))
    summary = import_paths(postgresql_database, ROOT, [file], now=NOW).as_json()
    assert not summary["quarantined"]
    assert listed(postgresql_database) == listed(filled)
    assert len(listed(filled)) == 34
    for name in ENTRY_FIELDS:
        before, after = (sorted(map(repr, map(said, getattr(chart(d), name)))) for d in (filled, postgresql_database))
        assert after == before, name
    again = import_paths(postgresql_database, ROOT, [file], now=NOW).as_json()
    assert again["stored"] == again["superseded"] == 0


def test_who_the_patient_is_comes_back_too(filled: Database, postgresql_database: Database, tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(bundle(filled))
    import_paths(postgresql_database, ROOT, [file], now=NOW)
    known = []
    for database in (filled, postgresql_database):
        with database.read() as session:
            p = session.scalars(select(Patient)).one()
            known.append((p.mrn, p.mrn_system, p.name, p.birth_date, p.sex, p.deceased_at))
    assert known[0] == known[1]


def test_every_exported_resource_is_valid_fhir(filled: Database) -> None:
    document = json.loads(bundle(filled))
    get_fhir_model_class("Bundle").model_validate(document)
    assert {e["resource"]["resourceType"] for e in document["entry"]} >= {"Patient", "Observation", "Procedure"}


def test_numbers_keep_the_places_they_were_received_with(filled: Database) -> None:
    assert b'"value": 118.00' in bundle(filled)


def test_a_text_that_could_calculate_is_quoted_and_numbers_stay_numbers(sqlite_database: Database) -> None:
    texts = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", " =1", "plain"]
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        ward.patient("P1", *(lab("glucagon", None, None, "2024-01-01", text=t, lab=t) for t in texts))
        ward.store(1, lab("glucagon", 12.5, "pg/mL", "2024-02-01", canonical_ref_high=150.0))
    with sqlite_database.read() as session:
        made = record_csv(patient_record(session, ROOT, "P1"))
    rows = list(csv.DictReader(io.StringIO(made.removeprefix("\ufeff"), newline="")))
    assert [r["lab"] for r in rows[:-1]] == [*(f"'{t}" for t in texts[:-1]), "plain"]
    assert rows[-1]["value"] == "12.5"
    assert all(not cell.startswith(STARTS) for row in rows for cell in row.values())
    assert harmless("a=b") == "a=b"


def test_an_export_leaves_an_audit_row_and_reaches_no_further_than_the_teams(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        ward.patient("P1", lab("glucagon", 60.0, "pg/mL", "2024-01-01"))
        own, stranger = ward.person("a@x.example"), Ward.open(session, "Other").person("b@x.example")
        note_export(session, own, "P1", "csv", records=1, now=at("2024-02-01"))
        with pytest.raises(NotFound):
            patient_record(session, stranger, "P1")
        with pytest.raises(NotFound):
            note_export(session, stranger, "P1", "csv", records=1, now=at("2024-02-01"))
        row = session.scalars(select(Audit).where(Audit.action == EXPORTED)).one()
    assert (row.actor, row.object, row.outcome) == ("a@x.example", "csv", "ok")
