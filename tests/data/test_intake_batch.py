"""One import: its account, dry runs, batch ids, interruption, quarantine, and the same item from two formats."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data.audit import verify
from data.db import Database, open_database
from data.errors import BadInput
from data.intake.batch import import_paths
from data.intake.quarantine import (
    AlreadyClosed,
    count_quarantined,
    discard_quarantined,
    held_counts,
    list_quarantined,
    retry_quarantined,
    show_quarantined,
)
from data.intake.source import ImportRefused
from data.models import Audit, AuditReason, Batch, Ingest, Patient, Quarantined, Record
from data.patients import add_patient
from data.people import Actor, Forbidden, NotFound, add_team
from data.records import list_records

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
HEADER = "mrn,when,analyte,value,unit"


def registered(database: Database, *mrns: str) -> None:
    with database.write() as session:
        for mrn in mrns:
            add_patient(session, ACTOR, mrn=mrn, name=None, birth_date=None, sex=None, teams=(), now=NOW)


def sheet(folder: Path, *rows: str, name: str = "labs.csv", header: str = HEADER) -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def bundle(folder: Path, *resources: dict[str, Any], name: str = "bundle.json") -> Path:
    path = folder / name
    entries = [{"resource": resource} for resource in resources]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries}))
    return path


def glucagon(value: float, when: str, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2338-2"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": when,
        "valueQuantity": {"value": value, "unit": "pg/mL", "code": "pg/mL", "system": "http://unitsofmeasure.org"},
    } | changes


PATIENT = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:hospital", "value": "M-1"}]}


def run(database: Database, *paths: Path, **options: Any) -> dict[str, Any]:
    summary = import_paths(database, ACTOR, list(paths), now=NOW, **options).as_json()
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[part] for part in parts) + len(summary["quarantined"])
    return summary


def count(database: Database, model: type[Any]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_good_rows_are_stored_and_bad_ones_are_held_with_line_and_cause(database: Database, tmp_path: Path) -> None:
    registered(database, "M-1")
    summary = run(
        database,
        sheet(
            tmp_path,
            "M-1,2024-03-10,glucagon,118.00,pg/mL",
            "M-1,2024-03-10,glucagon,118,pg/L",
            "NOBODY,2024-03-10,glucagon,118,pg/mL",
            "M-1,2024-03-11,glucagon,<15,pg/mL",
            "M-1,2024-03-12,12345-6,118,pg/mL",
        ),
    )
    assert (summary["format"], summary["read"], summary["stored"], summary["ignored_types"]) == (
        "csv",
        5,
        2,
        {"row 12345-6": 1},
    )
    assert summary["quarantined"] == [
        {"where": "labs.csv#line[3]", "why": "unit 'pg/L' is not accepted for glucagon"},
        {"where": "labs.csv#line[4]", "why": "patient 'NOBODY' is not known"},
    ]
    with database.read() as session:
        rows = list_records(session, ACTOR, "M-1")
        assert verify(session).ok
    assert [(r["value"], r["comparator"], r["effective"], r["precision"]) for r in rows] == [
        (Decimal("118.00"), None, "2024-03-10", "day"),
        (Decimal(15), "<", "2024-03-11", "day"),
    ]


def test_the_same_glucagon_by_sheet_and_by_fhir_is_one_record(database: Database, tmp_path: Path) -> None:
    run(database, bundle(tmp_path, PATIENT, glucagon(118.5, "2024-03-10T08:15:00+01:00")))
    by_sheet = run(database, sheet(tmp_path, "M-1,2024-03-10T07:15:00Z,glucagon,118.5,pg/mL"))
    assert (by_sheet["stored"], by_sheet["unchanged"]) == (0, 1)
    by_loinc = run(database, sheet(tmp_path, "M-1,2024-03-10T07:15:00Z,2338-2,118.5,pg/mL"))
    assert by_loinc["unchanged"] == 1
    assert count(database, Record) == 1


def test_one_part_of_the_key_missing_keeps_both(sqlite_database: Database, tmp_path: Path) -> None:
    registered(sqlite_database, "M-1")
    run(sqlite_database, sheet(tmp_path, "M-1,2024-03-10,glucagon,118,pg/mL"))
    header = HEADER + ",lab"
    again = run(sqlite_database, sheet(tmp_path, "M-1,2024-03-10,glucagon,118,pg/mL,Central", header=header))
    assert again["stored"] == 1


def test_entries_in_any_order_end_in_the_same_state(sqlite_database: Database, tmp_path: Path) -> None:
    resources = [
        PATIENT,
        glucagon(100, "2024-03-10", id="o1", meta={"versionId": "1"}),
        glucagon(110, "2024-03-10", id="o1", meta={"versionId": "2"}),
        glucagon(120, "2024-03-11", id="o2"),
    ]
    backwards = run(sqlite_database, bundle(tmp_path, *reversed(resources)))
    assert (backwards["stored"], backwards["superseded"], backwards["quarantined"]) == (3, 1, [])
    forwards = run(sqlite_database, bundle(tmp_path, *resources, name="again.json"))
    assert forwards["unchanged"] == 4
    with sqlite_database.read() as session:
        assert [r["value"] for r in list_records(session, ACTOR, "M-1")] == [Decimal(110), Decimal(120)]
        assert len(list_records(session, ACTOR, "M-1", include_superseded=True)) == 3


def test_a_dry_run_says_the_same_and_keeps_nothing(database: Database, tmp_path: Path) -> None:
    path = bundle(tmp_path, PATIENT, glucagon(118, "2024-03-10"), glucagon(-1, "2024-03-11"))
    rehearsed = run(database, path, dry_run=True, batch_id="b")
    assert [count(database, m) for m in (Patient, Record, Quarantined, Batch, Ingest)] == [0, 0, 0, 0, 0]
    assert run(database, path, batch_id="b") == rehearsed
    assert (rehearsed["stored"], len(rehearsed["quarantined"])) == (2, 1)


@pytest.mark.parametrize("other", [{"date_order": "mdy"}, {"zone": "Europe/Berlin"}, {"mrn": "M-1"}, {}])
def test_a_batch_id_stands_for_one_way_of_reading(
    sqlite_database: Database, tmp_path: Path, other: dict[str, str]
) -> None:
    registered(sqlite_database, "M-1")
    path = sheet(tmp_path, "M-1,03/04/2024,glucagon,118,pg/mL")
    first = run(sqlite_database, path, batch_id="march", date_order="dmy")
    assert first["stored"] == 1
    with pytest.raises(ImportRefused, match="with other options"):
        run(sqlite_database, path, batch_id="march", **other)
    assert run(sqlite_database, path, batch_id="march", date_order="dmy")["unchanged"] == 1


def test_a_batch_id_stands_for_one_content(sqlite_database: Database, tmp_path: Path) -> None:
    registered(sqlite_database, "M-1")
    first = sheet(tmp_path, "M-1,2024-03-10,glucagon,118,pg/mL")
    assert run(sqlite_database, first, batch_id="march")["batch"] == "march"
    assert run(sqlite_database, first, batch_id="march")["unchanged"] == 1
    with pytest.raises(ImportRefused, match="used for other content"):
        run(sqlite_database, sheet(tmp_path, "M-1,2024-03-11,glucagon,99,pg/mL"), batch_id="march")
    assert count(sqlite_database, Record) == 1


@pytest.mark.parametrize(
    "options",
    [{"team": "nobody"}, {"mrn": "nobody"}, {"zone": "Mars/Olympus"}, {"date_order": "ymd"}, {"format": "pdf"}],
)
def test_an_unusable_option_changes_nothing(options: dict[str, str], sqlite_database: Database, tmp_path: Path) -> None:
    registered(sqlite_database, "M-1")
    with pytest.raises(ImportRefused):
        run(sqlite_database, sheet(tmp_path, "M-1,2024-03-10,glucagon,118,pg/mL"), **options)
    assert (count(sqlite_database, Record), count(sqlite_database, Batch)) == (0, 0)


def test_a_folder_is_read_and_what_is_no_part_of_it_is_counted(sqlite_database: Database, tmp_path: Path) -> None:
    export = tmp_path / "export"
    (export / "a").mkdir(parents=True)
    bundle(export, glucagon(118, "2024-03-10"), name="a/results.json")
    bundle(export, PATIENT, name="z-patients.json")
    (export / "readme.md").write_text("hello")
    (export / "broken.json").write_text("{")
    summary = run(sqlite_database, export)
    assert (summary["files"], summary["stored"], summary["ignored_types"]) == (4, 2, {"file *.md": 1})
    assert [held["where"] for held in summary["quarantined"]] == ["broken.json"]


def test_new_patients_of_a_file_come_under_the_team_named(sqlite_database: Database, tmp_path: Path) -> None:
    with sqlite_database.write() as session:
        team = add_team(session, ACTOR, "NET", now=NOW).id
    run(sqlite_database, bundle(tmp_path, PATIENT, glucagon(118, "2024-03-10")), team="NET")
    nurse = Actor("nurse@x", "nurse", 1, frozenset({team}))
    with sqlite_database.read() as session:
        assert len(list_records(session, nurse, "M-1")) == 1


def test_a_held_item_is_kept_once_and_settled_when_it_can_be_read(database: Database, tmp_path: Path) -> None:
    path = sheet(tmp_path, "M-2,2024-03-10,glucagon,118,pg/mL", "M-2,2024-03-11,glucagon,118,pg/L")
    run(database, path)
    run(database, path)
    with database.read() as session:
        late, wrong = list_quarantined(session, ACTOR)
        raw = show_quarantined(session, ACTOR, late["id"])["raw"]
    assert raw == f"{HEADER}\nM-2,2024-03-10,glucagon,118,pg/mL\n"
    assert late["where"] == "labs.csv#line[2]" and late["suggestion"]
    assert len(retry_quarantined(database, ACTOR, late["id"], now=NOW).quarantined) == 1
    registered(database, "M-2")
    assert retry_quarantined(database, ACTOR, late["id"], now=NOW).stored == 1
    assert len(retry_quarantined(database, ACTOR, wrong["id"], now=NOW).quarantined) == 1
    with database.write() as session:
        discard_quarantined(session, ACTOR, wrong["id"], now=NOW)
    with database.read() as session:
        assert list_quarantined(session, ACTOR) == []
    with pytest.raises(AlreadyClosed):
        retry_quarantined(database, ACTOR, late["id"], now=NOW)


def test_a_held_resource_can_be_given_to_a_patient_chosen_by_a_person(
    sqlite_database: Database, tmp_path: Path
) -> None:
    registered(sqlite_database, "M-1")
    run(sqlite_database, bundle(tmp_path, glucagon(118, "2024-03-10")))
    with sqlite_database.read() as session:
        (held,) = list_quarantined(session, ACTOR)
    assert retry_quarantined(sqlite_database, ACTOR, held["id"], now=NOW, mrn="M-1").stored == 1


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_held_row_of_a_sheet_is_given_to_the_patient_a_person_chose(
    delimiter: str, sqlite_database: Database, tmp_path: Path
) -> None:
    registered(sqlite_database, "M-1", "M-2")
    header, row = (text.replace(",", delimiter) for text in (HEADER, "X-9,2024-03-10,glucagon,118,pg/mL"))
    run(sqlite_database, sheet(tmp_path, row, header=header))
    with sqlite_database.read() as session:
        (held,) = list_quarantined(session, ACTOR)
    assert retry_quarantined(sqlite_database, ACTOR, held["id"], now=NOW).quarantined
    assert retry_quarantined(sqlite_database, ACTOR, held["id"], now=NOW, mrn="M-2").stored == 1
    with sqlite_database.read() as session:
        (given,) = list_records(session, ACTOR, "M-2")
        assert list_records(session, ACTOR, "M-1") == []
        settled = session.scalars(select(Audit).where(Audit.action == "quarantine.settled")).one()
        assert "X-9" in show_quarantined(session, ACTOR, held["id"])["raw"]
        chosen = session.scalars(select(Patient.uuid).where(Patient.mrn == "M-2")).one()
    assert str(given["value"]) == "118" and given["source"]["where"].startswith("labs.csv#line[2]")
    assert settled.patient_uuid == chosen


def test_a_row_is_not_given_to_a_patient_nobody_knows_or_the_person_does_not_see(
    sqlite_database: Database, tmp_path: Path
) -> None:
    with sqlite_database.write() as session:
        team = add_team(session, ACTOR, "NET", now=NOW).id
    registered(sqlite_database, "M-1")
    run(sqlite_database, sheet(tmp_path, "X-9,2024-03-10,glucagon,118,pg/mL"), team="NET")
    nurse = Actor("nurse@x", "nurse", 1, frozenset({team}))
    for mrn in ("M-1", "M-404"):
        with pytest.raises(ImportRefused, match=f"patient '{mrn}' is not known"):
            retry_quarantined(sqlite_database, nurse, 1, now=NOW, mrn=mrn)
    assert count(sqlite_database, Record) == 0


def test_what_an_admin_reads_again_stands_under_their_name_and_role(sqlite_database: Database, tmp_path: Path) -> None:
    with sqlite_database.write() as session:
        add_team(session, ACTOR, "NET", now=NOW)
    run(sqlite_database, bundle(tmp_path, PATIENT | {"birthDate": "1960-02-30"}, glucagon(118, "2024-03-10")))
    with sqlite_database.write() as session:
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=["NET"], now=NOW)
        items = [item["id"] for item in list_quarantined(session, ACTOR)]
        before = session.scalar(select(func.max(Audit.seq))) or 0
    admin = Actor("admin@x", "admin", 2)
    assert retry_quarantined(sqlite_database, admin, items[1], now=NOW, mrn="M-1").stored == 1
    with sqlite_database.read() as session:
        after = session.execute(select(Audit.actor, Audit.role, Audit.action).where(Audit.seq > before)).all()
        with pytest.raises(NotFound):
            list_records(session, admin, "M-1")
    assert {(row.actor, row.role) for row in after} == {("admin@x", "admin")}
    assert {"record.store", "import", "quarantine.settled"} <= {row.action for row in after}


def test_a_clinician_works_off_what_was_imported_for_their_team_or_patient(
    sqlite_database: Database, tmp_path: Path
) -> None:
    with sqlite_database.write() as session:
        team = add_team(session, ACTOR, "NET", now=NOW).id
        add_team(session, ACTOR, "OTHER", now=NOW)
        add_patient(session, ACTOR, mrn="M-1", name=None, birth_date=None, sex=None, teams=["NET"], now=NOW)
    wrong = "M-1,2024-03-10,glucagon,118,pg/L"
    run(sqlite_database, sheet(tmp_path, wrong), team="NET")
    run(sqlite_database, sheet(tmp_path, wrong.replace("118", "119")), team="OTHER")
    run(sqlite_database, sheet(tmp_path, wrong.replace("118", "120")), mrn="M-1")
    run(sqlite_database, sheet(tmp_path, wrong.replace("118", "121")))
    nurse, admin = Actor("nurse@x", "nurse", 1, frozenset({team})), Actor("admin@x", "admin", 2)
    with sqlite_database.write() as session:
        assert [item["id"] for item in list_quarantined(session, nurse)] == [1, 3]
        assert [item["id"] for item in list_quarantined(session, admin)] == [1, 2, 3, 4]
        assert held_counts(session, now=NOW + timedelta(hours=1)) == {"held": 4, "oldest_s": 3600}
        assert "120" in show_quarantined(session, nurse, 3)["raw"]
        with pytest.raises(NotFound):
            discard_quarantined(session, nurse, 2, now=NOW, reason="sent twice")
        discard_quarantined(session, nurse, 1, now=NOW, reason="sent twice")
    assert retry_quarantined(sqlite_database, admin, 2, now=NOW).quarantined[0].why.startswith("unit")


def test_people_reach_what_came_in_for_their_teams_and_an_admin_everything(
    sqlite_database: Database, tmp_path: Path
) -> None:
    with sqlite_database.write() as session:
        north = add_team(session, ACTOR, "North", now=NOW).id
        add_team(session, ACTOR, "South", now=NOW)
    for team in ("North", "South"):
        run(
            sqlite_database,
            bundle(tmp_path, glucagon(118, f"2024-03-10T0{team == 'North':d}:00:00Z"), name=f"{team}.json"),
            team=team,
        )
    nurse, admin = Actor("nurse@x", "nurse", 1, frozenset({north})), Actor("admin@x", "admin", 2)
    with sqlite_database.read() as session:
        everything = list_quarantined(session, admin)
        mine = list_quarantined(session, nurse)
        assert (len(everything), len(mine), count_quarantined(session, nurse)) == (2, 1, 1)
        (theirs,) = [item["id"] for item in everything if item["id"] != mine[0]["id"]]
        assert list_quarantined(session, Actor("none@x", "nurse", 3)) == []
        with pytest.raises(NotFound):
            show_quarantined(session, nurse, theirs)
        for role in ("auditor", "service"):
            with pytest.raises(Forbidden):
                list_quarantined(session, Actor("x@x", role, 4, frozenset({north})))
    with sqlite_database.write() as session, pytest.raises(BadInput, match="say why"):
        discard_quarantined(session, nurse, mine[0]["id"], now=NOW, reason=" ")
    with sqlite_database.write() as session:
        discard_quarantined(session, nurse, mine[0]["id"], now=NOW, reason="sent twice by mistake")
    with sqlite_database.read() as session:
        row = session.scalars(select(Audit).where(Audit.action == "quarantine.discarded")).one()
        assert row.actor == "nurse@x"
        assert session.get_one(AuditReason, row.seq).words == "sent twice by mistake"


IMPORTER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from data.db import open_database
from data.intake.batch import import_paths
from data.people import Actor
database = open_database(sys.argv[1], b"a key of the tests and of nothing else")
print("ready", flush=True)
import_paths(database, Actor.system("test"), [Path(sys.argv[2])], now=datetime(2026, 3, 2, 9, tzinfo=UTC), batch_id="b")
"""


def test_an_importer_killed_in_the_middle_is_run_again_and_ends_complete(
    sqlite_database: Database, tmp_path: Path
) -> None:
    registered(sqlite_database, "M-1")
    rows = [
        f"M-1,20{10 + n // 672:02d}-{n % 12 + 1:02d}-{n % 28 + 1:02d},glucagon,{100 + n},pg/mL" for n in range(6000)
    ]
    path = sheet(tmp_path, *rows)
    url = sqlite_database.engine.url.render_as_string()
    kills = 0
    for pause in (0.15, 0.3, 0.45):
        child = subprocess.Popen(
            [sys.executable, "-c", IMPORTER, url, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(pause)
        kills += child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    again = open_database(url, sqlite_database.audit_key)
    final = run(again, path, batch_id="b")
    assert final["stored"] + final["unchanged"] == 6000
    assert count(again, Record) == 6000
    with again.read() as session:
        assert verify(session).ok
    again.close()
    assert kills, "at least one importer was killed while it worked"
