"""Sensor exports saved as workbooks: told by their columns, read through the child, rows known by sheet and number."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from data.db import Database
from data.intake.batch import import_paths
from data.intake.quarantine import list_quarantined, retry_quarantined
from data.intake.source import ImportRefused, SourceFile, detect
from data.patients import add_patient
from data.people import Actor

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
HEADER = ("Index", "Timestamp (YYYY-MM-DDThh:mm:ss)", "Event Type", "Source Device ID", "Glucose Value (mmol/L)")


@pytest.fixture
def clinic(sqlite_database: Database) -> Database:
    with sqlite_database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    return sqlite_database


def workbook(folder: Path, *rows: tuple[Any, ...], hidden: bool = False, name: str = "export.xlsx") -> Path:
    book = Workbook()
    sheet = book.active
    sheet.title = "Clarity"
    for row in (HEADER, (1, None, "FirstName"), *rows):
        sheet.append(row)
    beside = book.create_sheet("Notes")
    beside.append(("nothing",))
    if hidden:
        sheet.sheet_state = "hidden"
    book.save(folder / name)
    return folder / name


def take(database: Database, path: Path) -> dict[str, Any]:
    return import_paths(database, ACTOR, [path], now=NOW, mrn="M-1", zone="Europe/Berlin").as_json()


def test_cells_of_text_number_and_date_are_readings_and_everything_else_is_held(
    clinic: Database, tmp_path: Path
) -> None:
    path = workbook(
        tmp_path,
        (2, "2024-01-10T08:00:00", "EGV", "G6", 6.4),
        (3, datetime(2024, 1, 10, 8, 5), "EGV", "G6", "Low"),  # noqa: DTZ001 - a cell carries no zone
        (4, "2024-01-10T08:10:00", "EGV", "G6", "=6.4+1"),
        (5, 45301.5, "EGV", "G6", 6.4),
        (6, "2024-01-10T08:15:00", "Alert", "G6", 11),
    )
    summary = take(clinic, path)
    assert (summary["format"], summary["stored"]) == ("dexcom-clarity", 2)
    assert summary["ignored_types"] == {"alert row": 1, "firstname row": 1, "sheet of other columns": 1}
    assert [held["where"] for held in summary["quarantined"]] == [f"export.xlsx#Clarity!row[{n}]" for n in (5, 6)]
    assert "'=6.4+1' is neither a number" in summary["quarantined"][0]["why"]
    assert take(clinic, path)["unchanged"] == 2


def test_a_held_row_of_a_workbook_can_be_read_again(clinic: Database, tmp_path: Path) -> None:
    spring = (2, "2024-03-31T02:30:00", "EGV", "G6", 6.4)
    take(clinic, workbook(tmp_path, spring))
    with clinic.read() as session:
        (held,) = list_quarantined(session, ACTOR)
    assert held["why"].startswith("this time does not exist")
    again = retry_quarantined(clinic, ACTOR, held["id"], now=NOW)
    assert (again.format, again.stored) == ("dexcom-clarity", 0)


def test_a_hidden_sheet_is_no_export_and_one_that_cannot_be_read_is_refused(clinic: Database, tmp_path: Path) -> None:
    path = workbook(tmp_path, (2, "2024-01-10T08:00:00", "EGV", "G6", 6.4), hidden=True)
    assert detect(SourceFile(path, path.name)) == "xlsx"
    with pytest.raises(ImportRefused, match="no sheet of dexcom-clarity"):
        import_paths(clinic, ACTOR, [path], now=NOW, mrn="M-1", zone="UTC", format="dexcom-clarity")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImportRefused, match="damaged"):
        import_paths(clinic, ACTOR, [path], now=NOW, mrn="M-1", zone="UTC", format="dexcom-clarity")
