"""Workbooks: read in a child within limits, refused as a whole or row by row, and never evaluated or guessed."""

from __future__ import annotations

import random
import re
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from sqlalchemy import func, select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.child import Limits, parse_in_child
from data.intake.limited import FileRefused
from data.intake.quarantine import list_quarantined, retry_quarantined, show_quarantined
from data.intake.source import ImportRefused
from data.models import Patient, Quarantined, Record
from data.patients import add_patient
from data.people import Actor
from data.records import list_records
from tests.child_memory import peak_of_child

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
HEADER = ["mrn", "when", "analyte", "value", "unit", "note", "id"]
DAY = date(2024, 4, 1)
MORNING = datetime(2024, 4, 1, 8, 15)  # noqa: DTZ001 (a workbook knows no zones)
SHEET = "xl/worksheets/sheet1.xml"
SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
GOOD = ["M-1", DAY, "glucagon", 118, "pg/mL"]


@pytest.fixture
def clinic(sqlite_database: Database) -> Database:
    with sqlite_database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    return sqlite_database


def workbook(path: Path, *rows: list[Any], header: list[str] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Labs"
    for row in (header or HEADER, *rows):
        sheet.append(row)
    book.save(path)
    return path


def changed(path: Path, member: str, change: Callable[[str], str], new: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[member] = change(parts[member].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts | (new or {})).items():
            archive.writestr(name, content)
    return path


def with_shared_strings(path: Path, strings: str = "", before: str = "") -> Path:
    """The workbook as Excel writes it: every text once in a part of its own, and cells that name its number."""
    texts: list[str] = []

    def share(match: re.Match[str]) -> str:
        texts.append(match[2])
        return f'{match[1]} t="s"><v>{len(texts) - 1}</v></c>'

    changed(path, SHEET, lambda text: re.sub(r'(<c [^>]*?) t="inlineStr"><is>(.*?)</is></c>', share, text))
    listed = "".join(f"<si>{text}</si>" for text in texts)
    part = f'{before}<sst xmlns="{SPREADSHEET}">{listed}{strings}</sst>'
    kind = "officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-{kind}"/>'
    changed(path, "[Content_Types].xml", lambda text: text.replace("</Types>", f"{override}</Types>"))
    link = f'<Relationship Id="rS" Target="sharedStrings.xml" Type="{RELATIONS}/sharedStrings"/></Relationships>'
    name = "xl/_rels/workbook.xml.rels"
    changed(path, name, lambda text: text.replace("</Relationships>", link), {"xl/sharedStrings.xml": part.encode()})
    return path


def register(database: Database, *mrns: str) -> None:
    with database.write() as session:
        for mrn in mrns:
            add_patient(session, ACTOR, mrn=mrn, name=None, birth_date=None, sex=None, teams=(), now=NOW)


def read(database: Database, path: Path, **options: Any) -> dict[str, Any]:
    return import_paths(database, ACTOR, [path], now=NOW, **options).as_json()


def rows(database: Database) -> list[dict[str, Any]]:
    with database.read() as session:
        return list_records(session, ACTOR, "M-1")


def stored(database: Database) -> int:
    with database.read() as session:
        counts = [session.scalar(select(func.count()).select_from(table)) or 0 for table in (Record, Quarantined)]
    return sum(counts)


def test_a_workbook_says_the_same_as_the_sheet_of_text(clinic: Database, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", GOOD, ["M-1", DAY, "zinc", 70.5, "µg/dL"], ["M-1", "2024-04-02", "crp", "<5", "mg/L"]
    )
    summary = read(clinic, path)
    assert (summary["format"], summary["stored"], summary["quarantined"]) == ("xlsx", 3, [])
    assert [(row["value"], row["effective"], row["comparator"]) for row in rows(clinic)] == [
        (Decimal("118"), "2024-04-01", None),
        (Decimal("70.5"), "2024-04-01", None),
        (Decimal("5"), "2024-04-02", "<"),
    ]
    text = tmp_path / "a.csv"
    text.write_text("mrn,when,analyte,value,unit\nM-1,2024-04-01,glucagon,118,pg/mL\nM-1,2024-04-01,zinc,70.5,µg/dL\n")
    assert read(clinic, text)["unchanged"] == 2
    assert read(clinic, path)["unchanged"] == 3


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["M-1", DAY, "glucagon", "=1+1", "pg/mL"], "value is the formula '=1+1'"),
        (["M-1", "=TODAY()", "glucagon", 5, "pg/mL"], "when is the formula"),
        (["M-1", 45383, "glucagon", 5, "pg/mL"], "when is the bare number 45383"),
        (["M-1", 2024, "glucagon", 5, "pg/mL"], "when is the bare number 2024"),
        (["M-1", DAY, "glucagon", True, "pg/mL"], "value is the boolean TRUE"),
        (["M-1", DAY, "glucagon", "#N/A", "pg/mL"], "value is the error #N/A"),
        (["M-1", DAY, "glucagon", date(2024, 5, 1), "pg/mL"], "value is a date"),
        (["M-1", DAY, "glucagon", "1,234", "pg/mL"], "two numbers"),
        (["M-1", DAY, "glucagon", "12,5", "pg/mL"], "two numbers"),
        (["M-1", "01/02/2024", "glucagon", 5, "pg/mL"], "day-month or month-day"),
        (["M-1", MORNING, "glucagon", 5, "pg/mL"], "no zone"),
        (["M-1", DAY, "glucagon", 5, "pg/mL", None, 1234567890123456789], "more than 15 digits"),
        (["M-1", DAY, "glucagon", 5, "pg/mL", None, None, "x"], "8 cells, the header 7"),
        (["M-1", DAY, "glucagon", 5, None], "without a unit"),
        (["M-2", DAY, "glucagon", 5, "pg/mL"], "M-2"),
        (["M-1", DAY, "glucagon", 5, "pg/mL", "x" * 25_000], "more than 20000 characters"),
    ],
)
def test_a_cell_that_could_mean_something_else_holds_its_row_alone(
    cells: list[Any], why: str, clinic: Database, tmp_path: Path
) -> None:
    summary = read(clinic, workbook(tmp_path / "a.xlsx", GOOD, cells))
    (held,) = summary["quarantined"]
    assert why in held["why"] and held["where"] == "a.xlsx#Labs!row[3]"
    assert summary["stored"] == 1
    with clinic.read() as session:
        (listed,) = list_quarantined(session, ACTOR)
        raw = show_quarantined(session, ACTOR, listed["id"])["raw"]
    assert listed["format"] == "csv" and raw.startswith("mrn,when,analyte,value,unit,note,id\n")
    assert retry_quarantined(clinic, ACTOR, listed["id"], now=NOW).stored == 0
    assert len(rows(clinic)) == 1


