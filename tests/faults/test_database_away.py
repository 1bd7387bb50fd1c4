"""The database ends every connection, as at a restart: scheduler and sender go on by themselves, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from data.db import Database
from data.models import Flag, Outbox
from tests.faults.conftest import Cohort, Site, wait_until

pytestmark = pytest.mark.alone

OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.mark.timeout(180)
def test_cut_off_again_and_again_they_judge_and_send_all_the_same(
    site_of: Callable[[Database], Site], postgresql_database: Database
) -> None:
    site = site_of(postgresql_database)
    cohort = Cohort(site.database, 30, datetime.now(UTC))
    processes = [site.start("scheduler"), site.start("sender")]
    for process in processes:
        assert wait_until(lambda started=process: site.at_work(started), 60)
    for first in range(0, 30, 10):
        cohort.rise(cohort.patient_ids[first : first + 10])
        assert wait_until(lambda: "job done" in site.log("scheduler"), 20)
        cut_off(site.database)
    assert wait_until(lambda: sent(site.database) == flagged(site.database) == 30, 90), site.log("sender")[-2000:]
    assert [process.poll() for process in processes] == [None, None]
    assert wait_until(lambda: "lapsed" not in site.leader()[1], 20), "it has its lock again"


def cut_off(database: Database) -> None:
    with database.write() as session:
        session.execute(text(OTHERS))


def flagged(database: Database) -> int:
    with database.read() as session:
        return session.execute(select(func.count()).where(Flag.rule == "R03")).scalar_one()


def sent(database: Database) -> int:
    with database.read() as session:
        return session.execute(
            select(func.count()).where(Outbox.kind == "immediate", Outbox.state == "sent")
        ).scalar_one()
