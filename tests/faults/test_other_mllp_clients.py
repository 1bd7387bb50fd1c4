"""HL7 clients of other makers, as they are published, send a thousand results and get a thousand right answers.

They come from npm at the versions and hashes of `other_clients/package-lock.json`, each time anew.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from data.audit import verify
from data.db import Database
from data.models import Hl7Message, Record
from data.patients import add_patient
from data.people import Actor
from tests.jobs.mllp_sender import receiving

MESSAGES = 1_000
SCRIPTS = Path(__file__).parent / "other_clients"

pytestmark = [pytest.mark.alone, pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the clients and the script that sends with them."""
    folder = tmp_path_factory.mktemp("clients")
    for file in SCRIPTS.iterdir():
        shutil.copy(file, folder)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(npm, cwd=folder, check=True, capture_output=True, timeout=300)
    yield folder


@pytest.mark.parametrize("client", ["simple-hl7", "node-hl7-client"])
def test_a_thousand_results_of_a_client_of_another_maker_get_a_thousand_right_answers(
    client: str, clients: Path, database: Database
) -> None:
    now = datetime.now(UTC)
    with database.write() as session:
        born = date(1970, 1, 1)
        add_patient(session, Actor.system("test"), mrn="M-1", name=None, birth_date=born, sex=None, teams=[], now=now)
    with receiving(database) as port:
        command = ["node", "send.js", client, str(port), str(MESSAGES)]
        sent = subprocess.run(command, cwd=clients, capture_output=True, text=True, timeout=500)
    assert sent.returncode == 0, sent.stderr
    assert [json.loads(line) for line in sent.stdout.splitlines()] == [
        [f"A-{n}", "AA", f"A-{n}"] for n in range(MESSAGES)
    ]
    with database.read() as session:
        kept = Counter(session.scalars(select(Hl7Message.control_id)))
        stored = session.execute(select(Record.specimen, Record.analyte, Record.value, Record.unit)).all()
        assert verify(session).ok
    assert kept == Counter(f"A-{n}" for n in range(MESSAGES))
    assert Counter(row.specimen for row in stored) == Counter(f"F-A-{n}" for n in range(MESSAGES))
    assert {(row.analyte, str(row.value), row.unit) for row in stored} == {("glucagon", "812", "pg/mL")}
