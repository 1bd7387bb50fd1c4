"""Sensor exports: what is a reading, which moment it was, and that everything read is accounted for."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.quarantine import list_quarantined, retry_quarantined
from data.intake.source import ImportRefused
from data.models import Audit, ReadingDay
from data.patients import add_patient
from data.people import Actor
from data.readings import HIGH, LOW, load_days

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
CLARITY = (
    "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,Patient Info,Device Info,Source Device ID,"
    "Glucose Value (mg/dL),Insulin Value (u)"
)
LIBRE = "Device,Serial Number,Device Timestamp,Record Type,Historic Glucose mmol/L,Scan Glucose mmol/L,Notes"


@pytest.fixture
def clinic(sqlite_database: Database) -> Database:
    with sqlite_database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    return sqlite_database


def egv(time: str, value: object, type: str = "EGV") -> str:
    return f"1,{time},{type},,,,android G6,{value},"


def clarity(*rows: str) -> str:
    return "\n".join((CLARITY, "1,,FirstName,,A,,,,", egv("", 251, "Alert"), *rows)) + "\n"


def libre(*rows: str, header: str = LIBRE) -> str:
    return "\n".join(("Glucose Data,Generated on,01-02-2024 09:40 UTC", header, *rows)) + "\n"


def take(database: Database, folder: Path, content: str | bytes, **options: Any) -> dict[str, Any]:
    path = folder / "export.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    summary = import_paths(
        database, ACTOR, [path], now=NOW, **({"mrn": "M-1", "zone": "Europe/Berlin"} | options)
    ).as_json()
    parts = sum(summary[part] for part in ("stored", "unchanged", "superseded", "ignored"))
    assert summary["read"] == parts + len(summary["quarantined"])
    return summary


def stored(database: Database) -> list[tuple[str, str, float | None, int]]:
    """Device, UTC time, value and mark of every reading."""
    with database.read() as session:
        days = load_days(session, ACTOR, "M-1", date(1900, 1, 1), date(2200, 1, 1))
    return [
        (
            day.device,
            f"{datetime.combine(day.day, datetime.min.time()) + timedelta(seconds=int(second)):%Y-%m-%d %H:%M:%S}",
            None if np.isnan(value) else float(value),
            int(mark),
        )
        for day in days
        for second, value, mark in zip(day.seconds, day.values, day.marks, strict=True)
    ]


def test_low_and_high_are_marks_and_alerts_are_no_readings(clinic: Database, tmp_path: Path) -> None:
    rows = egv("2024-01-10 23:58:00", 144), egv("2024-01-11 00:03:00", "Low"), egv("2024-01-11 00:08:00", "High")
    summary = take(clinic, tmp_path, clarity(*rows, egv("2024-01-11 00:13:00", "")))
    assert (summary["format"], summary["stored"], summary["quarantined"]) == ("dexcom-clarity", 3, [])
    assert summary["ignored_types"] == {"EGV row without a value": 1, "alert row": 1, "firstname row": 1}
    assert stored(clinic) == [
        ("Dexcom android G6", "2024-01-10 22:58:00", 144, 0),
        ("Dexcom android G6", "2024-01-10 23:03:00", None, LOW),
        ("Dexcom android G6", "2024-01-10 23:08:00", None, HIGH),
    ]
    with clinic.read() as session:
        assert session.scalars(select(Audit.action)).all().count("reading.store") == 1


SPANISH = (
    "Índice,Marca temporal (AAAA-MM-DDThh:mm:ss),Tipo de evento,Subtipo de evento,Información del paciente,"
    "Información del dispositivo,ID del dispositivo de origen,Nivel de glucosa (mg/dL),Insulina (u)"
)


def spanish(*rows: str) -> str:
    return "\n".join((SPANISH, "1,,Nombre,,Eleni,,,,", "2,,Apellido,,Nikolaou,,,,", *rows)) + "\n"


def test_the_type_of_a_row_is_found_whatever_language_names_its_column(clinic: Database, tmp_path: Path) -> None:
    rows = (
        egv("", 70, "Alerta"),
        egv("2024-01-10 23:58:00", 144),
        egv("2024-01-11 00:01:00", 90, "Calibración"),
        "1,2024-01-11 00:02:00,Insulina,Rápida,,,android G6,120,4",
        egv("2024-01-11 00:03:00", "Low"),
    )
    expected = [
        ("Dexcom android G6", "2024-01-10 22:58:00", 144, 0),
        ("Dexcom android G6", "2024-01-10 23:03:00", None, LOW),
    ]
    for header in (SPANISH, SPANISH.replace("Índice", '"Índice"')):
        summary = take(clinic, tmp_path, spanish(*rows).replace(SPANISH, header))
        assert (summary["quarantined"], summary["ignored"]) == ([], 5)
        assert summary["ignored_types"]["calibración row"] == 1
        assert stored(clinic) == expected


@pytest.mark.parametrize(
    "content",
    [
        spanish(egv("2024-01-10 23:58:00", 144, "VGE"), egv("2024-01-11 00:01:00", 90, "Calibración")),
        spanish(egv("2024-01-10 23:58:00", 144, "")),
        "Marca temporal (AAAA-MM-DDThh:mm:ss),Nivel de glucosa (mg/dL),Tipo\n2024-01-10 23:58:00,70,Alerta\n",
    ],
)
def test_a_table_that_types_its_rows_but_none_as_a_reading_is_refused(
    content: str, clinic: Database, tmp_path: Path
) -> None:
    with pytest.raises(ImportRefused, match="no row of type EGV"):
        take(clinic, tmp_path, content)
    assert stored(clinic) == []


@pytest.mark.parametrize("index", ["", "Índice,"])
def test_a_table_of_nothing_but_times_and_glucose_holds_readings(index: str, clinic: Database, tmp_path: Path) -> None:
    header = f"{index}Marca temporal (AAAA-MM-DDThh:mm:ss),Nivel de glucosa (mg/dL)"
    row = "2024-01-10 23:58:00,144"
    assert take(clinic, tmp_path, f"{header}\n{'1,' if index else ''}{row}\n")["stored"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_comma_is_the_decimal_sign_where_semicolons_separate(encoding: str, clinic: Database, tmp_path: Path) -> None:
    content = libre("Geräte,S-1,13-01-2024 08:15,0,5,4,,").replace("5,4", "5.4").replace(",", ";").replace("5.4", "5,4")
    assert take(clinic, tmp_path, content.encode(encoding))["stored"] == 1
    assert stored(clinic) == [("Geräte S-1", "2024-01-13 07:15:00", 5.4, 0)]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('D,S,13-01-2024 08:15,0,"5,4",,', "neither a number"),
        ("D,S,13-01-2024 08:15,0,5,4,,,", "cells"),
        ("D,S,13-01-2024 08:15,0,97,,", "outside what a sensor measures"),
        ("D,S,13-01-2024 08:15,0,5.44,,", "more decimals"),
        ("D,S,13-01-2024 08:15,0,-5.4,,", "neither a number"),
        ("D,S,13-01-2024 08:15,0,NaN,,", "neither a number"),
        ("D,S,13-01-2024 08:15,0,5.4,6.4,", "in one row"),
        ("D,S,31-02-2024 08:15,0,5.4,,", "not a possible date"),
        ("D,S,13-01-2024 28:15,0,5.4,,", "not a time of day"),
        ("D,S,13-01-2024,0,5.4,,", "not a time of day"),
        ("D,S,13-04-2026 08:15,0,5.4,,", "in the future"),
    ],
)
def test_a_row_that_cannot_be_a_reading_is_held_with_its_line(
    row: str, why: str, clinic: Database, tmp_path: Path
) -> None:
    summary = take(clinic, tmp_path, libre("D,S,13-01-2024 08:00,0,5.4,,", row))
    (held,) = summary["quarantined"]
    assert held["where"] == "export.csv#line[4]" and why in held["why"] and summary["stored"] == 1


def test_a_row_whose_record_type_is_no_number_is_held(clinic: Database, tmp_path: Path) -> None:
    rows = "D,S,13-01-2024 08:00,0,5.4,,", "D,S,13-01-2024 08:15,Historisch,5.5,,", "D,S,13-01-2024 08:20,,5.6,,"
    summary = take(clinic, tmp_path, libre(*rows))
    assert [(held["where"], "record type" in held["why"]) for held in summary["quarantined"]] == [
        ("export.csv#line[4]", True),
        ("export.csv#line[5]", True),
    ]
    assert summary["stored"] == 1


@pytest.mark.parametrize(
    "content",
    [
        libre("D,S,13-01-2024 08:00,Histórico,5.4,,", "D,S,13-01-2024 08:15,Escaneo,,5.5,"),
        libre(
            "D,13-01-2024 08:00,0,5.4,,",
            header="Gerät,Zeitstempel,Aufzeichnungstyp,Glukose-Verlauf mmol/L,Glukose-Scan mmol/L,Notizen",
        ),
    ],
)
def test_a_file_whose_record_types_are_no_numbers_is_refused(content: str, clinic: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="record type"):
        take(clinic, tmp_path, content, date_order="dmy")


def test_a_column_beside_the_historic_values_that_names_no_glucose_is_no_scan(clinic: Database, tmp_path: Path) -> None:
    header = "Dispositivo,Serie,Sello de tiempo,Tipo de registro,Historial de glucosa mmol/L,Notas"
    summary = take(clinic, tmp_path, libre("D,S,13-01-2024 08:00,0,5.4,7", "D,S,13-01-2024 08:15,0,,6", header=header))
    assert stored(clinic) == [("D S", "2024-01-13 07:00:00", 5.4, 0)]
    assert summary["ignored_types"] == {"record type 0 without a value": 1}


def test_scans_stand_beside_the_historic_values_of_their_minute(clinic: Database, tmp_path: Path) -> None:
    rows = "D,S,13-01-2024 08:00,0,5.4,,", "D,S,13-01-2024 08:00,1,,6.0,", "D,S,13-01-2024 08:01,6,,,note"
    summary = take(clinic, tmp_path, libre(*rows))
    assert summary["ignored_types"] == {"record type 6": 1}
    assert [(device, value) for device, _, value, _ in stored(clinic)] == [("D S", 5.4), ("D S scan", 6.0)]


def test_the_scans_of_a_device_with_a_long_name_bear_its_name(clinic: Database, tmp_path: Path) -> None:
    serial = "7F354325-542B-43DB-8E4C-F8FAF6F31CAC"
    rows = (
        f"FreeStyle LibreLink,{serial},13-01-2024 08:00,0,5.4,,",
        f"FreeStyle LibreLink,{serial},13-01-2024 08:00,1,,6.0,",
    )
    take(clinic, tmp_path, libre(*rows))
    historic, scanned = (device for device, *_ in stored(clinic))
    assert scanned == f"{historic} scan" and len(scanned) <= 60


@pytest.mark.parametrize(
    ("stamps", "said", "expected"),
    [
        (["05-13-2024 05:38 PM", "05-12-2024 12:00 AM"], None, ["2024-05-11 22:00:00", "2024-05-13 15:38:00"]),
        (["13-05-2024 17:38", "12-05-2024 00:00"], None, ["2024-05-11 22:00:00", "2024-05-13 15:38:00"]),
        (["05-12-2024 12:10 PM"], "mdy", ["2024-05-12 10:10:00"]),
        (["05-12-2024 12:10"], "dmy", ["2024-12-05 11:10:00"]),
        (["05-12-2024 12:10"], "mdy", ["2024-05-12 10:10:00"]),
        (["05-12-2024 12:10 PM"], "dmy", ["2024-12-05 11:10:00"]),
    ],
)
def test_what_the_file_settles_decides_the_order_of_day_and_month(
    stamps: list[str], said: str | None, expected: list[str], clinic: Database, tmp_path: Path
) -> None:
    take(clinic, tmp_path, libre(*(f"D,S,{stamp},0,5.4,," for stamp in stamps)), date_order=said)
    assert [time for _, time, _, _ in stored(clinic)] == expected


@pytest.mark.parametrize(
    ("content", "options", "why"),
    [
        (libre("D,S,05-12-2024 12:10,0,5.4,,"), {}, "--date-order"),
        (libre("D,S,05-12-2024 12:10 PM,0,5.4,,"), {}, "--date-order"),
        (libre("D,S,13-12-2024 12:10,0,5.4,,"), {"date_order": "mdy"}, "only be dmy"),
        (libre("D,S,13-12-2024 12:10,0,5.4,,", "D,S,12-13-2024 12:10,0,5.4,,"), {}, "both orders"),
        (clarity(egv("2024-01-10 23:58:00", 144)), {"zone": None}, "--zone"),
        (clarity(egv("2024-01-10 23:58:00", 144)), {"zone": "Mars/Olympus"}, "not a time zone"),
        (clarity(egv("2024-01-10 23:58:00", 144)), {"mrn": None}, "--patient"),
        (clarity(egv("2024-01-10 23:58:00", 144)), {"mrn": "M-2"}, "not known"),
        (clarity(egv("2024-01-10 23:58:00", '"144')), {}, "cannot be read"),
        (b"\x1f\x8b" + b"x" * 30, {"format": "libreview"}, "cannot be read"),
        ("[", {"format": "tidepool"}, "not JSON"),
        ("{}", {"format": "nightscout"}, "not one list"),
        ("[" * 100_000, {"format": "nightscout"}, "not JSON"),
        ("a,b\n", {"format": "dexcom-clarity"}, "no header row"),
    ],
)
def test_a_file_that_cannot_be_placed_is_refused_whole(
    content: str | bytes, options: dict[str, Any], why: str, clinic: Database, tmp_path: Path
) -> None:
    with pytest.raises(ImportRefused, match=why):
        take(clinic, tmp_path, content, **options)
    assert stored(clinic) == []


def named(first: str, last: str) -> str:
    person = f"1,,FirstName,,{first},,,,", f"2,,LastName,,{last},,,,"
    return "\n".join((CLARITY, *person, egv("2024-01-10 23:58:00", 144))) + "\n"


@pytest.fixture
def eleni(clinic: Database) -> Database:
    with clinic.write() as session:
        add_patient(session, ACTOR, mrn="M-2", name="Papadaki, Eleni", birth_date=None, sex=None, teams=(), now=NOW)
    return clinic


def test_a_file_that_names_another_person_than_its_patient_is_refused(eleni: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="names another person") as refused:
        take(eleni, tmp_path, named("Eleni", "Nikolaou"), mrn="M-2")
    assert "Nikolaou" not in str(refused.value)
    with eleni.read() as session:
        assert session.scalars(select(ReadingDay)).all() == []


def test_a_file_in_another_language_that_names_another_person_is_refused(eleni: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="names another person"):
        take(eleni, tmp_path, spanish(egv("2024-01-10 23:58:00", 144)), mrn="M-2")
    content = spanish("3,,Fecha de nacimiento,,1990-01-01,,,,", egv("2024-01-10 23:58:00", 144))
    assert take(eleni, tmp_path, content.replace("Nikolaou", "Papadaki"), mrn="M-2")["stored"] == 1


@pytest.mark.parametrize("person", [("Eleni", "PAPADAKI"), ("", "Papadaki"), ("2019", "001"), ("", "")])
def test_a_file_that_names_its_patient_or_nobody_is_stored(
    person: tuple[str, str], eleni: Database, tmp_path: Path
) -> None:
    assert take(eleni, tmp_path, named(*person), mrn="M-2")["stored"] == 1
    assert take(eleni, tmp_path, named("Any", "Body"), mrn="M-1")["stored"] == 1


def test_the_hour_that_spring_skips_is_held(clinic: Database, tmp_path: Path) -> None:
    times = "01:55:00", "02:30:00", "03:00:00"
    summary = take(clinic, tmp_path, clarity(*(egv(f"2024-03-31 {time}", 100) for time in times)))
    (held,) = summary["quarantined"]
    assert "does not exist" in held["why"] and held["where"] == "export.csv#line[5]"
    assert [time for _, time, _, _ in stored(clinic)] == ["2024-03-31 00:55:00", "2024-03-31 01:00:00"]


AUTUMN = ["01:55", "02:00", "02:30", "02:55", "02:00", "02:30", "02:55", "03:00"]
AUTUMN_UTC = ["23:55", "00:00", "00:30", "00:55", "01:00", "01:30", "01:55", "02:00"]


@pytest.mark.parametrize("descending", [False, True])
def test_the_hour_that_autumn_repeats_is_settled_by_the_order_of_rows(
    descending: bool, clinic: Database, tmp_path: Path
) -> None:
    rows = [egv(f"2024-10-27 {time}:00", 100 + at) for at, time in enumerate(AUTUMN)]
    take(clinic, tmp_path, clarity(*(reversed(rows) if descending else rows)))
    assert [(time[11:16], value) for _, time, value, _ in stored(clinic)] == [
        (time, 100 + at) for at, time in enumerate(AUTUMN_UTC)
    ]


@pytest.mark.parametrize(
    "times",
    [
        ["01:55", "02:00", "02:30", "03:00"],
        ["01:55", "02:30", "02:00", "02:20", "02:10", "03:00"],
        ["01:55", "02:00", "02:30", "02:10", "03:00", "02:40", "03:05"],
    ],
)
def test_the_repeated_hour_is_held_where_the_order_leaves_it_open(
    times: list[str], clinic: Database, tmp_path: Path
) -> None:
    summary = take(clinic, tmp_path, clarity(*(egv(f"2024-10-27 {time}:00", 100) for time in times)))
    inside = [time for time in times if time.startswith("02")]
    assert len(summary["quarantined"]) == len(inside)
    assert all("exists twice" in held["why"] for held in summary["quarantined"])
    assert summary["stored"] == len(times) - len(inside)


def test_the_same_reading_twice_counts_once_and_two_values_for_one_second_are_held(
    clinic: Database, tmp_path: Path
) -> None:
    rows = egv("2024-01-10 08:00:00", 100), egv("2024-01-10 08:00:00", 100), egv("2024-01-10 08:05:00", 101)
    clash = egv("2024-01-10 08:10:00", 102), egv("2024-01-10 08:10:00", 103)
    summary = take(clinic, tmp_path, clarity(*rows, *clash))
    assert (summary["stored"], summary["unchanged"]) == (2, 1)
    assert [held["where"] for held in summary["quarantined"]] == ["export.csv#line[7]", "export.csv#line[8]"]
    assert "line[7] and line[8]" in summary["quarantined"][0]["why"]


def test_the_same_content_twice_changes_nothing_and_more_of_a_day_is_added(clinic: Database, tmp_path: Path) -> None:
    rows = [egv(f"2024-01-10 08:{minute:02d}:00", 100 + minute) for minute in range(0, 60, 5)]
    assert take(clinic, tmp_path, clarity(*rows[:6]))["stored"] == 6
    again = take(clinic, tmp_path, clarity(*rows[:6]))
    assert (again["stored"], again["unchanged"]) == (0, 6)
    more = take(clinic, tmp_path, clarity(*rows))
    assert (more["stored"], more["unchanged"]) == (6, 6)
    with clinic.read() as session:
        (day,) = session.scalars(select(ReadingDay)).all()
        assert day.count == 12


def test_another_value_than_the_stored_one_is_held_and_the_rest_of_the_day_stored(
    clinic: Database, tmp_path: Path
) -> None:
    take(clinic, tmp_path, clarity(egv("2024-01-10 08:00:00", 100)))
    rows = egv("2024-01-10 08:00:00", 101), egv("2024-01-10 08:05:00", 102)
    summary = take(clinic, tmp_path, clarity(*rows))
    (held,) = summary["quarantined"]
    assert held["where"] == "export.csv#line[4]" and "another value" in held["why"]
    assert [value for _, _, value, _ in stored(clinic)] == [100, 102]


def test_another_unit_than_the_stored_one_holds_the_day(clinic: Database, tmp_path: Path) -> None:
    take(clinic, tmp_path, clarity(egv("2024-01-10 08:00:00", 100)))
    content = clarity(egv("2024-01-10 08:05:00", 5.5)).replace("mg/dL", "mmol/L")
    assert "sent mg/dL" in take(clinic, tmp_path, content)["quarantined"][0]["why"]


def test_a_held_row_is_read_again_with_what_its_file_settled(clinic: Database, tmp_path: Path) -> None:
    rows = "D,S,01-13-2024 08:00,0,5.4,,", "D,S,01-02-2024 08:00,0,5.6,,", "D,S,01-02-2024 08:00,0,5.7,,"
    assert len(take(clinic, tmp_path, libre(*rows))["quarantined"]) == 2
    with clinic.read() as session:
        first, _ = list_quarantined(session, ACTOR)
    assert retry_quarantined(clinic, ACTOR, first["id"], now=NOW).stored == 1
    assert ("D S", "2024-01-02 07:00:00", 5.6, 0) in stored(clinic)


def test_a_dry_run_keeps_nothing_and_a_batch_id_stands_for_one_content(clinic: Database, tmp_path: Path) -> None:
    content = clarity(egv("2024-01-10 08:00:00", 100))
    assert take(clinic, tmp_path, content, dry_run=True)["stored"] == 1
    assert stored(clinic) == []
    take(clinic, tmp_path, content, batch_id="b-1")
    assert take(clinic, tmp_path, content, batch_id="b-1")["unchanged"] == 1
    with pytest.raises(ImportRefused, match="other content"):
        take(clinic, tmp_path, clarity(egv("2024-01-10 08:00:00", 101)), batch_id="b-1")


def test_nightscout_codes_are_no_glucose_and_low_numbers_are_held(clinic: Database, tmp_path: Path) -> None:
    at = 1705600000000
    entries: list[Any] = [
        {"type": "sgv", "sgv": 120, "date": at, "device": "xDrip"},
        {"type": "sgv", "sgv": 5, "date": at + 300_000},
        {"type": "sgv", "sgv": 32, "date": at + 600_000},
        {"type": "mbg", "mbg": 90, "date": at},
        {"type": "sgv", "sgv": 95.5, "dateString": "2024-01-18T18:00:00.000Z"},
        {"type": "sgv", "sgv": True, "date": at},
        {"type": "sgv", "sgv": 100, "date": "x"},
        {"type": "sgv", "sgv": 100},
        7,
    ]
    summary = take(clinic, tmp_path, json.dumps(entries), zone=None)
    assert summary["format"] == "nightscout" and summary["ignored_types"] == {"mbg": 1, "sgv error code": 1}
    assert [held["where"][-8:] for held in summary["quarantined"]] == [f"entry[{n}]" for n in (2, 5, 6, 7, 8)]
    assert stored(clinic) == [
        ("Nightscout", "2024-01-18 18:00:00", 95.5, 0),
        ("xDrip", "2024-01-18 17:46:40", 120, 0),
    ]


def test_the_table_of_the_nightscout_exporter_ends_where_treatments_begin(clinic: Database, tmp_path: Path) -> None:
    content = (
        "# CGM ENTRIES\nDate,Time,Glucose (mg/dL),Type,Device,Trend,ID\n"
        '"1/7/2026","7:59:42 PM","129","sgv","","","D6"\n\n'
        "# TREATMENTS (Insulin, Carbs, Exercise)\nDate,Time,Event Type,Insulin (U),Carbs (g),Notes,ID\n"
        '"1/7/2026","7:55:36 PM","SMB","0.1","","","69"\n'
    )
    summary = take(clinic, tmp_path, content, zone="UTC")
    assert (summary["stored"], summary["ignored_types"]) == (1, {"treatment row": 1})
    assert stored(clinic) == [("Nightscout", "2026-01-07 19:59:42", 129, 0)]


def test_a_table_of_the_exporter_that_no_american_browser_wrote_needs_its_date_order(
    clinic: Database, tmp_path: Path
) -> None:
    content = 'Date,Time,Glucose (mg/dL),Type,Device,Trend,ID\n"07/01/2026","7:59:42 pm","129","sgv","","","D6"\n'
    with pytest.raises(ImportRefused, match="--date-order"):
        take(clinic, tmp_path, content, zone="UTC")
    take(clinic, tmp_path, content, zone="UTC", date_order="dmy")
    assert stored(clinic) == [("Nightscout", "2026-01-07 19:59:42", 129, 0)]


def test_tidepool_values_are_stored_as_the_device_showed_them(clinic: Database, tmp_path: Path) -> None:
    def cbg(minute: int, value: object, device: str = "Dex", **more: Any) -> dict[str, Any]:
        time = f"2024-01-18T18:{minute:02d}:00.000Z"
        return {"type": "cbg", "time": time, "deviceId": device, "units": "mmol/L", "value": value} | more

    low = [{"code": "bg/out-of-range", "value": "low", "threshold": 40}]
    entries = [
        cbg(0, 6.10584),
        cbg(5, 2.16479, annotations=low),
        cbg(10, 6.2),
        cbg(15, 5.5, units=None),
        cbg(20, None),
        cbg(0, 6.1, "Libre"),
        cbg(5, 6.2, "Libre"),
        {"type": "smbg", "time": "2024-01-18T18:00:00Z", "value": 5.0, "units": "mmol/L"},
    ]
    summary = take(clinic, tmp_path, json.dumps(entries), zone=None)
    assert summary["format"] == "tidepool" and summary["ignored_types"] == {"cbg without a value": 1, "smbg": 1}
    assert [held["where"][-8:] for held in summary["quarantined"]] == ["entry[2]", "entry[3]"]
    assert stored(clinic) == [
        ("Dex", "2024-01-18 18:00:00", 110, 0),
        ("Dex", "2024-01-18 18:05:00", None, LOW),
        ("Libre", "2024-01-18 18:00:00", 6.1, 0),
        ("Libre", "2024-01-18 18:05:00", 6.2, 0),
    ]


def test_both_databases_take_an_export(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=(), now=NOW)
    rows = [egv(f"2024-01-{day:02d} 08:00:00", 100 + day) for day in range(1, 29)]
    assert take(database, tmp_path, clarity(*rows))["stored"] == 28
    assert take(database, tmp_path, clarity(*rows, egv("2024-01-01 08:00:00", 99)))["unchanged"] == 27
