"""The daily digest job: medium flags, and the sign of life that makes silence mean failure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from data.announcing import MailPolicy
from data.db import Database
from data.digests import write_digests
from jobs.runs import Counts, Fence
from jobs.schedule import Daily


def digest(
    database: Database, when: Daily, policy: MailPolicy, *, as_of: datetime, now: datetime, fence: Fence
) -> Counts:
    """Write the digests of the local date whose digest time was the latest at `as_of`; counts of mails and rows."""
    local_date = when.latest(as_of).astimezone(when.zone).date()
    with database.write() as session:
        done = write_digests(session, local_date, policy, due_by=as_of, now=now)
        fence(session)
    return asdict(done)
