"""Every file of `fhir` is read; every row of its expected tables is stored as it says, held with a why, or counted."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from clinical.analytes import by_loinc
from data.db import Database, open_database
from data.intake.batch import import_paths
from data.intake.fhir_read import Entry, read_entries
from data.intake.identity import FHIR_ID
from data.intake.source import ImportRefused, SourceFile
from data.models import PatientIdentifier, Record
from data.people import Actor
from tests.oracles.conftest import SHARED

pytestmark = pytest.mark.oracles
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACTOR = Actor.system("test")
FHIR = SHARED / "fhir"
LOINC = "http://loinc.org"
FOLDERS = (
    *("bulk_ndjson/derived4", "bulk_ndjson/pathling", "mcode", "misc", "r4_spec_examples", "synthea_bundles"),
    "us_core",
)
NO_TIME = "there is no time: when was this?"
# Rows of the catalogue that are refused, by folder and cause.
HELD = {
    "r4_spec_examples": {
        NO_TIME: 147,
        "the patient it belongs to is held back": 1,
        "patient 'http://example.org/fhir-2/Patient/1' is not known": 1,
    }
}
# Every row beside the catalogue, and results whose equal stands already, by folder.
BESIDE = {
    "bulk_ndjson/pathling": {"outside the catalogue": 915},
    "mcode": {"outside the catalogue": 11},
    "r4_spec_examples": {"outside the catalogue": 310},
    "synthea_bundles": {"outside the catalogue": 1379, "sent twice": 2},
    "us_core": {"outside the catalogue": 54},
}
# The file writes 66.899999999999991; the expected row went through a binary number.
EXACT = {("r4_spec_examples/Observation-body-height.json", "66.89999999999999"): "66.899999999999991"}
Row = dict[str, str]


@dataclass(frozen=True)
class Read:
    """What became of one file."""

    summary: dict[str, Any]
    records: tuple[dict[str, Any], ...]
    held: tuple[tuple[str, str], ...]


@pytest.fixture(scope="session")
def expected() -> dict[str, list[Row]]:
    """The rows of `expected_observations.csv` by file; a component has the status, time and subject of its resource."""
    with (FHIR / "expected_observations.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["file"]].append(row)
    for of_file in found.values():
        whole = {row["id"]: row for row in of_file if row["kind"] == "resource"}
        for row in of_file:
            if row["kind"] == "component":
                row |= {name: whole[row["id"]][name] for name in ("status", "effective", "subject")}
    return found


def files(folder: str) -> list[Path]:
    return sorted(path for path in (FHIR / folder).iterdir() if path.is_file())


def known(row: Row) -> str | None:
    """The catalogue code of a row; None for one outside the catalogue."""
    analyte = by_loinc(row["code"]) if row["system"] == LOINC else None
    return None if analyte is None else analyte.code


@contextmanager
def empty(template: Path, folder: Path) -> Iterator[Database]:
    path = folder / "one.db"
    path.unlink(missing_ok=True)
    shutil.copyfile(template, path)
    database = open_database(f"sqlite:///{path}", b"a key of the tests and of nothing else")
    yield database
    database.close()


def read(path: Path, rows: list[Row], template: Path, folder: Path) -> Read:
    """Import one file into an empty database that knows the patients the rows name; other servers' are not known."""
    with empty(template, folder) as database:
        beside = _patients(path, rows)
        if beside:
            (folder / "patients.ndjson").write_text("".join(f"{json.dumps(one)}\n" for one in beside))
            import_paths(database, ACTOR, [folder / "patients.ndjson"], now=NOW)
        summary = import_paths(database, ACTOR, [path], now=NOW).as_json()
        records = tuple(_records(database))
    ids = {e.where: _id(e) for e in read_entries(SourceFile(path, path.name)) if isinstance(e, Entry)}
    held = tuple((ids.get(one["where"], ""), one["why"]) for one in summary["quarantined"])
    return Read(summary, records, held)


def _patients(path: Path, rows: list[Row]) -> list[dict[str, Any]]:
    """The patients the rows name where the file brings none itself."""
    entries = read_entries(SourceFile(path, path.name)) if rows else ()
    if any(isinstance(entry, Entry) and entry.type == "Patient" for entry in entries):
        return []
    named = sorted({row["subject"].removeprefix("Patient/").removeprefix("urn:uuid:") for row in rows} - {""})
    return [{"resourceType": "Patient", "id": id} for id in named]


def _records(database: Database) -> Iterator[dict[str, Any]]:
    with database.read() as session:
        names: dict[int, set[str]] = defaultdict(set)
        for identifier in session.scalars(select(PatientIdentifier).where(PatientIdentifier.system == FHIR_ID)):
            names[identifier.patient_id].add(_name(identifier.value))
        for record in session.scalars(select(Record).where(Record.kind == "lab")):
            detail = record.detail or {}
            yield {
                "id": (record.source_id or "").removeprefix("Observation/").partition("#")[0],
                "analyte": record.analyte,
                "status": detail.get("sent_status", "final") if record.status == "absent" else record.status,
                "effective": record.effective_text,
                "comparator": record.comparator or "",
                "value": "" if record.value is None else str(record.value),
                "unit": record.unit or "",
                "text": record.text,
                "data_absent": detail.get("data_absent", ""),
                "unit_text": detail.get("unit_text", record.unit or ""),
                "names": names[record.patient_id],
            }