@pytest.mark.parametrize("others", [("00123",), ("123", "00123"), ("123", "0123")])
def test_a_number_whose_leading_zeros_may_be_lost_names_no_patient(
    others: tuple[str, ...], clinic: Database, tmp_path: Path
) -> None:
    register(clinic, *others)
    summary = read(clinic, workbook(tmp_path / "a.xlsx", GOOD, [123, DAY, "glucagon", 5, "pg/mL"]))
    (held,) = summary["quarantined"]
    assert "leading zeros" in held["why"] and held["where"] == "a.xlsx#Labs!row[3]" and summary["stored"] == 1
    with clinic.read() as session:
        (listed,) = list_quarantined(session, ACTOR)
    assert retry_quarantined(clinic, ACTOR, listed["id"], now=NOW).stored == 0


def test_a_number_that_is_the_only_one_of_its_digits_and_any_text_name_their_patient(
    clinic: Database, tmp_path: Path
) -> None:
    register(clinic, "123", "456", "00456")
    numbered = [123, DAY, "glucagon", 5, "pg/mL"]
    typed = [["456", DAY, "glucagon", 6, "pg/mL"], ["00456", DAY, "glucagon", 7, "pg/mL"]]
    summary = read(clinic, workbook(tmp_path / "a.xlsx", numbered, *typed))
    assert (summary["stored"], summary["quarantined"]) == (3, [])
    with clinic.read() as session:
        found = session.execute(select(Patient.mrn, Record.value).join(Record, Record.patient_id == Patient.id))
        assert {tuple(row) for row in found} == {("123", "5"), ("456", "6"), ("00456", "7")}


