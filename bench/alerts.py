"""From the commit of the data to the mail server's 250: ten thousand conditions at once, two hundred of them urgent.

    .venv/bin/python -m bench.alerts [sqlite|postgresql] [CONDITIONS]

Real processes as an operator starts them (`nadir scheduler`, `nadir sender`, NADIR_SWEEP_S=20) and a real mail server
on loopback. 10,000 patients have been judged and nothing is due; then one transaction gives 9,800 of them a risen
glucagon (high) and 200, spread at random, a QTc of 520 ms (urgent), at a random moment between two sweeps. The limit:
the 99th percentile of the 200 urgent mails within 60 s, and none of the others before the last urgent one that waits.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from msgspec.structs import replace
from sqlalchemy import func, select

from bench.intake_fhir import postgresql_server
from clinical.protocol import bundled_protocol
from data.db import Database, open_database
from data.intake.item import Item
from data.migrate import upgrade
from data.models import JobRun, Outbox, Patient
from data.outbox import mail_policy
from data.patients import add_patient
from data.people import Actor, add_person, add_team
from data.records import open_batch, store_chunk
from data.settings import Settings
from jobs.sweep import sweep

ACTOR = Actor.system("bench")
CONDITIONS, URGENT, SWEEP_S, LIMIT_S = 10_000, 200, 20, 60
AT_A_TIME = 500
LONGEST_S = 600
KEY = b"a key of the benchmark and of nothing else"


class MailServer:
    """Takes every mail and notes when, by Message-ID."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.taken: dict[str, float] = {}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.setdefault(str(message_from_bytes(envelope.content)["Message-ID"]), time.time())
        await asyncio.sleep(0)
        return "250 OK"


def admit(database: Database, conditions: int, now: datetime) -> list[int]:
    """The patients with what was known of them before, judged; their ids."""
    with database.write() as session:
        add_team(session, ACTOR, "NET clinic", now=now)
        for email, role in (("onc@clinic.example", "oncologist"), ("admin@clinic.example", "admin")):
            add_person(session, ACTOR, email=email, role=role, teams=["NET clinic"], now=now)
    for first in range(0, conditions, AT_A_TIME):
        with database.write() as session:
            for n in range(first, min(first + AT_A_TIME, conditions)):
                facts = {"mrn": f"P{n:05}", "name": None, "birth_date": None, "sex": None}
                add_patient(session, ACTOR, **facts, teams=["NET clinic"], now=now)
    with database.read() as session:
        ids = list(session.scalars(select(Patient.id).order_by(Patient.id)))
    for first in range(0, conditions, AT_A_TIME):
        some = ids[first : first + AT_A_TIME]
        items = [item for id in some for item in (resected(id, now), glucagon(id, "60", 200, now))]
        store(database, f"before-{first}", items, now)
    sweep(database, protocol=bundled_protocol(), mail=mail_policy(Settings(_env_file=None)), as_of=now, now=now)
    return ids


def store(database: Database, batch: str, items: list[Item], now: datetime) -> None:
    with database.write() as session:
        open_batch(session, ACTOR, batch_id=batch, format="bench", now=now)
        store_chunk(session, batch_id=batch, items=items, actor=ACTOR, now=now)


def at(patient_id: int, days_ago: int, now: datetime) -> Item:
    moment = now - timedelta(days=days_ago)
    return Item(
        patient_id=patient_id,
        kind="lab",
        effective_at=moment,
        effective_text=moment.isoformat(),
        precision="second",
        place="bench",
    )


def resected(patient_id: int, now: datetime) -> Item:
    return replace(at(patient_id, 400, now), kind="state", detail={"state": "ned-resected"})


def glucagon(patient_id: int, value: str, days_ago: int, now: datetime) -> Item:
    limits = {"ref_high": "150", "canonical_ref_high": 150.0, "lab": "Central", "method": "RIA", "fasting": True}
    number = {"value": value, "unit": "pg/mL", "canonical_value": float(value), "canonical_unit": "pg/mL"}
    return replace(at(patient_id, days_ago, now), analyte="glucagon", **number, **limits)


