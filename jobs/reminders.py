"""The job of the weekly reminder of surveillance."""

from __future__ import annotations

from datetime import datetime

from data.announcing import MailPolicy
from data.db import Database
from data.reminders import write_reminders
from jobs.runs import Counts, Fence
from jobs.schedule import Daily


def remind(
    database: Database, when: Daily, policy: MailPolicy, *, as_of: datetime, now: datetime, fence: Fence
) -> Counts:
    """Write the reminders of the week in which the job was due at `as_of`, to whoever has none of it; the number."""
    local_date = when.latest(as_of).astimezone(when.zone).date()
    with database.write() as session:
        mails = write_reminders(session, local_date, policy, now=now)
        fence(session)
    return {"mails": mails}
