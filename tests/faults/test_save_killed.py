"""kill -9 the web workers at twenty moments around a save: "saved" was answered only for what is there, and once."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from sqlalchemy import select

from data.audit import verify
from data.db import Database
from data.models import EntrySave, Patient, Record
from data.patients import add_patient
from data.people import add_person, add_team, redeem
from tests.faults.conftest import SYSTEM, wait_until
from tests.jobs.mllp_sender import free_port

EMAIL, PASSWORD = "nurse@north.example", "blue kettle, quiet harbour"
KILLS = 20

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@dataclass
class Web:
    """`nadir serve`, and a nurse signed in to it."""

    process: subprocess.Popen[bytes]
    port: int
    cookie: str = ""

    def ask(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Cookie": self.cookie, **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def up(self) -> bool:
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def sign_in(self) -> None:
        body = urlencode({"email": EMAIL, "password": PASSWORD}).encode()
        code, headers, _ = self.ask("POST", "/login", body, **{"Content-Type": "application/x-www-form-urlencoded"})
        assert code == 303
        self.cookie = headers["Set-Cookie"].split(";")[0]

    def save(self, mrn: str, sent: dict[str, Any]) -> dict[str, Any] | None:
        """What a save was answered with; None where the connection ended without an answer."""
        body = json.dumps(sent).encode()
        try:
            _, _, answer = self.ask("POST", f"/p/{mrn}/entry/visit", body, **{"Content-Type": "application/json"})
            told: dict[str, Any] = json.loads(answer)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        return told

    def workers(self) -> list[int]:
        """The processes that answer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in children.split()]

    def kill_workers(self) -> None:
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def patients(database: Database) -> list[tuple[str, str]]:
    """Number and uuid of a patient for each kill and one to measure with; a nurse of their team."""
    now = datetime.now(UTC)
    with database.write() as session:
        add_team(session, SYSTEM, "North", now=now)
        token = add_person(session, SYSTEM, email=EMAIL, role="nurse", teams=["North"], now=now)
        redeem(session, token, PASSWORD, now)
        made = [
            add_patient(session, SYSTEM, mrn=f"P{n}", name=None, birth_date=None, sex=None, teams=["North"], now=now)
            for n in range(KILLS + 1)
        ]
        return [(patient.mrn, patient.uuid) for patient in made]


@pytest.fixture
def web(database: Database, audit_key: bytes, tmp_path: Path, patients: list[tuple[str, str]]) -> Iterator[Web]:
    key, port = tmp_path / "audit.key", free_port()
    key.write_bytes(audit_key)
    key.chmod(0o600)
    settings = {
        "NADIR_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
        "NADIR_AUDIT_KEY_FILE": str(key),
        "NADIR_SECRET_KEY_FILE": str(key),
        "NADIR_BASE_URL": f"http://127.0.0.1:{port}",
        "NADIR_ENVIRONMENT": "test",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NADIR_")} | settings
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nadir", "serve", "--port", str(port)],
            cwd=tmp_path,
            env=environment,
            stderr=log,
            start_new_session=True,
        )
    made = Web(process, port)
    assert wait_until(made.up, 60), (tmp_path / "serve.log").read_text(encoding="utf-8")[-3000:]
    made.sign_in()
    yield made
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def visit(uuid: str) -> dict[str, Any]:
    """A visit of four records."""
    said = {"when": datetime.now(UTC).strftime("%Y-%m-%dT00:00"), "weight": "61", "heart-rate": "70"}
    said |= {"symptom.fever": "no", "skin.iga": "1"}
    return {"patient": uuid, "key": uuid4().hex, "version": 0, "said": said, "confirmed": [], "wristband": ""}


def standing(database: Database, mrn: str) -> tuple[int, int]:
    """How many saves and how many records of the patient stand."""
    with database.read() as session:
        own = select(Patient.id).where(Patient.mrn == mrn).scalar_subquery()
        saves = session.scalars(select(EntrySave).where(EntrySave.patient_id == own)).all()
        records = session.scalars(select(Record).where(Record.patient_id == own)).all()
        assert len(records) == sum(save.stored for save in saves), "a save stands in part"
        return len(saves), len(records)


def test_saved_is_answered_only_for_what_is_there_whenever_the_workers_are_killed(
    web: Web, database: Database, patients: list[tuple[str, str]], seed: int
) -> None:
    chance = random.Random(seed)
    began = time.monotonic()
    first = web.save(patients[0][0], visit(patients[0][1]))
    usual = time.monotonic() - began
    assert first is not None and first["outcome"] == "saved" and standing(database, patients[0][0]) == (1, 4)
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(1) as browser:
        for mrn, uuid in patients[1:]:
            assert wait_until(web.up, 60)
            sent = visit(uuid)
            answered = browser.submit(web.save, mrn, sent)
            time.sleep(chance.uniform(0.0, 1.3 * usual))
            web.kill_workers()
            told = answered.result(timeout=60)
            saves, _ = standing(database, mrn)
            if told is not None:
                assert told["outcome"] == "saved" and saves == 1, told
            seen["answered" if told else "stored, no answer" if saves else "nothing stored"] += 1
            # The browser sends the same save again until it is answered: it is stored once.
            assert wait_until(web.up, 60)
            again = web.save(mrn, sent)
            assert again is not None and again["outcome"] == "saved" and again["again"] is (saves == 1)
            assert standing(database, mrn) == (1, 4)
    print(f"a save takes {usual:.2f} s; of {KILLS} kills: {dict(seen)}")
    assert len(seen) > 1, "every kill came at the same stage: this run proved little"
    with database.read() as session:
        assert verify(session).ok
