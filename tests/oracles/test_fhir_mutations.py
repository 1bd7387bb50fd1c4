"""Each file of `fhir/mutations` does what its `expected.csv` asks for: taken as it is, held with a why, or refused."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.models import Record
from data.people import Actor
from data.records import list_records

pytestmark = pytest.mark.oracles
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACTOR = Actor.system("test")

TAKEN: dict[str, dict[str, Any]] = {
    "mmol-true": {"value": Decimal("6.55"), "unit": "mmol/L", "canonical_value": pytest.approx(118.0, abs=0.05)},
    "comparator-lt": {"value": Decimal(40), "comparator": "<", "canonical_value": 40.0},
    "value-string-number": {"value": None, "canonical_value": None, "text": "118 mg/dL"},
    "value-string-comparator": {"value": None, "canonical_value": None, "text": "<2.0"},
    "value-exponent": {"value": Decimal(118), "canonical_value": 118.0},
    "value-trailing-zeros": {"value": Decimal("118.00")},
    "data-absent": {"value": None, "text": None, "status": "absent"},
    "entered-in-error": {"status": "entered-in-error"},
    "amended": {"value": Decimal(181), "status": "amended"},
    "preliminary": {"value": Decimal(118), "status": "preliminary"},
    "glucagon-pmol": {"analyte": "glucagon", "unit": "pmol/L", "canonical_value": pytest.approx(811.5, abs=0.05)},
    "bom": {"value": Decimal(118)},
}
HELD = {
    "unit-code-vs-text-conflict": "unit text 'mg/dL'",
    "ucum-wrong-case": "MG/DL",
    "value-quoted-number": "not a JSON number",
    "negative": "cannot be negative",
    "absent-and-value": "dataAbsentReason",
    "status-unknown-code": "'done'",
    "date-future": "future",
    "date-invalid": "2024-02-30",
    "no-subject": "no subject",
    "two-codes-conflict": "2951-2",
    "glucagon-wrong-loinc-1659-1": "1659-1",
    "dup-key": "'status'",
}
REFUSED = {"truncated": "truncated", "nan": "byte"}
NOTED = {"mmol-true", "glucagon-pmol"}


def patient(folder: Path) -> Path:
    path = folder / "patient.json"
    path.write_text(
        json.dumps({"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:hospital", "value": "M-1"}]})
    )
    return path


def taken(database: Database, *, everything: bool = False) -> list[dict[str, Any]]:
    with database.read() as session:
        return list_records(session, ACTOR, "M-1", include_superseded=everything)


def test_every_mutation_has_an_answer_here(shared_data: Path) -> None:
    with (shared_data / "fhir" / "mutations" / "expected.csv").open(newline="", encoding="utf-8") as file:
        named = {row["file"].removesuffix(".json") for row in csv.DictReader(file)}
    assert named == {*TAKEN, *HELD, *REFUSED}


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_it_is_taken_as_it_was_sent(name: str, shared_data: Path, sqlite_database: Database, tmp_path: Path) -> None:
    import_paths(sqlite_database, ACTOR, [patient(tmp_path)], now=NOW)
    path = shared_data / "fhir" / "mutations" / f"{name}.json"
    summary = import_paths(sqlite_database, ACTOR, [path], now=NOW).as_json()
    assert (summary["stored"], summary["quarantined"]) == (1, [])
    (row,) = taken(sqlite_database)
    assert {key: row[key] for key in TAKEN[name]} == TAKEN[name]
    with sqlite_database.read() as session:
        detail = session.scalars(select(Record.detail)).one()
    assert bool((detail or {}).get("notes")) == (name in NOTED)


@pytest.mark.parametrize("name", sorted(HELD))
def test_it_is_held_with_its_place_and_why(
    name: str, shared_data: Path, sqlite_database: Database, tmp_path: Path
) -> None:
    import_paths(sqlite_database, ACTOR, [patient(tmp_path)], now=NOW)
    path = shared_data / "fhir" / "mutations" / f"{name}.json"
    (held,) = import_paths(sqlite_database, ACTOR, [path], now=NOW).as_json()["quarantined"]
    assert held["where"] == path.name and HELD[name] in held["why"]
    assert taken(sqlite_database) == []


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_file_that_is_no_json_is_refused_as_a_whole(name: str, shared_data: Path, sqlite_database: Database) -> None:
    path = shared_data / "fhir" / "mutations" / f"{name}.json"
    with pytest.raises(ImportRefused, match=f"{path.name}.*{REFUSED[name]}"):
        import_paths(sqlite_database, ACTOR, [path], now=NOW)


def test_a_correction_replaces_and_a_retraction_withdraws_what_was_sent_before(
    shared_data: Path, sqlite_database: Database, tmp_path: Path
) -> None:
    import_paths(sqlite_database, ACTOR, [patient(tmp_path)], now=NOW)
    for name, ends in (("amended", "amended"), ("entered-in-error", "entered-in-error")):
        late = shared_data / "fhir" / "mutations" / f"{name}.json"
        first = json.loads(late.read_text())
        first |= {"status": "final", "effectiveDateTime": f"2023-01-0{len(name) % 9 + 1}T08:00:00Z"}
        early = tmp_path / f"{name}-first.json"
        early.write_text(json.dumps(first))
        assert import_paths(sqlite_database, ACTOR, [early], now=NOW).as_json()["stored"] == 1
        assert import_paths(sqlite_database, ACTOR, [late], now=NOW).as_json()["superseded"] == 1
        (current,) = [row for row in taken(sqlite_database) if row["source"]["where"] == late.name]
        (before,) = [r for r in taken(sqlite_database, everything=True) if r["superseded_by"] == current["id"]]
        assert (before["status"], current["status"]) == ("final", ends)
