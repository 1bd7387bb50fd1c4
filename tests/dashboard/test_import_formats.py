"""What a clinic hands over on the import page: every kind of file is told, previewed, stored and shown."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from dashboard.pages import import_job, imports
from data.intake.import_child import work
from data.intake.import_jobs import ask_import, ask_preview, next_task
from data.intake.uploads import upload_folder
from data.models import ImportJob, Patient, PatientTeam, Person, Record, Team
from data.patients import add_patient
from data.people import Actor, person_actor
from data.readings import load_days
from data.settings import Settings
from tests.dashboard.conftest import Web
from tests.dashboard.imports import job, kept_files, sent
from tests.data.bundles import bundle, glucose, patient
from tests.data.damage import CLARITY, LIBRE
from tests.data.reports import LONG, dataset, group, number

ONC = "onc@north.example"
SYSTEM = Actor.system("test")
NIGHTSCOUT = json.dumps([{"type": "sgv", "sgv": 120 + n, "date": 1705600000000 + n * 300_000} for n in range(2)])
TIDEPOOL = json.dumps(
    [
        {"type": "cbg", "time": f"2024-01-18T18:{n:02}:00Z", "deviceId": "Dex", "units": "mmol/L", "value": 6.1}
        for n in (0, 5)
    ]
)
HL7 = (
    "MSH|^~\\&|LIS|LAB|NADIR|CLINIC|20250610083000+0200||ORU^R01^ORU_R01|{id}|P|2.5.1\r"
    "PID|1||H9^^^HOSP^MR||Muster^Erika||19700101|F\rOBR|1||{id}^LIS|82943^Panel^L|||20250610073000+0200\r"
    "OBX|1|NM|2338-2^Glucagon^LN||812|pg/mL|0-159|H|||F|||20250610073000+0200\r"
)


@pytest.fixture
def web_settings(web_settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose database is the clinic's, so that uploads lie beside it."""
    return web_settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/clinic.db"})


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled(imports, import_job)


def workbook(text: str) -> bytes:
    book, target = Workbook(), io.BytesIO()
    assert book.active is not None
    for line in text.splitlines():
        book.active.append(line.split(","))
    book.save(target)
    return target.getvalue()


def report() -> bytes:
    target = io.BytesIO()
    made = dataset(group(number(LONG, "21")), PatientID="D9", IssuerOfPatientID="HOSP")
    made.save_as(target, enforce_file_format=True)
    return target.getvalue()


FHIR = json.dumps(bundle(patient("F9", birthDate="1960-01-01"), glucose(101)))
LINES = "\n".join(json.dumps(entry["resource"]) for entry in json.loads(FHIR)["entry"])


def step(web: Web, id: str, what: Callable[..., None], **how: Any) -> ImportJob:
    """Ask for a step as the page does and do the work of its process here."""
    now = datetime.now(UTC)
    with web.database.write() as session:
        actor = person_actor(session, session.scalars(select(Person).where(Person.email == ONC)).one())
        what(session, actor, id, now=now, **how)
        task = next_task(session, now)
    assert task is not None
    work(web.database, upload_folder(web.settings), task)
    return job(web, id)


def taken(web: Web, content: bytes, name: str, **options: str) -> ImportJob:
    """Upload, preview and import; what was previewed is what was stored."""
    id = sent(web.client(ONC), content, name)
    previewed = step(web, id, ask_preview, options={"team": "North"} | options)
    assert previewed.state == "previewed", previewed.why
    assert previewed.preview is not None
    with web.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 0
    imported = step(web, id, ask_import)
    assert imported.state == "imported" and imported.summary is not None, imported.why
    for part in ("format", "read", "stored", "unchanged", "superseded", "ignored", "held"):
        assert imported.summary[part] == previewed.preview[part]
    assert kept_files(web) == []
    return imported