def _name(subject: str) -> str:
    return f"Patient/{subject.removeprefix('urn:uuid:')}" if subject.startswith("urn:uuid:") else subject


def _id(entry: Entry) -> str:
    return str(json.loads(entry.raw).get("id", "")) if entry.raw else ""


def _effective(row: Row) -> str:
    return str(json.loads(row["effective"])["start"]) if row["effective"].startswith("{") else row["effective"]


def agrees(row: Row, record: dict[str, Any]) -> bool:
    """Field by field; the id apart, which an equal result sent twice has only once."""
    sent = {
        "analyte": known(row),
        "status": row["status"],
        "effective": _effective(row),
        "comparator": row["comparator"],
        "text": None,
        "value": EXACT.get((row["file"], row["value"]), row["value"]),
        "unit": row["unit_code"] or row["unit"],
        "unit_text": row["unit"] or row["unit_code"],
        "data_absent": row["data_absent"],
    }
    return sent == {name: record[name] for name in sent} and _name(row["subject"]) in record["names"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_row_of_the_catalogue_is_stored_as_it_was_sent_or_held_with_its_why(
    folder: str,
    expected: dict[str, list[Row]],
    sqlite_template: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    count: Counter[str] = Counter()
    wrong: list[Any] = []
    for path in files(folder):
        rows = expected.get(f"{folder}/{path.name}", [])
        found = read(path, rows, sqlite_template, tmp_path)
        accounted(found.summary)
        counted, unlike = compare(rows, found)
        count += counted
        wrong += unlike
    with capsys.disabled():
        print(f"\n  {folder}: {dict(count)}")
    assert wrong == [], "\n".join(map(str, wrong))
    stored = count.pop("stored", 0)
    assert stored == {"bulk_ndjson/pathling": 753, "mcode": 1, "r4_spec_examples": 7}.get(folder, stored)
    assert dict(count) == HELD.get(folder, {}) | BESIDE.get(folder, {})


def compare(rows: list[Row], found: Read) -> tuple[Counter[str], list[Any]]:
    """How many rows ended how, and those that are not as they were sent, with records that no row asks for."""
    count: Counter[str] = Counter()
    wrong: list[Any] = []
    stored = {(record["id"], record["analyte"]): record for record in found.records}
    held: dict[str, list[str]] = defaultdict(list)
    for id, why in found.held:
        held[id].append(why)
    met = set()
    for row in rows:
        analyte = known(row)
        if analyte is None:
            count["outside the catalogue"] += 1
        elif held[row["id"]]:
            count[held[row["id"]].pop(0)] += 1
        else:
            own = stored.get((row["id"], analyte))
            agreeing = [r for r in ((own,) if own else found.records) if agrees(row, r)]
            count["stored" if own else "sent twice"] += 1
            met.update((record["id"], record["analyte"]) for record in agreeing)
            wrong += [] if agreeing else [(row, own)]
    wrong += [("no row says", record) for key, record in stored.items() if key not in met and rows]
    return count, wrong


def test_each_mutation_is_accounted_for(sqlite_template: Path, tmp_path: Path) -> None:
    refused = set()
    for path in (path for path in files("mutations") if path.suffix == ".json"):
        with empty(sqlite_template, tmp_path) as database:
            try:
                accounted(import_paths(database, ACTOR, [path], now=NOW).as_json())
            except ImportRefused:
                refused.add(path.stem)
    assert refused == {"truncated", "nan"}


@pytest.mark.parametrize("folder", ["bulk_ndjson/pathling", "synthea_bundles"])
def test_a_zipped_file_is_the_same_file(folder: str, sqlite_template: Path, tmp_path: Path) -> None:
    plain = files(folder)[:3]
    zipped = tmp_path / "zipped"
    zipped.mkdir()
    for path in plain:
        (zipped / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    with empty(sqlite_template, tmp_path) as database:
        first = import_paths(database, ACTOR, plain, now=NOW).as_json()
        again = import_paths(database, ACTOR, [zipped], now=NOW).as_json()
    accounted(first)
    accounted(again)
    assert (again["read"], again["unchanged"]) == (first["read"], first["stored"] + first["unchanged"])


def test_as_many_resources_are_read_as_the_index_counts() -> None:
    with (FHIR / "bundle_index.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {f"synthea_bundles/{path.name}" for path in files("synthea_bundles")}
    for row in rows:
        path = FHIR / row["file"]
        read_of = Counter(e.type for e in read_entries(SourceFile(path, path.name)) if isinstance(e, Entry))
        counted = {name: int(row[name]) for name in row if name not in ("half", "file", "why")}
        assert {name: read_of[name] for name in counted} == counted, row["file"]


def test_the_templates_of_tables_beside_the_resources_are_no_format_of_ours(sqlite_database: Database) -> None:
    with pytest.raises(ImportRefused, match="nothing here is of a known format"):
        import_paths(sqlite_database, ACTOR, files("mcode/csv_templates"), now=NOW)


def accounted(summary: dict[str, Any]) -> None:
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[part] for part in parts) + len(summary["quarantined"])
    assert summary["ignored"] == sum(summary["ignored_types"].values())
