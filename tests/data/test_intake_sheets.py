"""Sheets: how they may be written, what a row means, and what is held because it could mean two things."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.charts import load_charts
from data.db import Database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.models import Patient, Record
from data.patients import add_patient
from data.people import Actor
from data.records import list_records

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")


@pytest.fixture
def clinic(sqlite_database: Database) -> Database:
    with sqlite_database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    return sqlite_database


def read(database: Database, folder: Path, content: str | bytes, **options: Any) -> dict[str, Any]:
    path = folder / "sheet.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_paths(database, ACTOR, [path], now=NOW, **options).as_json()


def rows(database: Database) -> list[dict[str, Any]]:
    with database.read() as session:
        return list_records(session, ACTOR, "M-1")


PLAIN = "mrn,when,analyte,value,unit,lab,note\r\nM-1,2024-03-10,zinc,70.5,µg/dL,Łódź,a\r\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
        PLAIN.replace("\r\n", "\n").replace("M-1", '"M-1"').encode(),
        PLAIN.replace(",a\r\n", ',"line1\nline2"\r\n').encode(),
        "unit,value,analyte,lab,when,note,MRN \nµg/dL,70.5,zinc,Łódź,2024-03-10,,M-1\n".encode(),
        PLAIN.replace(",", ";").replace("70.5", "70,5").encode(),
    ],
)
def test_the_same_row_is_read_however_the_sheet_was_written(content: bytes, clinic: Database, tmp_path: Path) -> None:
    assert read(clinic, tmp_path, content)["stored"] == 1
    (row,) = rows(clinic)
    assert (row["value"], row["unit"], row["lab"], row["canonical_value"]) == (Decimal("70.5"), "µg/dL", "Łódź", 70.5)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "known format"),
        (PLAIN.encode("latin-1", "replace"), "not UTF-8"),
        (b"mrn,when,analyte,value,value,unit\n", "known format|twice"),
        (b"patient,date,test\n", "known format"),
    ],
)
def test_a_sheet_that_is_none_is_refused(content: bytes, why: str, clinic: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=why):
        read(clinic, tmp_path, content)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("M-1,03/04/2024,glucose,5,mmol/L,,,", "day-month or month-day"),
        ("M-1,13/04/2024,glucose,5,mmol/L,,,", "day-month or month-day"),
        ("M-1,2024-02-30,glucose,5,mmol/L,,,", "possible date"),
        ("M-1,45383,glucose,5,mmol/L,,,", "not a date"),
        ("M-1,1/4/24,glucose,5,mmol/L,,,", "not a date"),
        ("M-1,2024-04-01 08:15,glucose,5,mmol/L,,,", "no zone"),
        ("M-1,2027-01-01,glucose,5,mmol/L,,,", "future"),
        ("M-1,2024-04-01,glucagn,5,pg/mL,,,", "not in the catalogue"),
        ("M-1,2024-04-01,glucose,5,,,,", "without a unit"),
        ('M-1,2024-04-01,glucose,"1,234",mg/dL,,,', "two numbers"),
        ("M-1,2024-04-01,glucose,1 234,mg/dL,,,", "not a number"),
        ("M-1,2024-04-01,glucose,NaN,mg/dL,,,", "not a number"),
        ("M-1,2024-04-01,glucose,inf,mg/dL,,,", "not a number"),
        ("M-1,2024-04-01,glucose,1e400,mg/dL,,,", "range of numbers"),
        ("M-1,2024-04-01,glucose,1_000,mg/dL,,,", "not a number"),
        ("M-1,2024-04-01,glucose,١٢٣,mg/dL,,,", "not a number"),
        ("M-1,2024-04-01,glucose,=1+1,mg/dL,,,", "not a number"),
        ("M-1,2024-04-01,glucose,n/a,mg/dL,,,", "not a number"),
        ("M-1,2024-04-01,glucose,,mg/dL,,,", "empty"),
        ("M-1,2024-04-01,glucose,-5,mg/dL,,,", "negative"),
        ("M-1,2024-04-01,lvef,101,%,,,", "above 100"),
        ("M-1,2024-04-01,glucose,5,mg/dL,,,,,", "10 cells, the header 8"),
        ("M-1,2024-04-01,glucose", "3 cells"),
        ("M-1,2024-04-01,glucose,<5,mg/dL,>,,", "comparator column"),
        ("M-1,2024-04-01,glucose,5,mg/dL,,done,", "status 'done'"),
        ("M-1,2024-04-01,glu\x00cose,5,mg/dL,,,", "NUL"),
        ('M-1,2024-04-01,glucose,5,mg/dL,,,"never closed', "not closed"),
        (f"M-1,2024-04-01,glucose,5,mg/dL,,,{'x' * 21000}", "more than"),
    ],
)
def test_a_row_that_could_mean_something_else_is_held(row: str, why: str, clinic: Database, tmp_path: Path) -> None:
    good = "M-1,2024-01-01,glucose,99,mg/dL,,,"
    summary = read(clinic, tmp_path, f"mrn,when,analyte,value,unit,comparator,status,note\n{good}\n{row}\n")
    (held,) = summary["quarantined"]
    assert why in held["why"] and held["where"] == "sheet.csv#line[3]"
    assert summary["stored"] == 1


def test_what_was_open_is_settled_by_an_option(clinic: Database, tmp_path: Path) -> None:
    sheet = "mrn,when,analyte,value,unit\nM-1,03/04/2024,glucose,99,mg/dL\n"
    assert read(clinic, tmp_path, sheet, date_order="dmy")["stored"] == 1
    assert read(clinic, tmp_path, sheet, date_order="mdy")["stored"] == 1
    local = "mrn,when,analyte,value,unit\nM-1,2024-06-01 08:15,glucose,99,mg/dL\n"
    assert read(clinic, tmp_path, local, zone="Europe/Berlin")["stored"] == 1
    assert [row["effective"] for row in rows(clinic)] == ["2024-03-04", "2024-04-03", "2024-06-01T08:15+02:00"]
    twice = "mrn,when,analyte,value,unit\nM-1,2024-10-27 02:30,glucose,99,mg/dL\n"
    assert "twice" in read(clinic, tmp_path, twice, zone="Europe/Berlin")["quarantined"][0]["why"]


def test_words_and_missing_results_are_kept_as_what_they_are(clinic: Database, tmp_path: Path) -> None:
    read(
        clinic,
        tmp_path,
        "mrn,when,analyte,value,unit,status,ref_low,ref_high,fasting\n"
        "M-1,2024-01-01,glucagon,normal,,,,,\n"
        "M-1,2024-01-02,glucagon,,,absent,,,\n"
        "M-1,2024-01-03,glucagon,10,pmol/L,preliminary,2,40.0,1\n",
    )
    word, absent, number = rows(clinic)
    assert (word["value"], word["text"], word["canonical_value"]) == (None, "normal", None)
    assert (absent["value"], absent["text"], absent["status"]) == (None, None, "absent")
    assert (number["status"], number["fasting"], number["ref_high"]) == ("preliminary", True, Decimal("40.0"))
    with clinic.read() as session:
        (limits,) = session.execute(
            select(Record.canonical_ref_low, Record.canonical_ref_high).where(Record.ref_low.is_not(None))
        )
    assert limits == (pytest.approx(6.965, abs=0.01), pytest.approx(139.3, abs=0.1))


def test_an_id_with_a_corrected_status_supersedes_and_without_one_is_held(clinic: Database, tmp_path: Path) -> None:
    header = "mrn,when,analyte,value,unit,id,status\n"
    read(clinic, tmp_path, header + "M-1,2024-01-01,glucagon,100,pg/mL,A1,\n")
    changed = read(clinic, tmp_path, header + "M-1,2024-01-01,glucagon,110,pg/mL,A1,\n")
    assert "id:A1" in changed["quarantined"][0]["why"]
    assert read(clinic, tmp_path, header + "M-1,2024-01-01,glucagon,110,pg/mL,A1,corrected\n")["superseded"] == 1
    assert read(clinic, tmp_path, header + "M-1,2024-01-01,glucagon,,,A1,entered-in-error\n")["superseded"] == 1
    assert [row["status"] for row in rows(clinic)] == ["entered-in-error"]


def test_columns_nobody_knows_are_kept_beside_the_row(clinic: Database, tmp_path: Path) -> None:
    read(clinic, tmp_path, "mrn,when,analyte,value,unit,ward\nM-1,2024-01-01,glucagon,100,pg/mL,=7B\n")
    with clinic.read() as session:
        assert session.scalars(select(Record.detail)).one() == {"columns": {"ward": "=7B"}}


def test_therapy_lesions_and_skin_have_sheets_of_their_own(clinic: Database, tmp_path: Path) -> None:
    therapy = read(
        clinic,
        tmp_path,
        "mrn,when,kind,drug,dose,unit,route,interval_days,note,completeness\n"
        "M-1,2024-01-01,injection,Sandostatin LAR,30,mg,im,28,,\n"
        "M-1,2024-01-02,procedure,Distal pancreatectomy,,,,,,R0\n"
        "M-1,2024-01-03,injection,Little pink pill,30,mg,im,28,,\n"
        "M-1,2024-01-04,injection,lanreotide,120,,,,,\n",
    )
    lesions = read(
        clinic,
        tmp_path,
        "mrn,scan_date,modality,lesion,role,site,organ,node,diameter_mm,state,signed\n"
        "M-1,2024-02-01,CT,T1,target,liver S6,liver,0,22.5,,1\n"
        "M-1,2024-02-01,CT,T2,target,node,lymph,1,,too-small,1\n"
        "M-1,2024-02-01,CT,T3,target,node,lymph,1,,,1\n",
    )
    skin = read(
        clinic,
        tmp_path,
        "mrn,when,overall,iga,bsa,erosion,sites,infection,new_drug,rater\n"
        "M-1,2024-03-01,worse,3,12.5,2,groin;perioral,none,,nurse\n"
        "M-1,2024-03-02,worse,7,12.5,2,groin,none,,nurse\n"
        "M-1,2024-03-03,worse,3,12.5,2,elbow,none,,nurse\n",
    )
    assert [(s["format"], s["stored"], len(s["quarantined"])) for s in (therapy, lesions, skin)] == [
        ("csv-therapy", 2, 2),
        ("csv-lesions", 2, 1),
        ("csv-skin", 1, 2),
    ]
    with clinic.read() as session:
        (chart,) = load_charts(session, session.scalars(select(Patient.id)).all()).values()
    assert [(t.drug, t.procedure, t.dose, t.completeness) for t in chart.therapy] == [
        ("octreotide-lar", None, 30.0, None),
        (None, "resection", None, "R0"),
    ]
    assert [(lesion.lesion, lesion.diameter_tenths, lesion.state, lesion.node) for lesion in chart.lesions] == [
        ("T1", 225, "measured", False),
        ("T2", None, "too-small", True),
    ]
    assert (chart.skin[0].overall, chart.skin[0].iga, chart.skin[0].sites) == ("worse", 3, ("groin", "perioral"))