@pytest.mark.parametrize(
    ("content", "name", "format", "mrn"),
    [
        (FHIR.encode(), "labs.json", "fhir-r4", "F9"),
        (gzip.compress(LINES.encode()), "labs.ndjson.gz", "fhir-r4", "F9"),
        (HL7.format(id="A-1").encode(), "results.hl7", "hl7v2", "H9"),
        (b"\x0b" + HL7.format(id="A-1").encode() + b"\x1c\r", "capture", "hl7v2", "H9"),
        (report(), "IM0001", "dicom-sr", "D9"),
    ],
    ids=["bundle", "ndjson-gz", "hl7", "mllp", "dicom"],
)
def test_a_file_that_brings_its_patient_is_stored_under_a_patient_of_the_team(
    web: Web, content: bytes, name: str, format: str, mrn: str
) -> None:
    summary = taken(web, content, name).summary
    assert summary is not None
    assert (summary["format"], summary["held"], summary["new_patients"]) == (format, 0, 1)
    with web.database.read() as session:
        (found,) = session.scalars(select(Patient.mrn).join(Record, Record.patient_id == Patient.id))
        assert found == mrn
        (team,) = session.scalars(
            select(Team.name)
            .join(PatientTeam, PatientTeam.team_id == Team.id)
            .join(Patient, Patient.id == PatientTeam.patient_id)
            .where(Patient.mrn == mrn)
        )
        assert team == "North"
    page = web.call(web.client(ONC), "import-report.children", 1, 1, job_id(web), "").text
    assert mrn in page and "Imported. Batch" in page


@pytest.mark.parametrize(
    ("content", "name", "format"),
    [
        (CLARITY.encode(), "clarity.csv", "dexcom-clarity"),
        (workbook(CLARITY), "clarity.xlsx", "dexcom-clarity"),
        (LIBRE.encode("utf-16"), "libre.csv", "libreview"),
        (NIGHTSCOUT.encode(), "entries.json", "nightscout"),
        (gzip.compress(TIDEPOOL.encode()), "tidepool.json.gz", "tidepool"),
    ],
    ids=["clarity", "workbook", "libreview", "nightscout", "tidepool"],
)
def test_a_sensor_export_is_stored_for_the_patient_who_was_named(
    web: Web, content: bytes, name: str, format: str
) -> None:
    summary = taken(web, content, name, mrn="N1", zone="Europe/Berlin").summary
    assert summary is not None
    assert (summary["format"], summary["stored"], summary["held"]) == (format, 2, 0)
    with web.database.read() as session:
        days = load_days(session, SYSTEM, "N1", date(2024, 1, 1), date(2024, 2, 1))
    assert sum(len(day.seconds) for day in days) == 2
    page = web.call(web.client(ONC), "import-report.children", 1, 1, job_id(web), "").text
    assert "CNRY-N1-name" in page


@pytest.mark.parametrize(
    ("content", "options", "why"),
    [
        (CLARITY, {"zone": "Europe/Berlin"}, "names no patient"),
        (CLARITY, {"mrn": "N1"}, "has times without a zone"),
        (CLARITY, {"mrn": "S1", "zone": "Europe/Berlin"}, "'S1' is not known"),
        (
            CLARITY.replace("EGV", "VGE").replace("Event Type", "Type"),
            {"mrn": "N1", "zone": "UTC"},
            "no row of type EGV",
        ),
        (LIBRE.replace("13-01", "02-01"), {"mrn": "N1", "zone": "Europe/Berlin"}, "--date-order"),
    ],
)
def test_a_sensor_export_that_cannot_be_placed_is_refused_with_what_to_do(
    web: Web, content: str, options: dict[str, str], why: str
) -> None:
    id = sent(web.client(ONC), content.encode(), "export.csv")
    found = step(web, id, ask_preview, options={"team": "North"} | options)
    assert found.state == "refused" and why in (found.why or ""), found.why
    assert "Nothing was stored" in web.call(web.client(ONC), "import-report.children", 1, 1, id, "").text


def test_a_result_of_a_known_patient_and_one_that_is_somebody_else_part_in_one_file(web: Web) -> None:
    with web.database.write() as session:
        born = date(1970, 1, 1)
        add_patient(
            session, SYSTEM, mrn="H9", name=None, birth_date=born, sex=None, teams=["North"], now=datetime.now(UTC)
        )
    other = HL7.format(id="A-2").replace("19700101", "19750505")
    summary = taken(web, (HL7.format(id="A-1") + other).encode(), "results.hl7").summary
    assert summary is not None
    assert summary["stored"] == 1
    assert {one["where"] for one in summary["held_first"]} == {
        "results.hl7#message[2].PID",
        "results.hl7#message[2].OBX[1]",
    }


def job_id(web: Web) -> str:
    with web.database.read() as session:
        return session.scalars(select(ImportJob.id)).one()
