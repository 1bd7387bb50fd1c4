"""Scheduler and sender started again with a clock that is wrong: nothing is lost and no date has two digests.

The clock is libfaketime's (Debian package faketime); where it is missing the test fails and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from data.audit import verify
from data.db import Database
from data.models import Audit, Digest, Flag, Outbox
from tests.faults.conftest import Cohort, Site, wait_until

pytestmark = [pytest.mark.alone, pytest.mark.faults]

SHARE = 10
WRONG = ("+0", "-2h", "+26h", "-1d", "+0")
"""By how much the clock is wrong, one start after the other."""


@pytest.fixture
def library() -> str:
    """Where libfaketime is."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert found, "the tests of clocks need libfaketime: apt-get install faketime"
    return str(found[0])


@pytest.mark.timeout(400)
def test_restarted_with_a_wrong_clock_they_lose_no_alert_and_write_no_second_digest(site: Site, library: str) -> None:
    cohort = Cohort(site.database, SHARE * len(WRONG), datetime.now(UTC))
    for round, wrong in enumerate(WRONG):
        clock = {"LD_PRELOAD": library, "FAKETIME": wrong, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        both = [site.start(name, **clock) for name in ("scheduler", "sender")]
        for process in both:
            assert wait_until(lambda started=process: site.at_work(started), 90), site.log("scheduler")[-2000:]
        cohort.rise(cohort.patient_ids[round * SHARE : (round + 1) * SHARE])
        told = wait_until(lambda expected=(round + 1) * SHARE: sent(site.database) == expected, 90)
        assert told, (wrong, sent(site.database), site.log("scheduler")[-2000:], site.log("sender")[-2000:])
        if round == len(WRONG) - 1:
            assert wait_until(lambda: in_hand(site.database) == 0, 120), "a lease never ended"
        for process in both:
            process.kill()
            process.wait()
    with site.database.read() as session:
        flags = Counter(session.scalars(select(Flag.patient_id).where(Flag.rule == "R03")))
        digests = Counter(session.execute(select(Digest.recipient_id, Digest.local_date)).all())
        seqs = session.scalars(select(Audit.seq).order_by(Audit.seq)).all()
        audit = verify(session)
    assert set(flags.values()) == {1}
    assert len(flags) == SHARE * len(WRONG)
    assert set(digests.values()) <= {1}
    assert list(seqs) == list(range(1, len(seqs) + 1))
    assert audit.ok, audit.why
    assert set(site.mail_server.copies().values()) == {1}


def in_hand(database: Database) -> int:
    """Mails that a sender took and has not settled, gone or not."""
    with database.read() as session:
        return session.scalar(select(func.count()).where(Outbox.state == "sending")) or 0


def sent(database: Database) -> int:
    """Flags of a rise whose mail has left."""
    with database.read() as session:
        return (
            session.scalar(
                select(func.count())
                .select_from(Outbox)
                .join(Flag, Flag.id == Outbox.flag_id)
                .where(Flag.rule == "R03", Outbox.state == "sent")
            )
            or 0
        )


@pytest.mark.timeout(120)
def test_the_watchdog_says_that_the_clock_of_its_machine_is_wrong(
    site_of: Callable[[Database], Site], postgresql_database: Database, library: str
) -> None:
    site = site_of(postgresql_database)
    for wrong, said in (("-2h", "the clock of the database is +7"), ("+0", "")):
        clock = {"LD_PRELOAD": library, "FAKETIME": wrong, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        told = site.ask("watchdog", **clock)
        lines = [line for line in told.splitlines() if "clock" in line]
        assert all(line.startswith(said) for line in lines) and len(lines) == bool(said), told
