"""Flags, mails and runs counted a second way: silent while they add up, a line for each thing that does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, select, update

from clinical.protocol import bundled_protocol
from data.db import Database
from data.invariants import broken_invariants
from data.models import Flag, Ingest, JobRun, Judgement, Outbox, Watermark
from data.outbox import mail_policy
from data.recount import recounted
from data.settings import Settings
from jobs.scheduler import run_job
from jobs.sweep import sweep
from tests.faults.conftest import Cohort
from tests.jobs.conftest import Clinic

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
LAG = timedelta(seconds=100)


@pytest.fixture
def judged(database: Database, settings: Settings) -> Cohort:
    """Six patients, three with a risen glucagon, judged."""
    cohort = Cohort(database, 6, NOW)
    cohort.rise(cohort.patient_ids[:3])
    sweep(database, protocol=bundled_protocol(), mail=mail_policy(settings), as_of=NOW, now=NOW)
    return cohort


def lines(database: Database) -> list[str]:
    with database.read() as session:
        return recounted(session, protocol=bundled_protocol(), chance=Random(1))


def test_after_a_sweep_the_second_count_agrees(judged: Cohort, database: Database) -> None:
    assert lines(database) == []


def test_a_flag_that_was_lost_and_one_that_nothing_shows_are_found(judged: Cohort, database: Database) -> None:
    with database.write() as session:
        rises = session.scalars(select(Flag).where(Flag.rule == "R03").order_by(Flag.patient_id)).all()
        assert len(rises) == 3
        rises[0].cleared_at = NOW
        rises[0].status = "resolved"
        rises[1].dedup_key = "a key of nobody"
    assert lines(database) == [
        "R03: 2 of a sample of 50 patients have no flag although the data show it",
        "R03: 1 of a sample of 50 patients have a flag the data do not show",
    ]


def test_a_patient_of_whom_something_came_in_since_is_the_business_of_the_next_sweep(
    judged: Cohort, database: Database
) -> None:
    judged.rise(judged.patient_ids[3:])
    assert lines(database) == []


def test_a_flag_a_person_closed_and_one_the_data_cleared_count_as_they_should(
    judged: Cohort, database: Database
) -> None:
    with database.write() as session:
        first = session.scalars(select(Flag).where(Flag.rule == "R03").order_by(Flag.patient_id)).first()
        assert first is not None
        first.status, first.resolved_at = "overridden", NOW
    assert lines(database) == []


def broken(database: Database, now: datetime = NOW) -> list[str]:
    with database.read() as session:
        return broken_invariants(session, longest_lag=LAG, now=now)


def test_a_mail_that_stands_as_sent_was_accepted_by_a_server(clinic: Clinic, database: Database) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    assert broken(database) == []
    with database.write() as session:
        session.execute(update(Outbox).values(state="sent"))
    assert broken(database) == ["mails that stand as sent and that no mail server has accepted: 1"]


def test_the_watermark_neither_runs_ahead_nor_falls_behind(judged: Cohort, database: Database) -> None:
    assert broken(database) == []
    judged.weigh(70)
    assert broken(database, NOW + LAG) == []
    assert broken(database, NOW + LAG + timedelta(seconds=1)) == [
        "data have waited 101 s for a sweep, at most 100 s are allowed"
    ]
    with database.write() as session:
        newest = session.scalar(select(func.max(Ingest.seq))) or 0
        session.execute(update(Watermark).values(last_seq=newest + 5))
    assert broken(database) == [
        f"the sweep claims to have read up to {newest + 5}, but only {newest} was ever taken in"
    ]


def test_a_sweep_begun_under_an_old_epoch_is_noticed(database: Database) -> None:
    with database.write() as session:
        for second, epoch in enumerate((1, 1, 2, 2)):
            at = NOW + timedelta(seconds=second)
            session.add(JobRun(job="sweep", due_at=at, started_at=at, holder="h", epoch=epoch))
            session.flush()
    assert broken(database) == []
    with database.write() as session:
        at = NOW + timedelta(seconds=9)
        session.add(JobRun(job="sweep", due_at=at, started_at=at, holder="h", epoch=1))
    assert broken(database) == ["a scheduler that no longer led has begun a sweep"]


def test_the_job_tells_the_admins_when_something_does_not_add_up(
    judged: Cohort, database: Database, settings: Settings
) -> None:
    assert run_job("invariants", database, settings, bundled_protocol(), as_of=NOW, now=NOW)["broken"] == 0
    with database.write() as session:
        session.execute(update(Flag).where(Flag.rule == "R03").values(cleared_at=NOW))
        assert session.scalar(select(func.count()).select_from(Judgement)) == 6
    later = NOW + timedelta(seconds=1)
    assert run_job("invariants", database, settings, bundled_protocol(), as_of=later, now=later)["broken"] == 1
    with database.read() as session:
        [alarm] = session.scalars(select(Outbox).where(Outbox.kind == "technical"))
    assert alarm.counts == '{"reason": "invariant-broken"}'
