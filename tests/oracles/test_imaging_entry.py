"""A published series of scans, typed into the page scan by scan, is the series that an import of its sheet stores."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from clinical.chart import Chart, Lesion
from clinical.imaging import assessments, scans
from clinical.protocol import bundled_protocol
from clinical.rules import judge_chart
from data.db import Database
from data.entry.said import Unsure
from data.intake.batch import import_paths
from data.models import EntrySave
from data.people import Actor
from tests.data.scans import Said, added, chart_of, confirmed, fields, known, save, submission
from tests.data.ward import Ward

pytestmark = pytest.mark.oracles

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SUBJECTS = ("01-701-1015", "01-701-1034", "01-701-1118", "01-701-1130")
STATES = {"PRESENT": "present", "ABSENT": "absent"}
Row = Mapping[str, str]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if "INVESTIGATOR" in (row.get("TREVAL"), row.get("TUEVAL"))]


def sheet(folder: Path, subject: str) -> list[dict[str, str]]:
    """The investigator's readings of one subject as rows of `csv-lesions`."""
    places = {
        r["TULNKID"]: r["TULOC"].lower() for r in rows_of(folder / "tu_onco_recist.csv") if r["USUBJID"] == subject
    }
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows_of(folder / "tr_onco_recist.csv"):
        organ = places.get(row["TRLNKID"], "")
        node = organ == "lymph node"
        if row["USUBJID"] != subject or row["TRTESTCD"] not in ("TUMSTATE", "LPERP" if node else "LDIAM"):
            continue
        on, gone = f"{row['TRDTC']}-01"[:10], row["TRSTRESN"] == "0"
        found[on, row["TRLNKID"]] = {
            **{"mrn": "IMPORTED", "scan_date": on, "modality": "CT", "lesion": row["TRLNKID"], "organ": organ},
            **{"role": row["TRGRPID"].lower(), "node": "1" if node else "0", "reader": "Dr Rose", "signed": "1"},
            "diameter_mm": "" if gone else row["TRSTRESN"],
            "state": "absent" if gone else STATES.get(row["TRSTRESC"], "measured"),
        }
    return list(found.values())


def typed(rows: list[dict[str, str]], chart: Chart) -> Said:
    """One scan as a reader types it, with the decimal comma of half of Europe."""
    said = fields(rows[0]["scan_date"]) | confirmed()
    for number, row in enumerate(rows, start=1):
        size = row["diameter_mm"].replace(".", ",")
        if chart.lesions:
            said |= known(chart, **{row["lesion"]: size or row["state"]})
        else:
            more = {"name": row["lesion"], "organ": row["organ"], "node": "yes" if row["node"] == "1" else "no"}
            said |= added(number, row["role"], **more, **({"mm": size} if size else {}))
    return said


def bare(lesion: Lesion) -> Lesion:
    return replace(lesion, record="")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_typed_series_is_the_imported_one(
    database: Database, shared_data: Path, tmp_path: Path, subject: str
) -> None:
    folder = shared_data / "recist" / "small8"
    rows = sheet(folder, subject)
    days = sorted({row["scan_date"] for row in rows})
    with database.write() as session:
        ward = Ward.open(session)
        reader, team = ward.person("onc@net.example"), ward.team.name
        by_page, by_sheet = ward.patient("TYPED"), ward.patient("IMPORTED")
    file = tmp_path / "lesions.csv"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    summary = import_paths(database, Actor.system("test"), [file], team=team, now=NOW).as_json()
    assert (summary["stored"], summary["quarantined"]) == (len(rows), [])
    for version, day in enumerate(days):
        enter(database, reader, by_page, "TYPED", [row for row in rows if row["scan_date"] == day], version)
    with database.read() as session:
        page, imported = chart_of(session, by_page), chart_of(session, by_sheet)
    assert [bare(r) for r in page.lesions] == [bare(r) for r in imported.lesions]
    assert [replace(v, records=()) for v in assessments(page)] == [
        replace(v, records=()) for v in assessments(imported)
    ]
    expected = {
        f"{row['RSDTC']}-01"[:10]: row["RSSTRESC"]
        for row in csv.DictReader((folder / "rs_onco_recist_expected.csv").open())
        if (row["USUBJID"], row["RSEVAL"]) == (subject, "INVESTIGATOR")
    }
    assert {s.day.isoformat(): (s.verdict or "").upper() for s in scans(page)[1:]} == expected
    assert all(scan.signed for scan in scans(page))
    flagged = [{f.rule for f in judge_chart(c, bundled_protocol(), NOW).findings} for c in (page, imported)]
    assert flagged[0] == flagged[1]


def enter(database: Database, reader: Actor, patient: int, mrn: str, rows: list[dict[str, str]], version: int) -> None:
    """Type one scan, answer what is asked with yes, and save it."""
    with database.read() as session:
        sent = submission(session, mrn, typed(rows, chart_of(session, patient)), version)
    try:
        with database.write() as session:
            save(session, reader, mrn, sent, NOW)
    except Unsure as unsure:
        yes = frozenset(question.id for question in unsure.questions)
        with database.write() as session:
            save(session, reader, mrn, replace(sent, confirmed=yes), NOW)


def test_what_was_imported_is_not_stored_twice_when_it_is_typed_too(
    sqlite_database: Database, shared_data: Path, tmp_path: Path
) -> None:
    rows = sheet(shared_data / "recist" / "small8", "01-701-1118")
    first = [row for row in rows if row["scan_date"] == "2014-03-12"]
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        reader, patient = ward.person("onc@net.example"), ward.patient("TYPED")
    enter(sqlite_database, reader, patient, "TYPED", first, 0)
    file = tmp_path / "lesions.csv"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows({**row, "mrn": "TYPED"} for row in first)
    summary = import_paths(sqlite_database, Actor.system("test"), [file], now=NOW).as_json()
    assert (summary["stored"], summary["unchanged"]) == (0, len(first))
    with sqlite_database.read() as session:
        assert len(chart_of(session, patient).lesions) == len(first)
        assert session.scalar(select(EntrySave.stored)) == len(first) + 1
