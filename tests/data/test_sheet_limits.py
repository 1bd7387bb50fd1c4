"""Sheets of text at their limits: what is too much is said, one bad row costs one row, and a second import nothing."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.quarantine import list_quarantined, retry_quarantined
from data.intake.source import ImportRefused
from data.models import Batch, Quarantined, Record
from data.patients import add_patient
from data.people import Actor

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
HEADER = "mrn,when,analyte,value,unit"
GERMAN = "mrn;when;analyte;value;unit;note"


@pytest.fixture
def clinic(sqlite_database: Database) -> Database:
    with sqlite_database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    return sqlite_database


def read(database: Database, path: Path, content: bytes | str, **options: Any) -> dict[str, Any]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_paths(database, ACTOR, [path], now=NOW, **options).as_json()


def values(database: Database) -> list[str | None]:
    with database.read() as session:
        return list(session.scalars(select(Record.value).order_by(Record.id)))


def kept(database: Database) -> list[int]:
    with database.read() as session:
        tables = (Record, Quarantined, Batch)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_one_bad_row_in_ten_thousand_costs_one_row(clinic: Database, tmp_path: Path) -> None:
    rows = [f"M-1,2024-01-01T00:00:00Z,glucagon,{100 + number},pg/mL" for number in range(10_000)]
    rows[6_999] = "M-1,2024-01-01T00:00:00Z,glucagon,NaN,pg/mL"
    summary = read(clinic, tmp_path / "a.csv", "\n".join([HEADER, *rows]))
    assert (summary["read"], summary["stored"]) == (10_000, 9_999)
    assert [held["where"] for held in summary["quarantined"]] == ["a.csv#line[7001]"]


def test_the_same_rows_again_in_any_order_add_nothing_and_a_batch_id_keeps_its_content(
    clinic: Database, tmp_path: Path
) -> None:
    rows = [f"M-1,2024-01-{day:02d},glucagon,{100 + day},pg/mL" for day in range(1, 29)]
    sheet = "\n".join([HEADER, *rows])
    assert read(clinic, tmp_path / "a.csv", sheet, batch_id="B-1")["stored"] == 28
    assert read(clinic, tmp_path / "a.csv", sheet)["unchanged"] == 28
    random.Random(1).shuffle(rows)
    other = "\n".join([HEADER, *rows])
    assert read(clinic, tmp_path / "a.csv", other)["unchanged"] == 28
    with pytest.raises(ImportRefused, match="other content"):
        read(clinic, tmp_path / "a.csv", other, batch_id="B-1")
    assert kept(clinic)[0] == 28


@pytest.mark.parametrize("content", ["", "\n", "\ufeff"])
def test_an_empty_file_is_refused(content: str, clinic: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused):
        read(clinic, tmp_path / "a.csv", content)
    assert kept(clinic) == [0, 0, 0]


def test_a_compressed_sheet_is_refused_with_what_to_do(clinic: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="compressed with gzip; unpack it first"):
        read(clinic, tmp_path / "a.csv.gz", gzip.compress(f"{HEADER}\n".encode()))
    assert kept(clinic) == [0, 0, 0]


def test_ten_thousand_columns_and_a_cell_of_five_megabytes_meet_a_limit(clinic: Database, tmp_path: Path) -> None:
    wide = HEADER + "".join(f",c{number}" for number in range(10_000))
    with pytest.raises(ImportRefused, match="10005 columns; a sheet has at most 1000"):
        read(clinic, tmp_path / "a.csv", wide + "\n")
    good = "M-1,2024-01-01,glucagon,118,pg/mL,"
    long = f"{HEADER},note\n{good}\nM-1,2024-01-02,glucagon,119,pg/mL,{'x' * 5_000_000}\n"
    summary = read(clinic, tmp_path / "b.csv", long)
    (held,) = summary["quarantined"]
    assert summary["stored"] == 1 and held["where"] == "b.csv#line[3]" and "characters" in held["why"]


def test_a_million_rows_are_refused_with_the_limit(clinic: Database, tmp_path: Path) -> None:
    row = "M-1,2024-01-01T00:00:00Z,glucagon,118,pg/mL\n"
    with pytest.raises(ImportRefused, match="rows; send it in parts"):
        read(clinic, tmp_path / "a.csv", f"{HEADER}\n{row * 1_000_000}")
    assert kept(clinic) == [0, 0, 0]


@pytest.mark.parametrize(
    ("said", "stored"),
    [("12,5", "12.5"), ("<0,05", "0.05"), ("1,234", None), ("1.234,5", None), ("1 234", None), ("12.5", "12.5")],
)
def test_a_comma_is_the_decimal_sign_under_a_semicolon_unless_it_could_be_thousands(
    said: str, stored: str | None, clinic: Database, tmp_path: Path
) -> None:
    summary = read(clinic, tmp_path / "a.csv", f"{GERMAN}\nM-1;2024-01-01;glucagon;{said};pg/mL;\n")
    assert (values(clinic), len(summary["quarantined"])) == (([stored], 0) if stored else ([], 1))


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_comma_in_a_number_is_held_under_any_other_delimiter(
    delimiter: str, clinic: Database, tmp_path: Path
) -> None:
    row = delimiter.join(["M-1", "2024-01-01", "glucagon", '"12,5"', "pg/mL"])
    summary = read(clinic, tmp_path / "a.csv", f"{HEADER.replace(',', delimiter)}\n{row}\n")
    assert "two numbers" in summary["quarantined"][0]["why"]


def test_a_held_row_with_decimal_comma_means_the_same_when_it_is_read_again(clinic: Database, tmp_path: Path) -> None:
    read(clinic, tmp_path / "a.csv", f"{GERMAN}\nM-2;2024-01-01;glucagon;12,5;pg/mL;\n")
    with clinic.write() as session:
        add_patient(session, ACTOR, mrn="M-2", name=None, birth_date=None, sex=None, teams=(), now=NOW)
        (held,) = list_quarantined(session, ACTOR)
    assert retry_quarantined(clinic, ACTOR, held["id"], now=NOW).stored == 1
    assert values(clinic) == ["12.5"]


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("1e999", None),
        ("-inf", None),
        ("Infinity", None),
        ("٣", None),
        ("0x1F", None),
        ("-0", None),
        ("1.234", "1.234"),
    ],
)
def test_a_number_that_is_none_is_held_and_nothing_non_finite_is_stored(
    said: str, stored: str | None, clinic: Database, tmp_path: Path
) -> None:
    read(clinic, tmp_path / "a.csv", f"{HEADER}\nM-1,2024-01-01,glucagon,{said},pg/mL\n")
    assert [None if value is None else str(abs(float(value))) for value in values(clinic)] == (
        [] if stored is None else [str(float(stored))]
    )


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "canonical"),
    [
        ("glucagon", "100", "pmol/L", 348.3),
        ("glucagon", "100", "pg/mL", 100.0),
        ("glucose", "180.16", "mg/dL", 180.16),
        ("glucose", "10", "mmol/L", 180.16),
    ],
)
def test_mixed_units_are_converted_by_the_table(
    analyte: str, value: str, unit: str, canonical: float, clinic: Database, tmp_path: Path
) -> None:
    read(clinic, tmp_path / "a.csv", f"{HEADER}\nM-1,2024-01-01,{analyte},{value},{unit}\n")
    with clinic.read() as session:
        assert session.scalars(select(Record.canonical_value)).one() == pytest.approx(canonical, rel=1e-3)


def test_a_payload_that_a_spreadsheet_would_run_is_held_as_a_value(clinic: Database, tmp_path: Path) -> None:
    payloads = ["=1+1", "-1+1", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "\t=1+1", json.dumps({"a": 1})]
    rows = [f'M-1,2024-01-01,glucagon,"{said.replace(chr(34), chr(34) * 2)}",pg/mL' for said in payloads]
    summary = read(clinic, tmp_path / "a.csv", "\n".join([HEADER, *rows]))
    assert (summary["stored"], len(summary["quarantined"])) == (0, len(payloads))


def test_a_patient_nobody_knows_is_looked_up_once_for_all_rows(clinic: Database, tmp_path: Path) -> None:
    path = tmp_path / "labs.csv"
    rows = [f"M-404,2024-03-01,glucagon,{n},pg/mL" for n in range(2_000)]
    path.write_text("\n".join(("mrn,when,analyte,value,unit", *rows)) + "\n")
    asked: list[str] = []
    event.listen(clinic.engine, "before_cursor_execute", lambda *found: asked.append(found[2]))
    summary = import_paths(clinic, ACTOR, [path], now=NOW, dry_run=True).as_json()
    assert len(summary["quarantined"]) == 2_000
    assert len(asked) < 100
