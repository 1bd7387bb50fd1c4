"""Technical alarms to the admins, at most one of a kind in an hour: a thousand dead mails are one fault."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.announcing import MailPolicy, alarm
from data.models.mail import Outbox

QUIET: Final = timedelta(hours=1)

Reason = Literal[
    "mail-dead",
    "mail-barred",
    "feed-parked",
    "feed-conflict",
    "feed-failed",
    "feed-training",
    "invariant-broken",
    "audit-broken",
]


def alarm_once(session: Session, reason: Reason, policy: MailPolicy, *, now: datetime) -> int:
    """Write a technical mail to every enabled admin unless one of this `reason` was written in the last hour.

    The number of mails written. `mail-dead`: a mail was given up; `mail-barred`: the server takes none of ours.
    `feed-parked`: results of a feed wait for a person; `feed-conflict`: a control id came again with other content;
    `feed-failed`: a message could not be taken in; `feed-training`: a message was refused because it is not production.
    `invariant-broken`: flags, mails and runs do not add up; `audit-broken`: the audit chain does not hold.
    """
    same = select(Outbox.id).where(
        Outbox.kind == "technical",
        Outbox.counts == json.dumps({"reason": reason}),
        Outbox.created_at > now - QUIET,
    )
    if session.execute(same.limit(1)).first() is not None:
        return 0
    return alarm(session, reason, policy, now)
