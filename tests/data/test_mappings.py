"""A learned mapping needs two people, counts for one laboratory only, and is named by every record read by it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.quarantine import list_quarantined, retry_quarantined
from data.mappings import MappingError, NewMapping, approve_mapping, list_mappings, propose_mapping, retire_mapping
from data.models import Record
from data.patients import add_patient
from data.people import Actor, Forbidden

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
ANNA = Actor("anna@x.example", "oncologist", 1)
BERT = Actor("bert@x.example", "admin", 2)
UNIT: dict[str, Any] = {
    "laboratory": "Central",
    "kind": "unit",
    "written": "pg per ml!",
    "meaning": "pg/mL",
    "reason": "they say so",
}
CODE: dict[str, Any] = {
    "laboratory": "Central",
    "kind": "code",
    "written": "GLUC1",
    "meaning": "glucagon",
    "reason": "their list",
}


def registered(database: Database) -> None:
    with database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)


def learned(database: Database, mapping: dict[str, Any]) -> int:
    with database.write() as session:
        proposed = propose_mapping(session, ANNA, NewMapping(**mapping), now=NOW)
        approve_mapping(session, BERT, proposed["id"], now=NOW)
    return int(proposed["id"])


def sheet(folder: Path, *rows: str) -> Path:
    path = folder / "labs.csv"
    path.write_text("\n".join(("mrn,when,analyte,value,unit,lab", *rows)) + "\n")
    return path


def hl7(folder: Path, laboratory: str, code: str, unit: str) -> Path:
    path = folder / "one.hl7"
    path.write_text(
        f"MSH|^~\\&|L|{laboratory}|N|N|20250501||ORU^R01|1|P|2.5\rPID|||M-1\rOBR|1||F1|X|||20250501080000+0000\r"
        f"OBX|1|NM|{code}||118|{unit}|||||F\r"
    )
    return path


def fhir(folder: Path, laboratory: str, code: dict[str, Any], unit: str) -> Path:
    path = folder / "one.json"
    path.write_text(
        json.dumps(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [code]},
                "subject": {"reference": "Patient/x"},
                "performer": [{"display": laboratory}],
                "effectiveDateTime": "2025-05-01",
                "valueQuantity": {"value": 118, "unit": unit},
            }
        )
    )
    return path


def run(database: Database, path: Path) -> dict[str, Any]:
    return import_paths(database, ACTOR, [path], now=NOW, mrn="M-1").as_json()


def details(database: Database) -> list[tuple[str | None, float | None, Any]]:
    with database.read() as session:
        rows = session.scalars(select(Record).order_by(Record.id))
        return [(row.unit, row.canonical_value, (row.detail or {}).get("notes")) for row in rows]


LOINC = {"system": "http://loinc.org", "code": "2338-2"}


@pytest.mark.parametrize("format", ["sheet", "hl7", "fhir"])
def test_a_learned_unit_is_read_for_its_laboratory_only_and_says_so(
    sqlite_database: Database, tmp_path: Path, format: str
) -> None:
    def sent(laboratory: str) -> Path:
        if format == "sheet":
            return sheet(tmp_path, f"M-1,2025-05-01,glucagon,118,pg per ml!,{laboratory}")
        if format == "hl7":
            return hl7(tmp_path, laboratory, "2338-2^Glucagon^LN", "pg per ml!")
        return fhir(tmp_path, laboratory, LOINC, "pg per ml!")

    registered(sqlite_database)
    assert len(run(sqlite_database, sent("CENTRAL"))["quarantined"]) == 1
    mapping = learned(sqlite_database, UNIT)
    assert run(sqlite_database, sent("CENTRAL"))["stored"] == 1
    assert len(run(sqlite_database, sent("Elsewhere"))["quarantined"]) == 1
    ((unit, value, notes),) = details(sqlite_database)
    assert (unit, value) == ("pg per ml!", 118.0)
    assert notes == [f"'pg per ml!' read as 'pg/mL' by mapping {mapping}"]


@pytest.mark.parametrize("format", ["sheet", "hl7", "fhir"])
def test_a_learned_code_is_read_for_its_laboratory_only_and_says_so(
    sqlite_database: Database, tmp_path: Path, format: str
) -> None:
    def sent(laboratory: str) -> Path:
        if format == "sheet":
            return sheet(tmp_path, f"M-1,2025-05-01,GLUC1,118,pg/mL,{laboratory}")
        if format == "hl7":
            return hl7(tmp_path, laboratory, "GLUC1^Glucagon^L", "pg/mL")
        return fhir(tmp_path, laboratory, {"system": "urn:lab", "code": "GLUC1"}, "pg/mL")

    registered(sqlite_database)
    assert run(sqlite_database, sent("Central"))["stored"] == 0
    mapping = learned(sqlite_database, CODE)
    assert run(sqlite_database, sent("Elsewhere"))["stored"] == 0
    assert run(sqlite_database, sent("Central"))["stored"] == 1
    assert details(sqlite_database) == [("pg/mL", 118.0, [f"'GLUC1' read as 'glucagon' by mapping {mapping}"])]


def test_a_held_item_is_read_again_once_its_unit_was_learned(database: Database, tmp_path: Path) -> None:
    registered(database)
    run(database, sheet(tmp_path, "M-1,2025-05-01,glucagon,118,pg per ml!,Central"))
    with database.write() as session:
        (held,) = list_quarantined(session, ACTOR)
        proposed = propose_mapping(session, ANNA, NewMapping(**UNIT, item=held["id"]), now=NOW)
    assert retry_quarantined(database, ACTOR, held["id"], now=NOW).stored == 0
    with database.write() as session:
        approve_mapping(session, BERT, proposed["id"], now=NOW)
    assert retry_quarantined(database, ACTOR, held["id"], now=NOW).stored == 1
    with database.write() as session:
        assert list_quarantined(session, ACTOR) == []
        retire_mapping(session, BERT, proposed["id"], reason="they write pg/mL now", now=NOW)
        assert list_mappings(session, ACTOR) == []
        assert [m["state"] for m in list_mappings(session, ACTOR, all=True)] == ["retired"]
    assert len(run(database, sheet(tmp_path, "M-1,2025-05-02,glucagon,119,pg per ml!,Central"))["quarantined"]) == 1


def test_nobody_approves_what_they_proposed(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        proposed = propose_mapping(session, ANNA, NewMapping(**UNIT), now=NOW)["id"]
        with pytest.raises(MappingError, match="somebody else"):
            approve_mapping(session, ANNA, proposed, now=NOW)
        with pytest.raises(MappingError, match="somebody else"):
            approve_mapping(session, ACTOR, proposed, now=NOW, name=" ANNA@x.example ")
        with pytest.raises(MappingError, match="say who you are"):
            approve_mapping(session, ACTOR, proposed, now=NOW)
        with pytest.raises(Forbidden):
            approve_mapping(session, Actor("s@x.example", "service", 9), proposed, now=NOW)
        assert approve_mapping(session, ACTOR, proposed, now=NOW, name="Bert")["approved_by"] == "Bert"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "lab"}, "a unit or a code"),
        ({"laboratory": " "}, "one laboratory"),
        ({"written": ""}, "printable"),
        ({"written": "pmol/L"}, "means what it says"),
        ({"meaning": "furlong"}, "no unit"),
        ({"kind": "code", "meaning": "nothing"}, "not in the catalogue"),
        ({"kind": "code", "written": "glucagon", "meaning": "insulin"}, "means what it says"),
        ({"reason": "x"}, "say why"),
    ],
)
def test_what_is_no_mapping_cannot_be_proposed(sqlite_database: Database, change: dict[str, Any], why: str) -> None:
    with sqlite_database.write() as session, pytest.raises(MappingError, match=why):
        propose_mapping(session, ANNA, NewMapping(**UNIT | change), now=NOW)


def test_a_second_meaning_for_the_same_writing_is_refused(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        propose_mapping(session, ANNA, NewMapping(**UNIT), now=NOW)
        with pytest.raises(MappingError, match="retire it first"):
            propose_mapping(session, BERT, NewMapping(**UNIT | {"meaning": "pmol/L"}), now=NOW)
