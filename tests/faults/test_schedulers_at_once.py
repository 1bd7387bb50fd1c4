"""Two schedulers that both believe to lead, lock, lease and fence taken away: no run, flag or mail is there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from data.db import Database
from data.models import Flag, JobRun, Outbox
from tests.faults.conftest import Cohort, Site, wait_until

pytestmark = pytest.mark.alone


@pytest.mark.timeout(120)
def test_without_lock_and_fence_nothing_is_doubled(
    site_of: Callable[[Database], Site], sqlite_database: Database
) -> None:
    at_once(site_of(sqlite_database), patients=60, seconds=6)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_ten_minutes_without_lock_and_fence(site: Site) -> None:
    """Ten seconds with a sweep each second: ten minutes at a minute each."""
    at_once(site, patients=200, seconds=10)


def at_once(site: Site, *, patients: int, seconds: int) -> None:
    cohort = Cohort(site.database, patients, datetime.now(UTC))
    both = [site.hatch("unlocked"), site.hatch("unlocked")]
    assert wait_until(lambda: site.log("unlocked").count('"event": "leading"') == 2, 60), site.log("unlocked")[-2000:]
    share = patients // seconds
    for second in range(seconds):
        cohort.rise(cohort.patient_ids[second * share : (second + 1) * share])
        cohort.touch()
        wait_until(lambda: False, 1)
    risen = share * seconds
    assert wait_until(lambda: flagged(site.database) == risen, 60), site.log("unlocked")[-2000:]
    holders = {run.holder for run in site.runs()}
    assert all(process.is_alive() for process in both)
    assert len(holders) == 2, "both did work"
    with site.database.read() as session:
        flags = Counter(session.scalars(select(Flag.dedup_key)))
        mails = Counter(session.execute(select(Outbox.flag_id, Outbox.recipient_id, Outbox.step)).all())
        runs = Counter(session.execute(select(JobRun.job, JobRun.due_at)).all())
    assert set(flags.values()) == {1}
    assert set(mails.values()) == {1}
    assert set(runs.values()) == {1}


def flagged(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count(Flag.patient_id.distinct())).where(Flag.rule == "R03")) or 0
