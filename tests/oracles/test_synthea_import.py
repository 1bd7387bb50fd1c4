"""Synthea bundles against `expected_observations.csv`: every row of a catalogue code is stored as it was sent."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from clinical.analytes import by_loinc
from data.db import Database
from data.intake.batch import import_paths
from data.models import Patient, Record
from data.people import Actor
from data.records import list_records

pytestmark = pytest.mark.oracles
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACTOR = Actor.system("test")
Row = tuple[str, str, Decimal, str, str, str, str]


def expected(shared: Path, folder: str) -> Counter[Row]:
    """One row per catalogue value: patient file, analyte, value, comparator, unit, time, status."""
    with (shared / "fhir" / "expected_observations.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith(folder)]
    whole = {(row["file"], row["id"]): row for row in rows if row["kind"] == "resource"}
    found: Counter[Row] = Counter()
    for row in rows:
        analyte = by_loinc(row["code"]) if row["system"] == "http://loinc.org" else None
        if analyte is None or row["value_type"] != "Quantity":
            continue
        parent = whole[(row["file"], row["id"])]
        found[
            (
                row["file"],
                analyte.code,
                Decimal(row["value"]),
                row["comparator"],
                row["unit_code"] or row["unit"],
                parent["effective"],
                parent["status"],
            )
        ] += 1
    return found


def stored(database: Database, folder: str) -> Counter[Row]:
    with database.read() as session:
        mrns = session.scalars(select(Patient.mrn)).all()
        listed = [row for mrn in mrns for row in list_records(session, ACTOR, mrn)]
    return Counter(
        (
            f"{folder}/{row['source']['where'].partition('#')[0]}",
            row["analyte"],
            row["value"],
            row["comparator"] or "",
            row["unit"],
            row["effective"],
            row["status"],
        )
        for row in listed
        if row["kind"] == "lab"
    )


@pytest.mark.parametrize("folder", ["synthea_bundles", "bulk_ndjson/pathling"])
def test_every_value_of_the_catalogue_is_stored_as_it_was_sent(
    folder: str,
    shared_data: Path,
    database: Database,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    wanted = expected(shared_data, folder)
    first = import_paths(database, ACTOR, [shared_data / "fhir" / folder], now=NOW).as_json()
    assert stored(database, folder) == Counter(set(wanted)), (
        "one row per natural key: a panel sent twice is stored once"
    )
    record_property(folder, wanted.total())
    with capsys.disabled():
        print(f"\n  {folder}: {wanted.total()} expected values, {len(wanted)} distinct, {first['read']} resources read")
    accounted(first)
    assert first["quarantined"] == []
    second = import_paths(database, ACTOR, [shared_data / "fhir" / folder], now=NOW).as_json()
    assert (second["stored"], second["superseded"]) == (0, 0)
    assert second["unchanged"] == first["stored"] + first["unchanged"]
    accounted(second)


def test_the_same_patients_as_ndjson_and_as_bundles_are_the_same_records(
    shared_data: Path, sqlite_database: Database
) -> None:
    fhir = shared_data / "fhir"
    import_paths(sqlite_database, ACTOR, [fhir / "synthea_bundles"], now=NOW)
    again = import_paths(sqlite_database, ACTOR, [fhir / "bulk_ndjson" / "derived4"], now=NOW).as_json()
    assert again["stored"] == again["superseded"] == 0 and again["unchanged"] > 100


@pytest.mark.parametrize("folder", ["r4_spec_examples", "us_core", "mcode", "misc", "bulk_ndjson"])
def test_everything_read_is_accounted_for(folder: str, shared_data: Path, sqlite_database: Database) -> None:
    summary = import_paths(sqlite_database, ACTOR, [shared_data / "fhir" / folder], now=NOW).as_json()
    accounted(summary)
    with sqlite_database.read() as session:
        bad = (
            select(func.count()).select_from(Record).where(Record.canonical_value.is_(None), Record.value.is_not(None))
        )
        assert session.scalar(bad.where(Record.kind == "lab")) == 0


def accounted(summary: dict[str, Any]) -> None:
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[part] for part in parts) + len(summary["quarantined"])
    assert summary["ignored"] == sum(summary["ignored_types"].values())
