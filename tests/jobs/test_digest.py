"""The digest: one mail a person and local date, with counts; what it stands for is marked and told once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.db import Database
from data.job_runs import Runner, begin_run, finish_run
from data.models import Digest, Flag, Outbox
from data.settings import Settings
from jobs.digest import digest
from jobs.leader import LeaderLost
from jobs.runs import Counts
from jobs.schedule import Daily
from jobs.sender import Sender
from tests.jobs.conftest import Clinic
from tests.mail_server import MailServer

SEVEN = Daily(time(7), ZoneInfo("Europe/Berlin"))
MORNING = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
"""07:00 in Berlin on the day after the fixture `now`."""


def unfenced(session: Session) -> None:
    assert session.in_transaction()


def run(clinic: Clinic, at: datetime, *, when: Daily = SEVEN) -> Counts:
    return digest(clinic.database, when, clinic.policy, as_of=at, now=at, fence=unfenced)


def mails(database: Database, **where: Any) -> list[Outbox]:
    with database.read() as session:
        return list(session.scalars(select(Outbox).filter_by(**where).order_by(Outbox.created_at, Outbox.id)))


def test_medium_flags_become_one_mail_a_person(clinic: Clinic, settings: Settings, mail_server: MailServer) -> None:
    clinic.employ("ada@clinic.example")
    clinic.employ("bob@clinic.example")
    for _ in range(3):
        clinic.raise_flag("medium")
    clinic.raise_flag("urgent")
    assert run(clinic, MORNING) == {"mails": 2, "digested": 6, "cancelled": 0}
    sender = Sender(clinic.database, settings, stop=threading.Event(), clock=lambda: MORNING)
    while sender.send_next():
        pass
    digests = [mail for mail in mail_server.delivered if "digest" in mail.message["Subject"]]
    assert sorted(mail.recipient for mail in digests) == ["ada@clinic.example", "bob@clinic.example"]
    assert all(mail.message["Subject"] == "Nadir: daily digest, 3 new flags to review" for mail in digests)
    assert all("1 urgent, 0 high, 3 medium, 0 low" in " ".join(mail.text.split()) for mail in digests)
    assert clinic.states()["ada@clinic.example"] == ["digested"] * 3 + ["sent"] * 2


def test_nothing_new_is_told_too(clinic: Clinic) -> None:
    clinic.employ("ada@clinic.example")
    clinic.employ("nurse@clinic.example", "nurse")
    assert run(clinic, MORNING) == {"mails": 1, "digested": 0, "cancelled": 0}


def test_it_says_when_the_last_sweep_was(clinic: Clinic, now: datetime) -> None:
    clinic.employ("ada@clinic.example")
    runner = Runner("a", 1)
    with clinic.database.write() as session:
        run_id = begin_run(session, "sweep", due_at=now, runner=runner, now=now)
        assert run_id is not None
        finish_run(session, run_id, runner=runner, counts={}, error=None, now=now)
    run(clinic, MORNING)
    [mail] = mails(clinic.database, kind="digest")
    assert '"swept_at": "2026-03-02T09:00:00+00:00"' in (mail.counts or "")


def test_a_local_date_has_one_digest_whatever_the_clock_did(clinic: Clinic) -> None:
    clinic.employ("ada@clinic.example")
    for at in (MORNING, MORNING + timedelta(hours=5), MORNING - timedelta(hours=2), MORNING):
        run(clinic, at)
    with clinic.database.read() as session:
        dates = session.scalars(select(Digest.local_date).order_by(Digest.local_date)).all()
    assert [day.isoformat() for day in dates] == ["2026-03-02", "2026-03-03"]


@pytest.mark.parametrize("at", [time(1, 30), time(2, 30)])
@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York"])
def test_each_local_date_of_both_changes_of_the_clock_has_its_digest(clinic: Clinic, zone: str, at: time) -> None:
    clinic.employ("ada@clinic.example")
    when = Daily(at, ZoneInfo(zone))
    for start in (datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)):
        for quarter in range(4 * 24 * 26):
            at = start + timedelta(minutes=15 * quarter)
            if when.latest(at) > at - timedelta(minutes=15):
                run(clinic, at, when=when)
    with clinic.database.read() as session:
        dates = sorted(session.scalars(select(Digest.local_date)))
    assert len(dates) == len(set(dates)) == 52


def test_two_runs_at_once_make_one_digest(clinic: Clinic) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("medium")
    start = threading.Barrier(4)

    def at_once() -> None:
        start.wait()
        run(clinic, MORNING)

    threads = [threading.Thread(target=at_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mails(clinic.database, kind="digest", flag_id=None)) == 1
    assert clinic.states() == {"ada@clinic.example": ["digested", "pending"]}


def test_a_flag_somebody_saw_meanwhile_is_not_new_in_it(clinic: Clinic) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("medium")
    seen = clinic.raise_flag("medium")
    with clinic.database.write() as session:
        session.execute(update(Flag).where(Flag.id == seen).values(status="acknowledged"))
    assert run(clinic, MORNING) == {"mails": 1, "digested": 1, "cancelled": 1}


def test_what_was_raised_after_the_digest_time_waits_for_the_next(clinic: Clinic) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("medium", now=MORNING + timedelta(hours=1))
    assert run(clinic, MORNING + timedelta(hours=5)) == {"mails": 1, "digested": 0, "cancelled": 0}
    assert run(clinic, MORNING + timedelta(days=1))["digested"] == 1


def test_a_leader_that_lost_writes_no_digest(clinic: Clinic) -> None:
    def lost(_session: Session) -> None:
        raise LeaderLost("another leads")

    clinic.employ("ada@clinic.example")
    clinic.raise_flag("medium")
    with pytest.raises(LeaderLost):
        digest(clinic.database, SEVEN, clinic.policy, as_of=MORNING, now=MORNING, fence=lost)
    assert clinic.states() == {"ada@clinic.example": ["pending"]}
