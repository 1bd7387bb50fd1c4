"""kill -9 of the scheduler over a thousand due conditions: the flags are those of a sweep that nobody disturbed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from clinical.protocol import bundled_protocol
from data.announcing import TOLD
from data.audit import verify
from data.db import Database, open_database
from data.migrate import upgrade
from data.models import Flag, JobRun, Outbox, Patient, Watermark
from data.outbox import mail_policy
from data.settings import Settings
from jobs.sweep import sweep
from tests.faults.conftest import Cohort, Site, wait_until

pytestmark = pytest.mark.alone


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_fifty_kills_over_a_thousand_conditions(site: Site, seed: int, undisturbed: Database) -> None:
    hits = kill_loop(site, undisturbed, seed, patients=1000, kills=50)
    assert hits > 5, "too few kills hit a sweep under way: this run proved little"


@pytest.mark.timeout(120)
def test_twenty_kills_over_a_hundred_conditions(
    site_of: Callable[[Database], Site], sqlite_database: Database, seed: int, undisturbed: Database
) -> None:
    kill_loop(site_of(sqlite_database), undisturbed, seed, patients=100, kills=20)


@pytest.fixture
def undisturbed(tmp_path: Path, audit_key: bytes) -> Database:
    """Another database, for the same patients and one sweep in peace."""
    database = open_database(f"sqlite:///{tmp_path / 'undisturbed.db'}", audit_key)
    upgrade(database)
    return database


def kill_loop(site: Site, undisturbed: Database, seed: int, *, patients: int, kills: int) -> int:
    """Let conditions come due while the scheduler is killed again and again; how many kills hit a run under way.

    Everybody is touched before each start, so that each sweep has everybody to judge.
    """
    chance, now = random.Random(seed), datetime.now(UTC)
    cohort = Cohort(site.database, patients, now)
    share = patients // kills
    arrivals = [cohort.patient_ids[i : i + share] for i in range(0, patients, share)]
    hits = 0
    for round in range(kills):
        cohort.touch()
        if arrivals:
            cohort.rise(arrivals.pop(0))
        process = site.hatch("scheduler")
        assert wait_until(lambda round=round: leads(site, round), 60), site.log("scheduler")[-3000:]
        time.sleep(chance.uniform(0.0, 0.6))
        process.kill()
        process.join()
        hits += under_way(site.database)
    for late in arrivals:
        cohort.rise(late)
    site.hatch("scheduler")
    assert wait_until(lambda: caught_up(site.database, patients), 120), site.log("scheduler")[-3000:]
    print(f"{kills} kills, {hits} of them in the middle of a run")
    same = Cohort(undisturbed, patients, now)
    for first in range(0, patients, share):
        same.rise(same.patient_ids[first : first + share])
    policy = mail_policy(Settings(_env_file=None))
    sweep(undisturbed, protocol=bundled_protocol(), mail=policy, as_of=now, now=now)
    assert flags(site.database) == flags(undisturbed)
    check_mails(site.database)
    return hits


def leads(site: Site, round: int) -> bool:
    """Whether the newest scheduler has come so far that it leads."""
    log = site.home / f"scheduler.{round}.log"
    return log.exists() and '"event": "leading"' in log.read_text(encoding="utf-8")


def under_way(database: Database) -> bool:
    with database.read() as session:
        newest = session.execute(select(JobRun.outcome).where(JobRun.job == "sweep").order_by(JobRun.id.desc())).first()
    return newest is not None and newest.outcome is None


def caught_up(database: Database, patients: int) -> bool:
    with database.read() as session:
        flagged = session.scalar(select(func.count()).where(Flag.rule == "R03"))
        read = session.scalar(select(Watermark.last_seq))
        newest = session.scalar(select(func.max(Flag.first_seq)))
    return flagged == patients and read is not None and read >= (newest or 0)


def flags(database: Database) -> Counter[tuple[str, str, str, int, str]]:
    """Every flag by patient, rule, subject, episode and status."""
    with database.read() as session:
        rows = session.execute(
            select(Patient.mrn, Flag.rule, Flag.subject, Flag.episode, Flag.status).join(
                Patient, Patient.id == Flag.patient_id
            )
        ).all()
    return Counter(tuple(row) for row in rows)


def check_mails(database: Database) -> None:
    """One mail a flag that is to be told and recipient; the audit chain whole."""
    with database.read() as session:
        told = Counter(
            session.execute(
                select(Outbox.flag_id, Outbox.recipient_id)
                .where(Outbox.kind.in_(("immediate", "digest")))
                .where(Outbox.flag_id.is_not(None))
            ).all()
        )
        to_tell = set(session.scalars(select(Flag.id).where(Flag.severity.in_(TOLD))))
        audit = verify(session)
    assert set(told.values()) == {1}
    assert {flag for flag, _ in told} == to_tell
    assert audit.ok, audit.why