def test_a_held_row_is_read_again_once_what_it_lacked_is_there(clinic: Database, tmp_path: Path) -> None:
    read(clinic, workbook(tmp_path / "a.xlsx", ["M-2", DAY, "glucagon", 5.5, "pg/mL", 'a,"b"']))
    with clinic.write() as session:
        add_patient(session, ACTOR, mrn="M-2", name=None, birth_date=None, sex=None, teams=(), now=NOW)
        (listed,) = list_quarantined(session, ACTOR)
    assert retry_quarantined(clinic, ACTOR, listed["id"], now=NOW).stored == 1
    with clinic.read() as session:
        assert list_quarantined(session, ACTOR) == []
        assert session.scalars(select(Record.value)).one() == "5.5"


@pytest.mark.parametrize("system", [1900, 1904])
def test_a_date_cell_is_the_same_day_in_both_date_systems(system: int, clinic: Database, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    if system == 1904:
        book.epoch = CALENDAR_MAC_1904
    book.active.append(HEADER)
    book.active.append(["M-1", DAY, "glucagon", 5, "pg/mL"])
    book.active.append(["M-1", MORNING, "glucagon", 6, "pg/mL"])
    book.save(tmp_path / "a.xlsx")
    assert read(clinic, tmp_path / "a.xlsx", zone="Europe/Berlin")["stored"] == 2
    assert sorted(row["effective"] for row in rows(clinic)) == ["2024-04-01", "2024-04-01T08:15:00+02:00"]


def test_a_formula_in_a_note_and_text_that_looks_like_one_stay_text(clinic: Database, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [*GOOD, "=1+1"], ["M-1", DAY, "zinc", 70, "µg/dL", "-1+1"])
    assert read(clinic, path)["stored"] == 2
    with clinic.read() as session:
        assert {detail["note"] for detail in session.scalars(select(Record.detail))} == {"=1+1", "-1+1"}


def test_every_sheet_is_read_as_its_header_says_and_hidden_ones_are_counted(clinic: Database, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", GOOD)
    book = openpyxl.load_workbook(path)
    therapy = book.create_sheet("Therapy")
    therapy.append(["MRN ", "when", "kind", "drug", "dose", "unit"])
    therapy.append(["M-1", DAY, "injection", "lanreotide", 120, "mg"])
    therapy.append(["M-1", DAY, "injection", "little pink pill", 120, "mg"])
    book.create_sheet("Legend").append(["what the colours mean"])
    hidden = book.create_sheet("Old")
    hidden.append(HEADER)
    hidden.append(["M-1", DAY, "glucagon", 999, "pg/mL"])
    hidden.sheet_state = "hidden"
    book.save(path)
    summary = read(clinic, path)
    assert (summary["stored"], summary["ignored_types"]) == (2, {"sheet hidden": 1, "sheet of other columns": 1})
    assert [held["where"] for held in summary["quarantined"]] == ["a.xlsx#Therapy!row[3]"]
    with clinic.read() as session:
        assert [row["format"] for row in list_quarantined(session, ACTOR)] == ["csv-therapy"]


def test_a_workbook_without_a_known_header_or_with_one_twice_is_refused(clinic: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="no sheet with the columns"):
        read(clinic, workbook(tmp_path / "a.xlsx", ["x"], header=["patient"]))
    with pytest.raises(ImportRefused, match="'value' twice in sheet 'Labs'"):
        read(clinic, workbook(tmp_path / "b.xlsx", GOOD, header=[*HEADER, "value"]))
    assert stored(clinic) == 0


def renamed(kind: str, folder: Path) -> Path:
    """A file that is not what its name says, made as such files really are."""
    plain = {
        "exe": b"MZ\x90\x00" + bytes(200),
        "html": b"<!doctype html><table><tr><td>mrn,when,analyte,value,unit</td></tr></table>",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "encrypted": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
    }
    path = folder / f"{kind}.xlsx"
    if kind in plain:
        path.write_bytes(plain[kind])
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "nothing")
    elif kind == "xlsm":
        workbook(path, GOOD)
        changed(path, "[Content_Types].xml", lambda text: text, {"xl/vbaProject.bin": b"x"})
        changed(path, "[Content_Types].xml", lambda text: text.replace("sheet.main+xml", "sheet.macroEnabled.main+xml"))
    else:
        workbook(path, GOOD)
        path = path.rename(folder / "sheet.csv")
    return path


@pytest.mark.parametrize("kind", ["exe", "html", "svg", "pdf", "zip", "xlsm", "encrypted", "xlsx"])
def test_a_file_that_is_not_what_its_name_says_is_refused_and_nothing_stored(
    kind: str, clinic: Database, tmp_path: Path
) -> None:
    path = renamed(kind, tmp_path)
    endings = (".csv",) if kind == "xlsx" else (".csv", ".xlsx")
    for ending in endings:
        named = path.rename(path.with_suffix(ending))
        with pytest.raises(ImportRefused) as refused:
            read(clinic, named)
        assert str(refused.value) and "\n" not in str(refused.value)
        path = named
    assert stored(clinic) == 0


def zeros(path: Path, *, members: int, size: int) -> Path:
    workbook(path, GOOD)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"xl/media/{number}.bin", bytes(size))
    return path