def qtc(patient_id: int, now: datetime) -> Item:
    number = {"value": "520", "unit": "ms", "canonical_value": 520.0, "canonical_unit": "ms"}
    return replace(at(patient_id, 0, now), analyte="qtc", **number)


@contextmanager
def processes(url: str, folder: Path, port: int) -> Iterator[None]:
    """A scheduler and a sender of this site."""
    key = folder / "audit.key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NADIR_")} | {
        "NADIR_DATABASE_URL": url,
        "NADIR_AUDIT_KEY_FILE": str(key),
        "NADIR_SMTP_PORT": str(port),
        "NADIR_SWEEP_S": str(SWEEP_S),
    }
    running = []
    for name in ("scheduler", "sender"):
        with (folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", "nadir", name]
            running.append(subprocess.Popen(command, cwd=folder, env=environment, stderr=log))
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def measured(url: str, folder: Path, conditions: int) -> dict[str, Any]:
    """One run: seconds from the commit to the 250 of each urgent mail, sorted, and what became of the rest."""
    database, server = open_database(url, KEY), MailServer()
    upgrade(database)
    chance, now = random.Random(7), datetime.now(UTC)
    ids = admit(database, conditions, now)
    with processes(url, folder, server.port):
        wait_for(lambda: sweeps(database) >= 1 and not under_way(database))
        time.sleep(chance.uniform(0, SWEEP_S))
        urgent = set(chance.sample(ids, URGENT))
        late = datetime.now(UTC)
        items = [qtc(id, late) if id in urgent else glucagon(id, "400", 2, late) for id in ids]
        store(database, "at-once", items, late)
        committed = time.time()
        wait_for(lambda: len(urgent_ids(database)) == URGENT)
        wait_for(lambda: urgent_ids(database) <= set(server.taken))
        of_urgent = urgent_ids(database)
        done = max(server.taken[id] for id in of_urgent)
        before = sum(taken < done for id, taken in server.taken.items() if id not in of_urgent)
        with database.read() as session:
            run = session.scalars(
                select(JobRun).where(JobRun.job == "sweep", JobRun.finished_at.is_not(None)).order_by(JobRun.id.desc())
            ).first()
    took = sorted(server.taken[id] - committed for id in of_urgent)
    server.close()
    database.close()
    return {"took": took, "others_before": before, "sweep": run}


def sweeps(database: Database) -> int:
    with database.read() as session:
        done = (JobRun.job == "sweep", JobRun.outcome == "done")
        return session.scalar(select(func.count()).select_from(JobRun).where(*done)) or 0


def under_way(database: Database) -> int:
    """The runs not finished yet: at a first start every daily job is made up for."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(JobRun).where(JobRun.finished_at.is_(None))) or 0


def urgent_ids(database: Database) -> set[str]:
    """The Message-IDs of the urgent mails."""
    with database.read() as session:
        return set(session.scalars(select(Outbox.message_id).where(Outbox.severity == "urgent")))


def wait_for(holds: Any) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("it took more than ten minutes: see the logs of scheduler and sender")
        time.sleep(0.25)


def main() -> None:
    """Print one line of the table for each database asked for."""
    wanted = [name for name in sys.argv[1:] if name.isalpha()] or ["sqlite", "postgresql"]
    conditions = next((int(text) for text in sys.argv[1:] if text.isdecimal()), CONDITIONS)
    print(
        "| database | conditions | urgent, median | p99 | the last | limit | other mails before the last urgent one |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="nadir-alerts-") as folder:
            if name == "sqlite":
                found = measured(f"sqlite:///{folder}/nadir.db", Path(folder), conditions)
            else:
                with postgresql_server() as url:
                    found = measured(url.render_as_string(hide_password=False), Path(folder), conditions)
        took = found["took"]
        p99 = statistics.quantiles(took, n=100, method="inclusive")[98]
        print(
            f"| {name} | {conditions:,} | {statistics.median(took):.1f} s | {p99:.1f} s | {took[-1]:.1f} s | "
            f"{LIMIT_S} s | {found['others_before']} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
