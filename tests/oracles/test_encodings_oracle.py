"""Nineteen ways a sheet may be written or broken, against what third-party notes expect of each."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.models import Record
from data.patients import add_patient
from data.people import Actor

pytestmark = pytest.mark.oracles

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
RENAMED = {"patient_id": "mrn", "date": "when", "test": "analyte", "comment": "note"}
SAME = {"utf8.csv", "utf8_bom.csv", "utf16le_bom.csv", "utf16be_bom.csv", "tab.csv", "quoted_all_lf.csv"}
SAME |= {"sep_line.csv"}
REFUSED = {
    "latin1.csv": "not UTF-8",
    "cp1252_semicolon_comma.csv": "not UTF-8",
    "invalid_utf8_byte.csv": "not UTF-8",
    "empty.csv": "is empty",
    "dup_header.csv": "twice",
}


@pytest.fixture
def clinic(sqlite_database: Database) -> Database:
    with sqlite_database.write() as session:
        for number in range(1, 7):
            mrn = f"P{number:03d}"
            add_patient(session, ACTOR, mrn=mrn, name=None, birth_date=None, sex=None, teams=(), now=NOW)
    return sqlite_database


def with_columns_of_nadir(raw: bytes) -> bytes:
    """The file with the names of its columns exchanged in its own encoding, and every other byte as it was."""
    wide = raw[:2] if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else b""
    encoding = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"": "latin-1"}[wide]
    start, end = 0, raw.find("\n".encode(encoding))
    if raw.startswith(b"sep="):
        start, end = end + 1, raw.find(b"\n", end + 1)
    if end < 0:
        return raw
    header = raw[start:end].decode(encoding)
    for theirs, ours in RENAMED.items():
        header = header.replace(theirs, ours)
    return raw[:start] + header.encode(encoding) + raw[end:]


def read(database: Database, source: Path, folder: Path) -> dict[str, Any]:
    path = folder / source.name
    path.write_bytes(with_columns_of_nadir(source.read_bytes()))
    return import_paths(database, ACTOR, [path], now=NOW, format="csv").as_json()


def outcome(summary: dict[str, Any]) -> Any:
    told = [(held["where"].split("#")[1].split("[")[0], held["why"]) for held in summary["quarantined"]]
    return summary["read"], summary["stored"], told


def cases(folder: Path) -> dict[str, int]:
    with (folder / "expected.csv").open(encoding="utf-8") as file:
        return {row["file"]: int(row["data_rows"]) for row in csv.DictReader(file)}


def test_every_file_of_the_list_has_its_expectation_here(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = set(cases(shared_data / "robustness" / "encodings"))
    rest = {"header_only.csv", "nul_byte.csv", "ragged.csv", "unclosed_quote.csv", "thousands.csv", "dates.csv"}
    assert listed == SAME | set(REFUSED) | rest | {"non_finite.csv"}
    with capsys.disabled():
        print(f"\nencodings: {len(listed)} files with an expectation")


@pytest.mark.parametrize("name", sorted(SAME - {"utf8.csv"}))
def test_the_same_table_is_read_the_same_however_it_is_written(
    name: str, shared_data: Path, clinic: Database, tmp_path: Path
) -> None:
    folder = shared_data / "robustness" / "encodings"
    first = read(clinic, folder / "utf8.csv", tmp_path)
    second = read(clinic, folder / name, tmp_path)
    assert first["read"] == second["read"] == cases(folder)[name] and first["stored"] > 0
    assert (second["stored"], second["unchanged"]) == (0, first["stored"] + first["unchanged"])
    assert outcome(first)[2] == outcome(second)[2]
    with clinic.read() as session:
        notes = {(detail or {}).get("note") for detail in session.scalars(select(Record.detail))}
    assert notes & {"ÅÄÖ", "żółć", "日本"}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_file_in_an_encoding_nobody_named_or_without_one_header_is_refused(
    name: str, shared_data: Path, clinic: Database, tmp_path: Path
) -> None:
    source = shared_data / "robustness" / "encodings" / name
    with pytest.raises(ImportRefused, match=REFUSED[name]):
        read(clinic, source, tmp_path)
    with clinic.read() as session:
        assert session.scalars(select(Record.id)).all() == []


def test_a_decimal_comma_is_read_as_one_once_the_file_is_saved_as_utf8(
    shared_data: Path, clinic: Database, tmp_path: Path
) -> None:
    source = shared_data / "robustness" / "encodings" / "cp1252_semicolon_comma.csv"
    text = source.read_bytes().decode("cp1252")
    saved = tmp_path / "saved.csv"
    saved.write_bytes(text.encode())
    folder = tmp_path / "in"
    folder.mkdir()
    summary = read(clinic, saved, folder)
    assert summary["read"] == 40 and summary["stored"] > 0
    written = {row["value"].replace(",", ".") for row in csv.DictReader(text.splitlines(), delimiter=";")}
    with clinic.read() as session:
        assert set(session.scalars(select(Record.value))) <= written


@pytest.mark.parametrize(
    ("name", "read_rows", "whys"),
    [
        ("header_only.csv", 0, []),
        ("ragged.csv", 7, ["3 cells, the header 6", "8 cells, the header 6"]),
        ("nul_byte.csv", 40, ["NUL"]),
        ("unclosed_quote.csv", 4, ["not closed"]),
        ("thousands.csv", 5, ["two numbers", "not a number", "two numbers"]),
        ("dates.csv", 7, ["day-month"] * 3 + ["possible date", "not a date", "not a date"]),
        ("non_finite.csv", 12, ["not a number", "range of numbers"]),
    ],
)
def test_a_broken_row_is_held_and_the_rest_is_read(
    name: str, read_rows: int, whys: list[str], shared_data: Path, clinic: Database, tmp_path: Path
) -> None:
    summary = read(clinic, shared_data / "robustness" / "encodings" / name, tmp_path)
    told = " | ".join(held["why"] for held in summary["quarantined"])
    assert summary["read"] == read_rows, told
    for why in whys:
        assert why in told
    if name == "non_finite.csv":
        assert (summary["stored"], len(summary["quarantined"])) == (2, 10)
    if name == "dates.csv":
        assert (summary["stored"], len(summary["quarantined"])) == (1, 6)


def test_no_payload_that_a_spreadsheet_would_run_is_taken_for_a_value(
    shared_data: Path, clinic: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = json.loads((shared_data / "robustness" / "csv_injection_payloads.json").read_text(encoding="utf-8"))
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(["mrn", "when", "analyte", "value", "unit"])
    writer.writerows(["P001", "2024-01-01", "glucagon", one["payload"], "pg/mL"] for one in listed)
    path = tmp_path / "payloads.csv"
    path.write_bytes(sheet.getvalue().encode())
    summary = import_paths(clinic, ACTOR, [path], now=NOW).as_json()
    # One of them, +5, is a number: it is kept without its sign, and nothing a spreadsheet would run is left of it.
    assert (summary["stored"], len(summary["quarantined"])) == (1, len(listed) - 1)
    with clinic.read() as session:
        assert session.scalars(select(Record.value)).all() == ["5"]
    with capsys.disabled():
        print(f"\ncsv injection: {len(summary['quarantined'])} of {len(listed)} payloads held")