@pytest.mark.alone
@pytest.mark.parametrize(
    ("members", "size", "why"),
    [(1, 211_000_000, "more than 100 MB"), (1, 20_000_000, "100 times"), (1_001, 1, "1000 parts")],
)
def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    members: int, size: int, why: str, clinic: Database, tmp_path: Path
) -> None:
    path = zeros(tmp_path / "bomb.xlsx", members=members, size=size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(ImportRefused, match=why):
        read(clinic, path)
    assert time.monotonic() - started < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    assert stored(clinic) == 0


@pytest.mark.alone
def test_seventeen_billion_claimed_cells_are_read_as_the_rows_there_are(clinic: Database, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", GOOD)

    def claim(text: str) -> str:
        return re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1:XFD1048576"', text)

    changed(path, SHEET, claim)
    started = time.monotonic()
    assert read(clinic, path)["stored"] == 1
    assert time.monotonic() - started < 5


def test_the_texts_of_a_workbook_may_stand_in_a_part_of_their_own(clinic: Database, tmp_path: Path) -> None:
    zinc = ["M-1", DAY, "zinc", 70.5, "µg/dL"]
    assert read(clinic, with_shared_strings(workbook(tmp_path / "a.xlsx", GOOD, zinc)))["stored"] == 2
    assert [row["unit"] for row in rows(clinic)] == ["pg/mL", "µg/dL"]


@pytest.mark.parametrize("declared", ["", '<!ENTITY c SYSTEM "file:///etc/passwd">'])
def test_entities_in_a_workbook_are_refused(declared: str, clinic: Database, tmp_path: Path) -> None:
    before = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">{declared}]>'
    path = with_shared_strings(workbook(tmp_path / "a.xlsx", GOOD), "<si><t>&b;</t></si>", before)
    with pytest.raises(ImportRefused, match="EntitiesForbidden"):
        read(clinic, path)
    assert stored(clinic) == 0


def test_a_workbook_too_large_for_the_memory_of_the_child_ends_the_child_only(clinic: Database, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", GOOD)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != SHEET}
    # Within every limit of the zip: one text of 90 MB, four bytes a character because of a few.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open(SHEET, "w") as part:
            start = f'<worksheet xmlns="{SPREADSHEET}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>'
            part.write(start.encode())
            for _ in range(9_000):
                part.write(random.Random().randbytes(500).hex().encode() + ("a" * 996 + "\U0001f600").encode() * 9)
            part.write(b"</t></is></c></row></sheetData></worksheet>")
    with pytest.raises(ImportRefused, match="needs more than 512 MB"):
        read(clinic, path)
    assert peak_of_child("data.intake.xlsx_child", path) < 512 * 1024
    assert stored(clinic) == 0


def spins(folder: Path) -> Path:
    """A workbook within every limit of a file that takes several seconds to read."""
    path = workbook(folder / "a.xlsx", GOOD)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    start, row, end = re.split(rb"(<row.*)(?=</sheetData>)", parts[SHEET])
    # Not compressed, for so many equal rows would be refused as a bomb.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (parts | {SHEET: start + row * 20_000 + end}).items():
            archive.writestr(name, content)
    return path


def test_a_child_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    path, started = spins(tmp_path), time.monotonic()
    with tempfile.TemporaryFile("w+") as spool, pytest.raises(FileRefused, match=r"more than 0\.5 seconds"):
        parse_in_child("data.intake.xlsx_child", path, spool, limits=Limits(seconds=0.5))
    assert time.monotonic() - started < 5


def test_a_child_that_spins_beyond_its_share_of_the_processor_ends_alone(tmp_path: Path) -> None:
    path = spins(tmp_path)
    with tempfile.TemporaryFile("w+") as spool, pytest.raises(FileRefused, match="more memory or time"):
        parse_in_child("data.intake.xlsx_child", path, spool, limits=Limits(cpu_seconds=1))
