"""kill -9 the importer at any moment: whole chunks stand, nothing is lost and nothing doubled when it is run again."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data.audit import verify
from data.db import Database
from data.intake.chunks import CHUNK
from data.models import Batch, Ingest, Record
from data.patients import add_patient
from tests.faults.conftest import SYSTEM, Site

pytestmark = pytest.mark.alone

ROWS, IMPORTS = 10_000, 4


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_an_import_killed_at_twenty_moments_and_run_again_holds_every_result_once(
    site: Site, seed: int, now: datetime, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    first, between = unhurried(site, now, tmp_path)
    standing: list[int] = []
    for mrn in (f"M-{number}" for number in range(IMPORTS)):
        patient_id, command = ready(site.database, mrn, now, tmp_path)
        # One kill while nothing stands yet, then one after each chunk, the last when only the end is missing.
        for chunks in range(ROWS // CHUNK + 1):
            process = site.start(*command)
            await_rows(site.database, patient_id, chunks * CHUNK, process)
            time.sleep(chance.uniform(0.0, between if chunks else first))
            process.kill()
            process.wait()
            standing.append(stored(site.database, patient_id))
            assert_whole_chunks(site.database)
        assert ended(site.start(*command)) == 0, site.log("import")[-3000:]
        assert_each_once(site.database, patient_id, mrn)
    print(f"rows that stood after each kill: {standing}")
    assert len(standing) == 20
    assert len(set(standing) - {0, ROWS}) >= 2, "hardly a kill hit between two chunks: this run proved nothing"


def unhurried(site: Site, now: datetime, folder: Path) -> tuple[float, float]:
    """Seconds of a whole import until its first rows stand, and between the chunks after that."""
    patient_id, command = ready(site.database, "whole", now, folder)
    began = time.monotonic()
    process = site.start(*command)
    await_rows(site.database, patient_id, CHUNK, process)
    first = time.monotonic() - began
    await_rows(site.database, patient_id, ROWS, process)
    between = (time.monotonic() - began - first) / (ROWS // CHUNK - 1)
    assert ended(process) == 0
    assert_each_once(site.database, patient_id, "whole")
    return first, between


def ready(database: Database, mrn: str, now: datetime, folder: Path) -> tuple[int, tuple[str, ...]]:
    """The id of a new patient, and the command that imports `ROWS` results of theirs from NDJSON."""
    with database.write() as session:
        person = add_patient(session, SYSTEM, mrn=mrn, name=None, birth_date=None, sex=None, teams=(), now=now)
    path = folder / f"{mrn}.ndjson"
    with path.open("w", encoding="utf-8") as lines:
        for number in range(ROWS):
            lines.write(json.dumps(glucagon(f"{mrn}-{number}", number, now - timedelta(hours=number + 1))) + "\n")
    return person.id, ("import", str(path), "--patient", mrn, "--batch-id", mrn)


def glucagon(id: str, number: int, at: datetime) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2338-2"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": at.astimezone(UTC).isoformat(),
        "valueQuantity": {"value": 100 + number % 50, "unit": "pg/mL", "code": "pg/mL"},
    }


def await_rows(database: Database, patient_id: int, rows: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many rows of the patient stand, or the process has ended."""
    while stored(database, patient_id) < rows and process.poll() is None:
        time.sleep(0.02)


def assert_whole_chunks(database: Database) -> None:
    """Every chunk that took an ingest number stands with all its rows, and the audit chain with them."""
    with database.read() as session:
        chunks = session.execute(
            select(Record.ingest_seq, func.count()).group_by(Record.ingest_seq).order_by(Record.ingest_seq)
        ).all()
        numbers = session.scalars(select(Ingest.seq).order_by(Ingest.seq)).all()
        audit = verify(session)
    assert [seq for seq, _ in chunks] == list(numbers)
    assert all(rows == CHUNK for _, rows in chunks), chunks
    assert audit.ok, audit.why


def assert_each_once(database: Database, patient_id: int, mrn: str) -> None:
    """The patient has exactly the rows of the file, all of them current, and the batch is finished."""
    with database.read() as session:
        mine = Record.patient_id == patient_id
        ids = Counter(session.scalars(select(Record.source_id).where(mine)))
        assert session.scalar(select(func.count()).where(mine, Record.superseded_by.is_not(None))) == 0
        assert session.get_one(Batch, mrn).finished_at is not None
    assert ids == {f"Observation/{mrn}-{number}": 1 for number in range(ROWS)}
    assert_whole_chunks(database)


def stored(database: Database, patient_id: int) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Record).where(Record.patient_id == patient_id)) or 0


def ended(process: subprocess.Popen[bytes]) -> int:
    return process.wait(timeout=300)
