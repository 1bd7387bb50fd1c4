"""Structured reports of other projects: every expected lesion is stored, and everything else is counted."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.models import Patient, Record
from data.people import Actor
from tests.data.reports import Triple, coded, content, group, number, write

pytestmark = pytest.mark.oracles
NOW = datetime(2026, 12, 1, tzinfo=UTC)
ACTOR = Actor.system("test")
AXES = {"long": "103339001", "short": "103340004"}


def read(database: Database, *paths: Path) -> dict[str, Any]:
    summary = import_paths(database, ACTOR, list(paths), now=NOW).as_json()
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[part] for part in parts) + len(summary["quarantined"])
    return summary


def stored(database: Database) -> Counter[tuple[Any, ...]]:
    with database.read() as session:
        rows = session.execute(select(Record, Patient.mrn).join(Patient, Patient.id == Record.patient_id))
        return Counter(
            (
                record.place.partition("#")[0],
                mrn,
                record.effective_text.replace("-", ""),
                record.detail["lesion"],
                record.detail["site"],
                "short" if record.detail["node"] else "long",
                Decimal(record.value),
                record.unit,
            )
            for record, mrn in rows
        )


def test_every_expected_lesion_is_stored_and_no_other(database: Database, shared_data: Path) -> None:
    folder = shared_data / "dicom_sr"
    with (folder / "expected_lesions.csv").open(newline="", encoding="utf-8") as file:
        wanted = Counter(
            (
                *(row[name] for name in ("file", "patient", "study_date", "tracking_id", "site", "axis")),
                Decimal(row["value_mm"]),
                row["unit"],
            )
            for row in csv.DictReader(file)
        )
    files = [path for path in sorted(folder.glob("*.dcm")) if path.name != "pydicom_test-SR.dcm"]
    assert read(database, *files)["quarantined"] == []
    assert stored(database) == wanted and wanted.total() == 8
    again = read(database, *files)
    assert (again["stored"], again["superseded"]) == (0, 0)


@pytest.mark.parametrize("name", ["hd_sr01_baseline", "hd_sr01_wk3", "dcmqi_sr_headneck"])
def test_an_independent_reader_finds_the_same_measurements(
    name: str, sqlite_database: Database, shared_data: Path
) -> None:
    expected = json.loads((shared_data / "dicom_sr" / f"{name}.expected.json").read_text())
    summary = read(sqlite_database, shared_data / "dicom_sr" / f"{name}.dcm")
    measured = [(one, item) for one in expected["Measurements"] for item in one["measurementItems"]]
    axes = [(one, item) for one, item in measured if item["quantity"]["CodeValue"] in AXES.values()]
    assert {(lesion, value) for _, _, _, lesion, _, _, value, _ in stored(sqlite_database)} == {
        (one["TrackingIdentifier"], Decimal(item["value"])) for one, item in axes
    }
    others = Counter(
        f"NUM {item['quantity']['CodingSchemeDesignator']} {item['quantity']['CodeValue']}"
        for one, item in measured
        if (one, item) not in axes
    )
    assert summary["ignored_types"] == dict(others)
    assert expected["CompletionFlag"] == ("PARTIAL" if name == "dcmqi_sr_headneck" else "COMPLETE")


def test_a_report_of_another_kind_is_refused_politely(sqlite_database: Database, shared_data: Path) -> None:
    with pytest.raises(ImportRefused, match=r"is no measurement report \(TID 1500\) but 'Diagnosis'"):
        read(sqlite_database, shared_data / "dicom_sr" / "pydicom_test-SR.dcm")


@pytest.mark.parametrize(
    "name", ["sr-tid1500-ct-liver-example", "sr-tid1500-example-nan", "sr-tid1500-example", "sr-tid1500-qualitative"]
)
def test_what_a_writer_was_asked_for_is_counted_once_it_is_a_report(
    name: str, sqlite_database: Database, shared_data: Path, tmp_path: Path
) -> None:
    asked = json.loads((shared_data / "dicom_sr" / "dcmqi_json" / f"{name}.json").read_text())
    groups = []
    for one in asked["Measurements"]:
        items = [number(triple(i["quantity"]), i["value"], triple(i["units"])) for i in one["measurementItems"]]
        for judged in one.get("qualitativeEvaluations", ()):
            value = judged["conceptValue"]
            concept = triple(judged["conceptCode"])
            items.append(
                content("TEXT", concept, TextValue=value) if isinstance(value, str) else coded(concept, triple(value))
            )
        finding = coded(("121071", "DCM", "Finding"), triple(one["Finding"]))
        groups.append(group(finding, *items, lesion=one["TrackingIdentifier"], site=triple(one["FindingSite"])))
    wanted = Counter(
        f"NUM {i['quantity']['CodingSchemeDesignator']} {i['quantity']['CodeValue']}"
        for one in asked["Measurements"]
        for i in one["measurementItems"]
    )
    assert read(sqlite_database, write(tmp_path / "a.dcm", *groups))["ignored_types"] == dict(wanted)
    # The description itself is no DICOM object and no FHIR resource.
    with pytest.raises(ImportRefused, match="no resourceType"):
        read(sqlite_database, shared_data / "dicom_sr" / "dcmqi_json" / f"{name}.json")


def triple(code: dict[str, str]) -> Triple:
    return code["CodeValue"], code["CodingSchemeDesignator"], code["CodeMeaning"]
