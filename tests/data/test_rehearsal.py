"""A dry run on PostgreSQL keeps nobody waiting and says what the import then does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from clinical.protocol import load_protocol
from data.audit import verify
from data.db import Database, open_database
from data.intake.batch import import_paths, import_sources
from data.intake.source import gather
from data.intake.watch import Seen
from data.merges import merge_patients
from data.models import Base, Patient, Record
from data.patients import add_patient
from data.people import Actor
from jobs.sweep import sweep
from tests.data.ward import POLICY

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
HEAD = "mrn,when,analyte,value,unit,id,status\n"
SENSOR = (
    "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,Patient Info,Device Info,Source Device ID,"
    "Glucose Value (mg/dL),Insulin Value (u),Carb Value (grams),Duration (hh:mm:ss),"
    "Glucose Rate of Change (mg/dL/min),Transmitter Time (Long Integer),Transmitter ID\n"
)


@pytest.fixture
def known(postgresql_database: Database) -> Database:
    """Two patients, one merged into the other, with a result each."""
    with postgresql_database.write() as session:
        for mrn in ("A", "B", "OLD"):
            add_patient(session, ACTOR, mrn=mrn, name=None, birth_date=None, sex=None, teams=(), now=NOW)
        merge_patients(session, ACTOR, merged="OLD", into="A", reason="one person", now=NOW)
    return postgresql_database


def sheet(folder: Path, *rows: str, name: str = "labs.csv") -> Path:
    path = folder / name
    path.write_text(HEAD + "\n".join(rows) + "\n")
    return path


def run(database: Database, path: Path, **options: Any) -> dict[str, Any]:
    summary = import_paths(database, ACTOR, [path], now=NOW, **options).as_json()
    return {name: value for name, value in summary.items() if name != "batch"}


def everything(database: Database) -> dict[str, list[Any]]:
    with database.read() as session:
        tables = {t.name: sorted(map(tuple, session.execute(select(t))), key=repr) for t in Base.metadata.sorted_tables}
        assert verify(session).ok
    return tables


def test_while_a_preview_goes_on_others_import_the_same_rows_merge_and_sweep(known: Database, tmp_path: Path) -> None:
    path = sheet(tmp_path, *(f"{mrn},2024-03-{n:02},zinc,{60 + n},ug/dL,," for mrn in "AB" for n in range(1, 9)))
    run(known, sheet(tmp_path, "A,2024-03-01,zinc,61,ug/dL,,", name="first.csv"))
    url = known.engine.url.update_query_dict({"options": "-c lock_timeout=2000"})
    other = open_database(url.render_as_string(hide_password=False), known.audit_key)
    met: list[int] = []

    def meanwhile(seen: Sequence[Seen], _summary: object) -> None:
        if not seen:
            return
        summary = import_paths(other, ACTOR, [path], now=NOW).as_json()
        met.append(summary["stored"])
        with other.write() as session:
            add_patient(session, ACTOR, mrn="C", name=None, birth_date=None, sex=None, teams=(), now=NOW)
            merge_patients(session, ACTOR, merged="B", into="A", reason="one person too", now=NOW)
        sweep(other, protocol=load_protocol(None, jurisdiction="EU"), mail=POLICY, as_of=NOW, now=NOW)

    preview = import_sources(known, ACTOR, gather([path], None), now=NOW, watch=meanwhile, dry_run=True)
    assert met == [15]
    assert (preview.stored, preview.unchanged) == (15, 1)
    with known.read() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 16
        assert session.scalar(select(func.count()).select_from(Patient)) == 4
        assert verify(session).ok
    other.close()


def fhir(folder: Path) -> Path:
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "n", "identifier": [{"value": "NEW"}], "birthDate": "1960-01-02"},
        {"resourceType": "Patient", "id": "a", "identifier": [{"value": "A"}], "birthDate": "1950-01-02"},
    ]
    for patient, value, unit in (("n", 80, "ug/dL"), ("a", 90, "ug/dL"), ("a", 90, "pg/L"), ("n", 80, "ug/dL")):
        coding = [{"system": "urn:nadir:analyte", "code": "zinc"}]
        resources.append(
            {
                "resourceType": "Observation",
                "id": f"{patient}{value}{unit[:2]}",
                "status": "final",
                "code": {"coding": coding},
                "subject": {"reference": f"Patient/{patient}"},
                "effectiveDateTime": "2024-03-01",
                "valueQuantity": {"value": value, "unit": unit},
            }
        )
    path = folder / "bundle.ndjson"
    path.write_text("\n".join(map(json.dumps, resources)))
    return path


def hl7(folder: Path) -> Path:
    head = "MSH|^~\\&|LAB|H|N|N|20250501||{}|{}|P|2.5"
    results = (
        "PID|||A",
        "OBR|1||F1|ZN^Zinc^L|||20240301",
        "OBX|1|NM|5763-8^Zinc^LN||80|ug/dL|||||F|||20240301",
        "OBX|2|NM|5763-8^Zinc^LN||x|ug/dL|||||F|||20240301",
    )
    path = folder / "feed.hl7"
    merged = "\r".join((head.format("ADT^A40", 2), "EVN|A40|20250501", "PID|||B", "MRG|A"))
    path.write_text("\r".join((head.format("ORU^R01", 1), *results)) + "\r" + merged + "\r")
    return path


def sensor(folder: Path) -> Path:
    path = folder / "clarity.csv"
    rows = (f"{n},2024-03-0{1 + n // 3}T08:{n:02}:00,EGV,,,,X,{100 + n},,,,,{n},T" for n in range(1, 7))
    path.write_text(SENSOR + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("make", [fhir, hl7, sensor], ids=["fhir", "hl7", "sensor"])
def test_a_preview_of_any_format_says_what_the_import_does_and_keeps_nothing(
    known: Database, tmp_path: Path, make: Any
) -> None:
    path = make(tmp_path)
    options = {"mrn": "OLD", "zone": "UTC"} if make is sensor else {}
    before = everything(known)
    rehearsed = run(known, path, dry_run=True, **options)
    assert everything(known) == before
    assert run(known, path, **options) == rehearsed
    assert rehearsed["stored"] > 0
    again = run(known, path, dry_run=True, **options)
    assert again == run(known, path, **options)
    assert again["stored"] == 0


def test_what_corrects_repeats_or_retracts_within_a_file_or_of_what_is_stored_is_said_alike(
    known: Database, tmp_path: Path
) -> None:
    run(known, sheet(tmp_path, "A,2024-03-01,zinc,80,ug/dL,r1,", "OLD,2024-03-02,zinc,81,ug/dL,,", name="first.csv"))
    path = sheet(
        tmp_path,
        "A,2024-03-01,zinc,90,ug/dL,r1,corrected",
        "A,2024-03-02,zinc,81,ug/dL,,",
        "A,2024-03-03,zinc,82,ug/dL,r2,",
        "A,2024-03-03,zinc,83,ug/dL,r2,corrected",
        "A,2024-03-03,zinc,82,ug/dL,r2,",
        "OLD,2024-03-03,zinc,83,ug/dL,r2,entered-in-error",
    )
    before = everything(known)
    rehearsed = run(known, path, dry_run=True)
    assert everything(known) == before
    assert run(known, path) == rehearsed
    assert (rehearsed["superseded"], rehearsed["unchanged"]) >= (2, 1)


def test_the_server_itself_refuses_what_would_touch_a_real_row(known: Database, tmp_path: Path) -> None:
    path = sheet(tmp_path, "A,2024-03-01,zinc,80,ug/dL,,")

    def reach_out(_seen: object, _summary: object) -> None:
        with known.read() as session:
            locks = session.execute(
                text(
                    "SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
                    "WHERE c.relpersistence = 'p' AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace "
                    "AND l.pid <> pg_backend_pid()"
                )
            ).all()
            advisory = session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
        assert {mode for _, mode in locks} == {"AccessShareLock"}
        assert advisory == 0

    import_sources(known, ACTOR, gather([path], None), now=NOW, watch=reach_out, dry_run=True)
