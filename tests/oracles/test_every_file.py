"""Every file beside the project that intake has to do with: an account of all of it, or a refusal in words."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.models import Quarantined, Record
from data.patients import add_patient
from data.people import Actor

pytestmark = [pytest.mark.oracles, pytest.mark.timeout(900)]

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
FOLDERS = ("fhir", "hl7v2", "cgm/exports", "dicom_sr", "robustness")
PARTS = ("stored", "unchanged", "superseded", "ignored")


@pytest.fixture
def clinic(sqlite_database: Database) -> Database:
    with sqlite_database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    return sqlite_database


def read(database: Database, path: Path) -> dict[str, Any] | str:
    """The account of a file, or why it is refused; a file that names no patient is given to one."""
    why = ""
    for options in ({}, {"mrn": "M-1", "zone": "Europe/Berlin"}):
        try:
            found = import_paths(database, ACTOR, [path], now=NOW, dry_run=True, **options).as_json()
        except ImportRefused as refused:
            why = str(refused)
        else:
            assert found["read"] == sum(found[part] for part in PARTS) + len(found["quarantined"]), path
            return found
    assert why
    return why


def test_every_file_is_accounted_for_or_refused_in_words(
    clinic: Database, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table: dict[str, Counter[str]] = {}
    for folder in FOLDERS:
        for path in sorted(path for path in (shared_data / folder).rglob("*") if path.is_file()):
            found = read(clinic, path)
            kind = found["format"] if isinstance(found, dict) else "refused"
            counts = table.setdefault(f"{folder}: {kind}", Counter())
            counts["files"] += 1
            if isinstance(found, dict):
                counts["items"] += found["read"]
                counts["held"] += len(found["quarantined"])
                counts["ignored"] += found["ignored"]
                assert all(held["where"] and held["why"] for held in found["quarantined"])
    with capsys.disabled():
        print()
        for kind, counts in table.items():
            print(f"  {kind}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    assert sum(counts["files"] for counts in table.values()) > 400


def test_a_naughty_string_is_kept_as_it_is_or_held_wherever_it_stands(
    clinic: Database, shared_data: Path, tmp_path: Path
) -> None:
    strings = json.loads((shared_data / "robustness" / "blns.json").read_text(encoding="utf-8"))
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(("mrn", "when", "analyte", "value", "unit", "lab", "note"))
    for number, text in enumerate(strings):
        day = f"20{10 + number // 336:02}-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}"
        writer.writerow(("M-1", day, "glucagon", "118", "pg/mL", f"L{number}", text))
        for column in range(5):
            row = ["M-1", day, "glucagon", "118", "pg/mL", f"L{number}", ""]
            row[column] = text
            writer.writerow(row)
    path = tmp_path / "naughty.csv"
    path.write_bytes(target.getvalue().encode("utf-8", "surrogatepass"))
    found = import_paths(clinic, ACTOR, [path], now=NOW).as_json()
    assert found["read"] == sum(found[part] for part in PARTS) + len(found["quarantined"])
    with clinic.read() as session:
        rows = session.execute(select(Record.value, Record.unit, Record.analyte, Record.detail)).all()
        held = "".join(session.scalars(select(Quarantined.raw)))
    said = {text.strip() for text in strings} - {""}
    noted = {row.detail["note"] for row in rows if row.detail and "note" in row.detail}
    assert noted <= said
    assert [text for text in said - noted if text.replace("\x00", "\ufffd").replace('"', '""') not in held] == []
    assert {row.analyte for row in rows} == {"glucagon"}
    assert {str(row.value).isascii() for row in rows} == {True}
