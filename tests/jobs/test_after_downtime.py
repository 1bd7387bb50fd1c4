"""A day and more in which nothing ran: each condition is alerted once and late, and each person has one mail of it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from clinical.protocol import bundled_protocol
from data.db import Database
from data.downtime import WORTH_TELLING
from data.intake.batch import import_paths
from data.job_runs import Runner
from data.models import Digest, Flag, Gap, Outbox, Patient, Person
from data.settings import Settings
from jobs.runs import Lead, jobs_status, run_owed
from jobs.schedule import schedule
from jobs.sender import Sender
from jobs.work import work_of
from tests.faults.conftest import SYSTEM, Cohort
from tests.jobs.conftest import Clinic
from tests.mail_server import MailServer

STOPPED = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
"""A Tuesday, 11:00 in Berlin; the digest of Wednesday is due while nothing runs."""


class Running:
    """The jobs of a site, asked as its scheduler would, at the moments the test sets."""

    def __init__(self, database: Database, settings: Settings, now: datetime) -> None:
        self.database = database
        self.settings = settings
        self.now = now
        self.jobs = schedule(settings)
        self._lead = Lead(Runner("test", 1), lambda _session: None, lambda: self.now)
        protocol, clock = bundled_protocol(), self._lead.clock
        self._works = {j.name: work_of(j, database, settings, protocol, moment=clock, clock=clock) for j in self.jobs}

    def ask(self, *names: str) -> None:
        """Let each of these jobs do the run it owes."""
        for job in self.jobs:
            if job.name in names:
                run_owed(self.database, job, self._works[job.name], self._lead)


@pytest.fixture
def running(database: Database, settings: Settings) -> Running:
    return Running(database, settings, STOPPED)


def results(folder: Path, mrns: list[str], at: datetime) -> Path:
    """A file of HL7 results: a glucagon high above the limit and a weight for each patient."""
    messages = []
    for number, mrn in enumerate(mrns):
        for part, (code, value, unit, usual) in enumerate(
            (("2338-2^Glucagon^LN", "400", "pg/mL", "0-150"), ("29463-7^Weight^LN", "70", "kg", ""))
        ):
            stamp = f"{at:%Y%m%d%H%M%S}+0000"
            messages.append(
                f"MSH|^~\\&|LIS|LAB|NADIR|CLINIC|{stamp}||ORU^R01^ORU_R01|{number}-{part}|P|2.5.1\r"
                f"PID|1||{mrn}^^^HOSP^MR||Muster^Erika||19700101\rOBR|1||{number}-{part}^LIS|{code}|||{stamp}\r"
                f"OBX|1|NM|{code}||{value}|{unit}|{usual}||||F|||{stamp}\r"
            )
    path = folder / "results.hl7"
    path.write_text("".join(messages))
    return path


@pytest.mark.parametrize("patients", [10, pytest.param(100, marks=pytest.mark.faults)])
def test_results_that_came_in_over_26_hours_are_each_alerted_once_and_late(
    running: Running, mail_server: MailServer, tmp_path: Path, patients: int
) -> None:
    """With 100 patients they are 200 results."""
    database = running.database
    cohort = Cohort(database, patients, STOPPED)
    with database.write() as session:
        session.execute(update(Patient).values(name="Muster, Erika", birth_date=date(1970, 1, 1)))
    running.ask("sweep", "digest")
    came = STOPPED + timedelta(hours=20)
    with database.read() as session:
        before = session.scalar(select(func.count()).where(Outbox.flag_id.is_not(None)))
    summary = import_paths(database, SYSTEM, [results(tmp_path, sorted(cohort.mrns()), came)], now=came)
    assert summary.as_json()["stored"] == 2 * patients, summary.quarantined[:2]
    running.now = back = STOPPED + timedelta(hours=26)
    for _ in range(3):
        running.ask("sweep", "digest", "full-sweep")
    with database.read() as session:
        rises = Counter(session.scalars(select(Flag.patient_id).where(Flag.rule == "R03")))
        flags = {flag.id: flag for flag in session.scalars(select(Flag))}
        told = session.scalars(select(Outbox).where(Outbox.kind == "immediate")).all()
        owed = session.scalars(select(Outbox).where(Outbox.kind == "digest", Outbox.flag_id.is_(None))).all()
        [gap] = session.scalars(select(Gap))
        status = jobs_status(session, running.jobs, now=back)
        oncologist = session.scalars(select(Person.id).where(Person.role == "oncologist")).one()
        dates = session.scalars(select(Digest.local_date)).all()
    assert set(rises.values()) == {1}
    assert len(rises) == patients
    assert set(Counter((mail.flag_id, mail.recipient_id) for mail in told).values()) == {1}
    assert (gap.from_at, gap.to_at) == (STOPPED, back)
    assert status["gaps"] == [{"from": "2026-03-03T10:00:00Z", "to": "2026-03-04T12:00:00Z"}]
    assert [mail.recipient_id for mail in owed] == [oncologist], "one mail for the gap, and no digest beside it"
    assert [day.isoformat() for day in dates] == ["2026-03-04"]
    content = json.loads(owed[0].counts or "")
    assert content["letter"] == "downtime"
    high = sum(flags[mail.flag_id].severity == "high" for mail in told if mail.flag_id)
    assert content["missed"]["high"] == high >= patients
    assert len(told) + (before or 0) >= patients
    send_all(running, back)
    [about] = [mail for mail in mail_server.delivered if "the system was down" in mail.message["Subject"]]
    assert "from Tuesday 3 March 2026, 11:00 (Europe/Berlin) until Wednesday 4 March 2026, 13:00" in one_line(
        about.text
    )
    late = [one_line(mail.text) for mail in mail_server.delivered if "/flag/" in mail.text]
    assert len(late) == len(told)
    since = "New data of this patient had been waiting since Wednesday 4 March 2026, 07:00 (Europe/Berlin)"
    assert all(since in text and "the flag was raised Wednesday 4 March 2026, 13:00" in text for text in late)


def send_all(running: Running, now: datetime) -> None:
    sender = Sender(running.database, running.settings, stop=threading.Event(), clock=lambda: now)
    while sender.send_next():
        pass
    sender.close()


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_medium_flag_of_the_gap_is_in_the_one_mail_and_in_no_digest_after_it(
    running: Running, clinic: Clinic
) -> None:
    clinic.employ("ada@clinic.example")
    running.ask("sweep", "digest")
    clinic.raise_flag("medium", now=STOPPED)
    running.now += timedelta(hours=26)
    running.ask("sweep", "digest")
    assert clinic.states()["ada@clinic.example"] == ["digested", "pending"]
    running.now += timedelta(days=1)
    running.ask("sweep", "digest")
    with clinic.database.read() as session:
        digests = session.scalars(select(Outbox).where(Outbox.flag_id.is_(None)).order_by(Outbox.created_at)).all()
    said = [json.loads(mail.counts or "") for mail in digests]
    assert [one.get("letter") for one in said] == ["downtime", None]
    assert said[-1]["new"] == 0


def test_a_short_pause_is_on_record_and_told_to_nobody(running: Running, clinic: Clinic) -> None:
    clinic.employ("ada@clinic.example")
    running.ask("sweep")
    clinic.raise_flag("high", now=STOPPED + timedelta(minutes=1))
    running.now += WORTH_TELLING - timedelta(seconds=1)
    running.ask("sweep")
    with clinic.database.read() as session:
        [gap] = session.scalars(select(Gap))
        assert session.scalars(select(Outbox.kind)).all() == ["immediate"]
    assert gap.told_at == running.now


def test_who_missed_nothing_gets_the_digest_and_no_mail_about_the_gap(running: Running, clinic: Clinic) -> None:
    clinic.employ("ada@clinic.example")
    running.ask("sweep")
    running.now += timedelta(hours=26)
    running.ask("sweep", "digest")
    with clinic.database.read() as session:
        [mail] = session.scalars(select(Outbox))
    assert "letter" not in json.loads(mail.counts or "")


def test_a_sweep_that_fails_lets_the_gap_grow_and_one_that_was_told_is_not_told_again(
    running: Running, clinic: Clinic
) -> None:
    clinic.employ("ada@clinic.example")
    running.ask("sweep")
    with clinic.database.write() as session:
        session.execute(Gap.__table__.insert().values(from_at=STOPPED, to_at=STOPPED, reason="x"))
    clinic.raise_flag("high", now=STOPPED + timedelta(hours=1))
    for hours in (3, 3, 6):
        running.now = STOPPED + timedelta(hours=hours)
        running.ask("sweep")
    with clinic.database.read() as session:
        gaps = session.scalars(select(Gap).order_by(Gap.id)).all()
        about = session.scalars(select(Outbox).where(Outbox.kind == "digest")).all()
    assert [(gap.from_at, gap.to_at) for gap in gaps] == [
        (STOPPED, STOPPED + timedelta(hours=3)),
        (STOPPED + timedelta(hours=3), STOPPED + timedelta(hours=6)),
    ]
    assert len(about) == 1
